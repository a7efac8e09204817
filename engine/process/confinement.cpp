#include "engine/process/confinement.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <optional>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/process/capabilities.hpp"
#include "engine/process/sanitized.hpp"
#include "engine/process/system_calls.hpp"

namespace lockstep {
namespace {

using Access = PathGrant::Access;

std::optional<std::uint16_t> metrics_port(const Settings& settings) {
  const std::string& listen = settings.metrics.listen;
  const auto colon = listen.rfind(':');
  std::uint16_t port = 0;
  if (listen.empty() || colon == std::string::npos) return std::nullopt;
  std::from_chars(listen.data() + colon + 1, listen.data() + listen.size(), port);
  return port;
}

// Of a run itself, whatever its settings: its size, IPv6 of the interfaces, which is put back at the end, and
// where the name of metrics.listen is looked up.
std::vector<PathGrant> of_every_run(const Settings& settings) {
  std::vector<PathGrant> grants{{"/proc/self/statm", Access::read},
                                {"/proc/sys/net/ipv6/conf", Access::write}};
  if (!settings.metrics.listen.empty()) {
    for (const char* file :
         {"/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/resolv.conf", "/etc/gai.conf"})
      grants.push_back({file, Access::read});
  }
  return grants;
}

// libxdp's dispatcher, where one of several programs is taken away from an interface.
std::vector<PathGrant> of_the_dispatcher() {
  return {{"/sys/fs/bpf", Access::write},
          {"/sys/kernel/btf", Access::read},
          {"/usr/lib", Access::read},
          {"/proc/self", Access::read}};
}

// Debug information for reports, and the threads of the process.
std::vector<PathGrant> of_the_sanitizers() {
  return {{"/proc", Access::read},
          {"/usr", Access::read},
          {"/lib", Access::read},
          {std::filesystem::read_symlink("/proc/self/exe").parent_path(), Access::read}};
}

bool is_directory(const std::string& path) {
  struct stat there {};
  return ::stat(path.c_str(), &there) == 0 && S_ISDIR(there.st_mode);
}

// Another file stands in the place of the one that was granted alone; see directories_of().
bool is_replaced(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  return !file && errno == EACCES;
}

// What of `grants` needs a capability because it is another user's.
void add_overrides(const std::vector<PathGrant>& grants, std::vector<unsigned>& kept) {
  const auto keep = [&](unsigned number, const char* name, const std::string& path) {
    if (std::find(kept.begin(), kept.end(), number) != kept.end()) return;
    spdlog::warn(
        fmt::format("{}: its owner and mode alone don't let this run in: CAP_{} is kept", path, name));
    kept.push_back(number);
  };
  for (const PathGrant& grant : grants) {
    const int search = is_directory(grant.path) ? X_OK : 0;
    if (::access(grant.path.c_str(), F_OK) != 0) continue;
    if (grant.access == Access::read && !may_access(grant.path, R_OK | search))
      keep(CAP_DAC_READ_SEARCH, "DAC_READ_SEARCH", grant.path);
    if (grant.access != Access::read && !may_access(grant.path, W_OK | search))
      keep(CAP_DAC_OVERRIDE, "DAC_OVERRIDE", grant.path);
  }
}

// Packets need none: sockets and maps are open. Since Linux 5.19 maps that are there need none either.
std::vector<unsigned> capabilities_of(const Settings& settings, bool kernel_programs) {
  std::vector<unsigned> kept{CAP_NET_ADMIN};  // interfaces are put back, the XDP program is taken away
  if (kernel_programs) kept.insert(kept.end(), {CAP_SYS_ADMIN, CAP_BPF, CAP_PERFMON});
  constexpr std::uint16_t first_free = 1024;
  if (metrics_port(settings).value_or(first_free) < first_free) kept.push_back(CAP_NET_BIND_SERVICE);
  return kept;
}

}  // namespace

std::vector<PathGrant> Confinement::grants(const Settings& settings, const std::string& config_file) {
  std::vector<NamedPath> names = read_by_reload(settings);
  for (const std::string& path : security_.landlock_read) names.push_back({"security.landlock-read", path});
  if (!config_file.empty()) names.push_back({"-c", config_file});
  for (const NamedPath& name : names) {
    for (const std::string& path : directories_of(name.path)) readable_.push_back(path);
  }
  std::vector<PathGrant> all = written_by_run(settings);
  for (const std::string& path : readable_) all.push_back({path, Access::read});
  return all;
}

tl::expected<Confinement, std::string> Confinement::enter(const Settings& settings,
                                                          const std::string& config_file,
                                                          bool kernel_programs) {
  Confinement confinement;
  confinement.security_ = settings.security;
  confinement.kernel_programs_ = kernel_programs;
  for (const std::string& made : {settings.outputs.log_dir, settings.rules.cache}) {
    std::error_code ignored;  // whoever writes there tells
    if (!made.empty()) std::filesystem::create_directories(made, ignored);
  }
  std::vector<PathGrant> grants = confinement.grants(settings, config_file);
  if (settings.security.drop_capabilities) {
    std::vector<unsigned> kept = capabilities_of(settings, kernel_programs);
    add_overrides(grants, kept);
    if (auto dropped = keep_capabilities(kept); !dropped) return tl::unexpected(dropped.error());
  }
  if (!settings.security.landlock) return confinement;
  if (landlock_abi() == 0) {
    spdlog::warn(fmt::format(
        "no Landlock: {}; every path stays in reach (it needs CONFIG_SECURITY_LANDLOCK, and landlock among "
        "lsm=)",
        std::strerror(errno)));  // NOLINT(concurrency-mt-unsafe)
    return confinement;
  }
  const auto add = [&](std::vector<PathGrant> more) {
    grants.insert(grants.end(), more.begin(), more.end());
  };
  add(of_every_run(settings));
  if (kernel_programs) add(of_the_dispatcher());
  if (sanitized) add(of_the_sanitizers());
  std::vector<std::uint16_t> ports;
  if (const auto port = metrics_port(settings)) ports.push_back(*port);
  auto granted = restrict_to(grants, ports);
  if (!granted) return tl::unexpected(granted.error());
  confinement.granted_ = std::move(*granted);
  confinement.paths_restricted_ = true;
  return confinement;
}

tl::expected<void, std::string> Confinement::filter_system_calls() const {
  if (!security_.seccomp) return {};
  return lockstep::filter_system_calls(kernel_programs_);
}

std::vector<std::string> Confinement::out_of_reach(const Settings& settings) const {
  std::vector<std::string> lines;
  if (!paths_restricted_) return lines;
  std::vector<NamedPath> names = read_by_reload(settings);
  std::vector<NamedPath> refused = beyond(readable_, names);
  if (refused.empty())
    std::copy_if(names.begin(), names.end(), std::back_inserter(refused),
                 [](const NamedPath& name) { return is_replaced(name.path); });
  for (const NamedPath& name : refused)
    lines.push_back(fmt::format(
        "{}: {}: this run can't read there; name its directory by security.landlock-read, and restart",
        name.key, name.path));
  return lines;
}

}  // namespace lockstep
