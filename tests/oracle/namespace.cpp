#include "tests/oracle/namespace.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/descriptor.hpp"
#include "tests/oracle/kernel_host.hpp"

namespace lockstep::oracle {
namespace {

constexpr const char* device = "oracle0";
using Result = tl::expected<void, std::string>;

tl::unexpected<std::string> failed(const std::string& what) {
  return tl::unexpected(what + ": " + std::strerror(errno));  // NOLINT(concurrency-mt-unsafe)
}

Result write_setting(const std::string& name, const std::string& value) {
  const std::string path = "/proc/sys/net/" + name;
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file.get() < 0 || ::write(file.get(), value.data(), value.size()) < 0) return failed(path);
  return {};
}

Result write_settings(const NamespaceConfig& config) {
  for (const auto& [name, value] : config.needed) {
    if (auto done = write_setting(name, value); !done) return done;
  }
  for (const auto& [name, value] : config.wished) static_cast<void>(write_setting(name, value));
  return {};
}

ifreq request() {
  ifreq asked{};
  std::strncpy(asked.ifr_name, device, IFNAMSIZ - 1);
  return asked;
}

sockaddr inet(const std::string& text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  inet_pton(AF_INET, text.c_str(), &address.sin_addr);
  sockaddr out{};
  std::memcpy(&out, &address, sizeof out);
  return out;
}

Result set_up_device(const NamespaceConfig& config) {
  const Descriptor v4(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq asked = request();
  asked.ifr_addr = inet(config.v4);
  if (::ioctl(v4.get(), SIOCSIFADDR, &asked) < 0) return failed("SIOCSIFADDR");
  asked.ifr_netmask = inet("255.0.0.0");
  if (::ioctl(v4.get(), SIOCSIFNETMASK, &asked) < 0) return failed("SIOCSIFNETMASK");
  asked.ifr_qlen = config.queued_packets;
  if (::ioctl(v4.get(), SIOCSIFTXQLEN, &asked) < 0) return failed("SIOCSIFTXQLEN");
  asked.ifr_flags = IFF_UP | IFF_RUNNING;
  if (::ioctl(v4.get(), SIOCSIFFLAGS, &asked) < 0) return failed("SIOCSIFFLAGS");
  if (::ioctl(v4.get(), SIOCGIFINDEX, &asked) < 0) return failed("SIOCGIFINDEX");
  const Descriptor v6(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  in6_ifreq six{};
  inet_pton(AF_INET6, config.v6.c_str(), &six.ifr6_addr);
  six.ifr6_prefixlen = 64;
  six.ifr6_ifindex = asked.ifr_ifindex;
  if (::ioctl(v6.get(), SIOCSIFADDR, &six) < 0) return failed("SIOCSIFADDR for IPv6");
  return {};
}

}  // namespace

tl::expected<int, std::string> enter_namespace(const NamespaceConfig& config) {
  if (::unshare(CLONE_NEWNET) < 0) return failed("a network namespace of its own");
  Descriptor tun(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (tun.get() < 0) return failed("/dev/net/tun");
  ifreq asked = request();
  asked.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (::ioctl(tun.get(), TUNSETIFF, &asked) < 0) return failed("TUNSETIFF");
  if (auto done = write_settings(config); !done) return tl::unexpected(done.error());
  if (auto done = set_up_device(config); !done) return tl::unexpected(done.error());
  return tun.release();
}

namespace {

NamespaceConfig hostile() {
  NamespaceConfig config;
  config.v4 = HostAddress::v4;
  config.v6 = HostAddress::v6;
  // Every segment that is refused draws its ACK, and every SACK goes out at once.
  config.needed = {
      {"ipv4/tcp_invalid_ratelimit", "0"}, {"ipv4/tcp_syncookies", "0"},
      {"ipv4/tcp_synack_retries", "0"},    {"ipv4/tcp_max_syn_backlog", "65536"},
      {"ipv4/tcp_no_metrics_save", "1"},   {"ipv4/tcp_timestamps", "1"},
      {"ipv4/tcp_fastopen", "3"},  // client and server
      {"ipv4/conf/all/rp_filter", "0"},    {"ipv4/conf/default/rp_filter", "0"},
      {"core/somaxconn", "65536"},
  };
  config.wished = {
      {"ipv4/tcp_comp_sack_nr", "0"},
      {"ipv4/tcp_fastopen_blackhole_timeout_sec", "0"},
      {"ipv6/conf/all/accept_dad", "0"},
      {"ipv6/conf/default/accept_dad", "0"},
      {"ipv6/conf/default/router_solicitations", "0"},
      {"mptcp/enabled", "0"},
  };
  return config;
}

}  // namespace

tl::expected<void, std::string> answer_at_once() {
  return write_settings(hostile());
}

tl::expected<int, std::string> enter_namespace() {
  return enter_namespace(hostile());
}

}  // namespace lockstep::oracle
