#include "engine/process/system_calls.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <memory>

#include <fmt/format.h>
#include <linux/bpf.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/process/sanitized.hpp"

namespace lockstep {
namespace {

// clang-format off
constexpr std::array allowed{
    // Memory
    SCMP_SYS(brk), SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(mprotect), SCMP_SYS(madvise),
    // Threads and signals
    SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(exit), SCMP_SYS(exit_group),
    SCMP_SYS(gettid), SCMP_SYS(getpid), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(getcpu),
    SCMP_SYS(setpriority), SCMP_SYS(membarrier), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall),
    // Time and facts
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom), SCMP_SYS(uname), SCMP_SYS(sysinfo),
    SCMP_SYS(getrusage), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
    // Files
    SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(close), SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(readv),
    SCMP_SYS(write), SCMP_SYS(pwrite64), SCMP_SYS(writev), SCMP_SYS(lseek), SCMP_SYS(fcntl),
    SCMP_SYS(ftruncate), SCMP_SYS(flock), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(fstat),
    SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
    SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getdents64), SCMP_SYS(getcwd), SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat), SCMP_SYS(rmdir), SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(rename),
    SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(inotify_init1), SCMP_SYS(inotify_add_watch),
    SCMP_SYS(inotify_rm_watch),
    // Sockets; which ones can be made stands below
    SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(connect), SCMP_SYS(bind),
    SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg),
    SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(recvmmsg), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
    SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(shutdown),
};
constexpr std::array hostile{
    SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
    SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load), SCMP_SYS(init_module), SCMP_SYS(finit_module),
    SCMP_SYS(delete_module), SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot),
    SCMP_SYS(move_mount), SCMP_SYS(open_tree), SCMP_SYS(fsopen), SCMP_SYS(fsmount), SCMP_SYS(mount_setattr),
    SCMP_SYS(setns), SCMP_SYS(unshare), SCMP_SYS(reboot), SCMP_SYS(swapon), SCMP_SYS(swapoff), SCMP_SYS(iopl),
    SCMP_SYS(ioperm), SCMP_SYS(open_by_handle_at), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd),
    SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(pidfd_getfd), SCMP_SYS(ptrace),
};
// What the sanitizers' runtimes need beyond that; the search for leaks stops all threads by tracing them.
constexpr std::array of_sanitizers{
    SCMP_SYS(clone), SCMP_SYS(ptrace), SCMP_SYS(wait4), SCMP_SYS(prctl), SCMP_SYS(prlimit64), SCMP_SYS(tgkill),
    SCMP_SYS(getppid), SCMP_SYS(kill), SCMP_SYS(pipe2), SCMP_SYS(getdents), SCMP_SYS(dup2),
};
// libxdp's and libbpf's way to load a program: is it a BPF file system, is there memory to be locked.
constexpr std::array of_kernel_programs{
    SCMP_SYS(bpf), SCMP_SYS(statfs), SCMP_SYS(fstatfs), SCMP_SYS(prlimit64),
};
// On maps that are there; programs and maps can't be made.
constexpr std::array map_commands{
    BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_MAP_DELETE_ELEM, BPF_MAP_GET_NEXT_KEY, BPF_OBJ_GET,
    BPF_OBJ_GET_INFO_BY_FD, BPF_MAP_LOOKUP_AND_DELETE_ELEM, BPF_MAP_LOOKUP_BATCH,
    BPF_MAP_LOOKUP_AND_DELETE_BATCH, BPF_MAP_UPDATE_BATCH, BPF_MAP_DELETE_BATCH,
};
constexpr std::array<unsigned long, 8> ioctls{TCGETS,       FIONBIO,      FIONREAD,     SIOCGIFINDEX,
                                              SIOCGIFNAME,  SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCETHTOOL};
// clang-format on

