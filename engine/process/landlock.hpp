// Which paths and TCP ports a thread can reach, whoever it runs as: landlock(7). What is said of "this
// thread" holds for those that it starts later.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "engine/descriptor.hpp"

namespace lockstep {

// A file, or a directory with all below it.
struct PathGrant {
  enum class Access : std::uint8_t {
    read,    // files and lists of files
    write,   // and files and directories made, changed, renamed and removed
    remove,  // files and directories removed, nothing else
  };
  std::string path;
  Access access = Access::read;
};

// Of the running kernel; 0: it has no Landlock, or does not let us (errno says why). 1: paths; 4 and more:
// TCP ports too.
[[nodiscard]] int landlock_abi();

// This thread reaches nothing but `paths`, executes nothing, connects to no TCP port and binds to none but
// `ports`. Paths that do not exist are passed over. What is open stays usable. Sockets in the file system can
// be connected to. The descriptors are to be kept for as long as the grants are to hold: /proc forgets what
// nobody has open, and makes it anew as something that was not granted. An error of a kernel that has
// Landlock.
[[nodiscard]] tl::expected<std::vector<Descriptor>, std::string> restrict_to(
    const std::vector<PathGrant>& paths, const std::vector<std::uint16_t>& ports);

}  // namespace lockstep
