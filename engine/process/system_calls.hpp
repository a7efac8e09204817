// Which system calls the process can make: seccomp(2).
#pragma once
#include <string>

#include <tl/expected.hpp>

namespace lockstep {

// All threads, those of now and those to come, make from here on only the calls that a run needs once it
// moves packets: it reads and writes files, serves its sockets, reloads, starts threads, and puts interfaces
// back. Others fail with EPERM, and the kernel logs them (auditd, or the kernel's log), since a call that was
// forgotten here should not end an engine that a network hangs on. Those that only an intruder makes end the
// process at once: executing a program, tracing another process, mounting, changing namespaces, loading a
// module or another kernel. `kernel_programs`: programs for the kernel can be loaded too, as libxdp's
// dispatcher needs when one of several is detached. The error is for the user.
[[nodiscard]] tl::expected<void, std::string> filter_system_calls(bool kernel_programs);

}  // namespace lockstep