// Collects rules; the first error stays.
class Filter {
 public:
  Filter() : context_(seccomp_init(SCMP_ACT_ERRNO(EPERM)), seccomp_release) {
    if (!context_) error_ = -ENOMEM;
    set(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    set(SCMP_FLTATR_CTL_TSYNC, 1);
    set(SCMP_FLTATR_CTL_LOG, 1);
    set(SCMP_FLTATR_CTL_SSB, 1);  // no slower stores for it: nothing here runs code of others
  }
  void add(std::uint32_t action, int call, std::initializer_list<scmp_arg_cmp> arguments = {}) {
    // A number below 0 is of another architecture.
    if (error_ == 0 && call >= 0)
      error_ = seccomp_rule_add_array(context_.get(), action, call, static_cast<unsigned>(arguments.size()),
                                      arguments.begin());
  }
  void allow(int call, std::initializer_list<scmp_arg_cmp> arguments = {}) {
    add(SCMP_ACT_ALLOW, call, arguments);
  }
  int load() {
    if (error_ == 0) error_ = seccomp_load(context_.get());
    return error_;
  }

 private:
  void set(scmp_filter_attr attribute, std::uint32_t value) {
    if (error_ == 0) error_ = seccomp_attr_set(context_.get(), attribute, value);
  }
  std::unique_ptr<void, void (*)(scmp_filter_ctx)> context_;
  int error_ = 0;
};

// Of an argument that is an int: what stands in the upper half of its register does not count.
scmp_arg_cmp is(unsigned argument, std::uint64_t value, std::uint64_t mask = 0xffffffff) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

// All by both arguments: where some rules of a call look at one and some at two, libseccomp 2.5 compares the
// second argument with a value that is meant for the first.
void allow_sockets(Filter& filter) {
  constexpr std::uint64_t type = 0xf;  // without SOCK_NONBLOCK, SOCK_CLOEXEC
  const auto allow = [&](int family, int kind) {
    filter.allow(SCMP_SYS(socket),
                 {is(0, static_cast<unsigned>(family)), is(1, static_cast<unsigned>(kind), type)});
  };
  for (const int kind : {SOCK_STREAM, SOCK_DGRAM}) allow(AF_UNIX, kind);   // logs, the service manager
  for (const int kind : {SOCK_RAW, SOCK_DGRAM}) allow(AF_NETLINK, kind);   // interfaces
  for (const int family : {AF_INET, AF_INET6}) allow(family, SOCK_DGRAM);  // ioctls of interfaces
}

void allow_threads(Filter& filter) {
  filter.allow(SCMP_SYS(clone), {is(0, CLONE_THREAD, CLONE_THREAD)});
  // Its flags are out of a filter's sight; the C library then takes clone.
  filter.add(SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));
  const auto self = static_cast<std::uint64_t>(::getpid());
  filter.allow(SCMP_SYS(kill), {is(0, self)});
  filter.allow(SCMP_SYS(tgkill), {is(0, self)});
  for (const unsigned long what : {PR_SET_NAME, PR_GET_NAME, PR_SET_VMA})
    filter.allow(SCMP_SYS(prctl), {is(0, what)});
  filter.allow(SCMP_SYS(prlimit64), {SCMP_A2_64(SCMP_CMP_EQ, 0)});  // to read
}

}  // namespace

tl::expected<void, std::string> filter_system_calls(bool kernel_programs) {
  Filter filter;
  for (const int call : allowed) filter.allow(call);
  allow_sockets(filter);
  allow_threads(filter);
  for (const unsigned long request : ioctls) filter.allow(SCMP_SYS(ioctl), {is(1, request)});
  if (kernel_programs) {
    for (const int call : of_kernel_programs) filter.allow(call);
  } else {
    for (const unsigned command : map_commands) filter.allow(SCMP_SYS(bpf), {is(0, command)});
  }
  if (sanitized) {
    for (const int call : of_sanitizers) filter.allow(call);
  }
  for (const int call : hostile) {
    if (!(sanitized && call == SCMP_SYS(ptrace))) filter.add(SCMP_ACT_KILL_PROCESS, call);
  }
  if (const int error = filter.load(); error != 0)
    return tl::unexpected(fmt::format("the filter of system calls: {}",
                                      std::strerror(-error)));  // NOLINT(concurrency-mt-unsafe)
  return {};
}

}  // namespace lockstep
