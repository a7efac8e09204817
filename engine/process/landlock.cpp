#include "engine/process/landlock.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lockstep {
namespace {

// What Debian 12's <linux/landlock.h> lacks of later kernels.
constexpr std::uint64_t truncate = 1ULL << 14U;      // ABI 3
constexpr std::uint64_t ioctl_device = 1ULL << 15U;  // ABI 5
constexpr std::uint64_t bind_tcp = 1, connect_tcp = 2;
constexpr int port_rule = 2;  // ABI 4
struct Handled {
  std::uint64_t paths = 0;
  std::uint64_t ports = 0;
};
struct PortRule {
  std::uint64_t access = 0;
  std::uint64_t port = 0;
};

constexpr std::uint64_t of_files =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | truncate;
constexpr std::uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t removing =
    LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR;
constexpr std::uint64_t writing = reading | removing | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                  LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | truncate;

std::uint64_t all_of(int abi) {
  std::uint64_t all = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1U) - 1;
  if (abi >= 2) all |= LANDLOCK_ACCESS_FS_REFER;
  if (abi >= 3) all |= truncate;
  if (abi >= 5) all |= ioctl_device;
  return all;
}

std::uint64_t rights(PathGrant::Access access) {
  switch (access) {
    case PathGrant::Access::read:
      return reading;
    case PathGrant::Access::write:
      return writing;
    case PathGrant::Access::remove:
      break;
  }
  return removing;
}

tl::unexpected<std::string> problem(const std::string& what) {
  return tl::unexpected(
      fmt::format("Landlock: {}: {}", what, std::strerror(errno)));  // NOLINT(concurrency-mt-unsafe)
}

// Nothing is granted by a path that does not exist: the descriptor is empty.
tl::expected<Descriptor, std::string> grant(int rules, const PathGrant& wanted, std::uint64_t handled) {
  Descriptor file(::open(wanted.path.c_str(), O_PATH | O_CLOEXEC));
  if (!file && (errno == ENOENT || errno == ENOTDIR)) return file;
  struct stat there {};
  if (!file || ::fstat(file.get(), &there) != 0) return problem(wanted.path);
  landlock_path_beneath_attr rule{};
  rule.allowed_access = rights(wanted.access) & handled;
  if (!S_ISDIR(there.st_mode)) rule.allowed_access &= of_files;
  rule.parent_fd = file.get();
  if (::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
    return problem(wanted.path);
  return file;
}

}  // namespace

int landlock_abi() {
  const long abi =
      ::syscall(SYS_landlock_create_ruleset, nullptr, std::size_t{0}, LANDLOCK_CREATE_RULESET_VERSION);
  return abi < 0 ? 0 : static_cast<int>(abi);
}

tl::expected<std::vector<Descriptor>, std::string> restrict_to(const std::vector<PathGrant>& paths,
                                                               const std::vector<std::uint16_t>& ports) {
  constexpr int with_ports = 4;
  const int abi = landlock_abi();
  Handled handled{all_of(abi), bind_tcp | connect_tcp};
  const std::size_t size = abi >= with_ports ? sizeof handled : sizeof handled.paths;
  const Descriptor rules(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &handled, size, 0)));
  if (!rules) return problem("a set of rules");
  std::vector<Descriptor> granted;
  for (const PathGrant& wanted : paths) {
    auto file = grant(rules.get(), wanted, handled.paths);
    if (!file) return tl::unexpected(file.error());
    if (*file) granted.push_back(std::move(*file));
  }
  for (const std::uint16_t port : ports) {
    const PortRule rule{bind_tcp, port};
    if (abi >= with_ports && ::syscall(SYS_landlock_add_rule, rules.get(), port_rule, &rule, 0) != 0)
      return problem(fmt::format("port {}", port));
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return problem("no new privileges");
  if (::syscall(SYS_landlock_restrict_self, rules.get(), 0) != 0) return problem("this process");
  return granted;
}

}  // namespace lockstep
