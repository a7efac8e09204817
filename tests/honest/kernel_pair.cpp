#include "tests/honest/kernel_pair.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <unistd.h>

#include "tests/oracle/namespace.hpp"
#include "tests/oracle/socket_name.hpp"

namespace lockstep::honest {
namespace {

oracle::NamespaceConfig config_of(End end, const Profile& profile) {
  const auto flag = [](bool on) { return std::string(on ? "1" : "0"); };
  oracle::NamespaceConfig config;
  config.v4 = KernelPair::address(end, false);
  config.v6 = KernelPair::address(end, true);
  config.needed = {
      {"ipv4/tcp_timestamps", flag(profile.timestamps)},
      {"ipv4/tcp_sack", flag(profile.sack)},
      {"ipv4/tcp_window_scaling", flag(profile.scaling)},
      // client, server; without cookies at both
      {"ipv4/tcp_fastopen", profile.cookies ? "3" : "519"},
      {"ipv4/tcp_no_metrics_save", "1"},
      {"ipv4/tcp_tw_reuse", "1"},
      {"ipv4/conf/all/rp_filter", "0"},
      {"ipv4/conf/default/rp_filter", "0"},
      {"ipv4/ip_local_port_range", "1024 1100"},  // a transfer names its own
  };
  config.wished = {
      {"ipv4/tcp_rto_min_us", "60000"},
      // Lost packets cost a second at most, and nobody gives up early for that.
      {"ipv4/tcp_rto_max_ms", "1000"},
      {"ipv4/tcp_retries2", "200"},
      {"ipv4/tcp_orphan_retries", "200"},
      {"ipv4/tcp_tw_reuse_delay", "50"},
      {"ipv4/tcp_fastopen_blackhole_timeout_sec", "0"},
      {"ipv6/conf/all/accept_dad", "0"},
      {"ipv6/conf/default/accept_dad", "0"},
      {"ipv6/conf/default/router_solicitations", "0"},
      {"mptcp/enabled", "1"},
  };
  config.queued_packets = 20'000;
  return config;
}

tl::unexpected<std::string> failed(const std::string& what) {
  return tl::unexpected(what + ": " + std::strerror(errno));  // NOLINT(concurrency-mt-unsafe)
}

}  // namespace

const char* KernelPair::address(End end, bool ipv6) {
  if (ipv6) return end == End::client ? "fd00::1" : "fd00::2";
  return end == End::client ? "10.0.0.1" : "10.0.0.2";
}

tl::expected<std::unique_ptr<KernelPair>, std::string> KernelPair::make(const Profile& profile) {
  std::unique_ptr<KernelPair> pair(new KernelPair);
  for (const End end : {End::client, End::server}) {
    if (auto done = pair->set_up(end, profile); !done) return tl::unexpected(done.error());
  }
  return pair;
}

tl::expected<void, std::string> KernelPair::set_up(End end, const Profile& profile) {
  auto tun = oracle::enter_namespace(config_of(end, profile));
  if (!tun) return tl::unexpected(tun.error());
  hosts_[index(end)].tun = *tun;
  hosts_[index(end)].space = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (hosts_[index(end)].space < 0) return failed("/proc/thread-self/ns/net");
  // The kernel takes an IPv6 address up a moment after it was told.
  for (int i = 0; i < 2000 && !takes_addresses(end); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return {};
}

bool KernelPair::takes_addresses(End end) const {
  const int descriptor = open_socket(end, true, false);
  auto name = oracle::SocketName::of(address(end, true), 0);
  const bool bound = ::bind(descriptor, name.raw(), name.length) == 0;
  ::close(descriptor);
  return bound;
}

KernelPair::~KernelPair() {
  for (const Host& host : hosts_) {
    if (host.tun >= 0) ::close(host.tun);
    if (host.space >= 0) ::close(host.space);
  }
}

int KernelPair::open_socket(End end, bool ipv6, bool multipath) const {
  if (::setns(hosts_[index(end)].space, CLONE_NEWNET) < 0) return -1;
  constexpr int mptcp = 262;  // IPPROTO_MPTCP
  return ::socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                  multipath ? mptcp : IPPROTO_TCP);
}

}  // namespace lockstep::honest
