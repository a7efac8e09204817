#include <array>
#include <filesystem>
#include <utility>

#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <linux/magic.h>
#include <net/ethernet.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "engine/doctor/facts.hpp"

namespace lockstep {
namespace {

constexpr std::array<std::pair<unsigned, const char*>, 3> needed_capabilities{{
    {CAP_NET_ADMIN, "CAP_NET_ADMIN"},
    {CAP_NET_RAW, "CAP_NET_RAW"},
    {CAP_BPF, "CAP_BPF"},
}};

std::vector<std::string> missing_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> held{};
  if (syscall(SYS_capget, &header, held.data()) != 0) return {"what capget(2) would tell"};
  std::vector<std::string> missing;
  for (const auto& [number, name] : needed_capabilities)
    if ((held[number / 32].effective & (1U << (number % 32))) == 0) missing.emplace_back(name);
  return missing;
}

bool can_open(int family, int type, int protocol) {
  return static_cast<bool>(Descriptor(::socket(family, type | SOCK_CLOEXEC, protocol)));
}

// Asked of the nearest directory that exists: a pair's own is made at its first start.
bool is_bpf_mount(std::filesystem::path path) {
  std::error_code ignored;
  while (!std::filesystem::exists(path, ignored) && path.has_relative_path()) path = path.parent_path();
  struct statfs answer {};
  return statfs(path.c_str(), &answer) == 0 && static_cast<unsigned long>(answer.f_type) == BPF_FS_MAGIC;
}

}  // namespace

HostFacts gather_host(const std::string& pins) {
  HostFacts facts;
  utsname system{};
  if (uname(&system) == 0) facts.kernel = system.release;
  const auto print = libbpf_set_print(nullptr);  // a kernel that lacks something is an answer, not an error
  facts.xdp = libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_XDP, nullptr) == 1;
  libbpf_set_print(print);
  facts.af_xdp = can_open(AF_XDP, SOCK_RAW, 0);
  facts.af_packet = can_open(AF_PACKET, SOCK_RAW, 0);
  facts.pins = pins;
  facts.bpf_mounted = is_bpf_mount(pins);
  facts.missing_capabilities = missing_capabilities();
  return facts;
}

tl::expected<PortFacts, std::string> gather_port(const std::string& interface) {
  auto link = read_link(interface);
  if (!link) return tl::unexpected(link.error());
  const auto ethtool = Ethtool::open(interface);
  if (!ethtool) return tl::unexpected(ethtool.error());
  PortFacts facts;
  facts.link = std::move(*link);
  facts.driver = ethtool->driver().value_or("");
  auto features = ethtool->features();
  if (!features) return tl::unexpected(features.error());
  facts.features = std::move(*features);
  facts.channels = ethtool->channels();
  // Drivers that know channels have more queues than are in use.
  if (facts.channels && facts.channels->receive > 0) facts.link.receive_queues = facts.channels->receive;
  facts.hash = ethtool->receive_hash();
  facts.speed = ethtool->speed();
  return facts;
}

tl::expected<PairFacts, std::string> gather_pair(const std::string& outside, const std::string& inside) {
  PairFacts facts;
  for (const auto& [interface, port] :
       {std::pair(outside, &facts.outside), std::pair(inside, &facts.inside)}) {
    auto gathered = gather_port(interface);
    if (!gathered) return tl::unexpected(gathered.error());
    *port = std::move(*gathered);
  }
  return facts;
}

}  // namespace lockstep
