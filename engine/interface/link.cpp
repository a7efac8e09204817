#include "engine/interface/link.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>

namespace lockstep {
namespace {

// The kernel's netdev family, which Debian 12's headers lack (linux/netdev.h).
namespace netdev {
constexpr std::uint8_t dev_get = 1;
constexpr std::uint16_t dev_ifindex = 1;
constexpr std::uint16_t dev_xdp_features = 3;
constexpr std::uint64_t basic = 1, redirect = 2, xmit = 4, zero_copy = 8, rx_sg = 32, xmit_sg = 64;
}  // namespace netdev

using Buffer = std::array<char, 16384>;  // more than any answer about one interface without its neighbours
using Attribute = std::function<void(std::uint16_t type, const nlattr* attribute)>;
using Answer = std::function<void(const nlmsghdr* message)>;

int use_attribute(const nlattr* attribute, void* use) {
  (*static_cast<Attribute*>(use))(mnl_attr_get_type(attribute), attribute);
  return MNL_CB_OK;
}

void for_each(const nlmsghdr* message, std::size_t header, Attribute use) {
  mnl_attr_parse(message, static_cast<unsigned>(header), use_attribute, &use);
}

int give(const nlmsghdr* message, void* answer) {
  (*static_cast<Answer*>(answer))(message);
  return MNL_CB_OK;
}

// One request, one answer. Returns errno, 0: answered.
int ask(int family, const std::function<void(nlmsghdr*)>& fill, Answer answer) {
  const std::unique_ptr<mnl_socket, int (*)(mnl_socket*)> socket(mnl_socket_open2(family, SOCK_CLOEXEC),
                                                                 mnl_socket_close);
  if (socket == nullptr || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) return errno;
  alignas(nlmsghdr) Buffer buffer{};
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  fill(message);
  if (mnl_socket_sendto(socket.get(), message, message->nlmsg_len) < 0) return errno;
  for (;;) {
    const ssize_t length = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
    if (length < 0) return errno;
    const int more = mnl_cb_run(buffer.data(), static_cast<std::size_t>(length), 0,
                                mnl_socket_get_portid(socket.get()), give, &answer);
    if (more < 0) return errno;
    if (more == MNL_CB_STOP) return 0;
  }
}

void take_info(const nlattr* attribute, Link& link) {
  Attribute use = [&](std::uint16_t type, const nlattr* inner) {
    if (type == IFLA_INFO_KIND) link.kind = mnl_attr_get_str(inner);
  };
  mnl_attr_parse_nested(attribute, use_attribute, &use);
}

void take_attribute(std::uint16_t type, const nlattr* attribute, Link& link) {
  switch (type) {
    case IFLA_STATS64: {
      rtnl_link_stats64 stats{};
      std::memcpy(&stats, mnl_attr_get_payload(attribute),
                  std::min<std::size_t>(sizeof stats, mnl_attr_get_payload_len(attribute)));
      link.received_drops = stats.rx_dropped;
      link.transmit_drops = stats.tx_dropped;
      break;
    }
    case IFLA_MTU:
      link.mtu = mnl_attr_get_u32(attribute);
      break;
    case IFLA_NUM_RX_QUEUES:
      link.receive_queues = mnl_attr_get_u32(attribute);
      break;
    case IFLA_CARRIER:
      link.carrier = mnl_attr_get_u8(attribute) != 0;
      break;
    case IFLA_LINKINFO:
      take_info(attribute, link);
      break;
    case IFLA_MASTER: {
      std::array<char, IF_NAMESIZE> name{};
      if (if_indextoname(mnl_attr_get_u32(attribute), name.data()) != nullptr) link.master = name.data();
      break;
    }
    default:
      break;
  }
}

int read_route(Link& link) {
  const auto fill = [&](nlmsghdr* message) {
    message->nlmsg_type = RTM_GETLINK;
    auto* header = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)));
    header->ifi_family = AF_UNSPEC;
    header->ifi_index = static_cast<int>(link.index);
  };
  return ask(NETLINK_ROUTE, fill, [&](const nlmsghdr* message) {
    const auto* header = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
    link.up = (header->ifi_flags & IFF_UP) != 0;
    link.loopback = (header->ifi_flags & IFF_LOOPBACK) != 0;
    link.ethernet = header->ifi_type == ARPHRD_ETHER;
    for_each(message, sizeof(ifinfomsg),
             [&](std::uint16_t type, const nlattr* attribute) { take_attribute(type, attribute, link); });
  });
}

void read_addresses(Link& link) {
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || link.name != one->ifa_name) continue;
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* address = nullptr;
    if (one->ifa_addr->sa_family == AF_INET)
      address = &reinterpret_cast<const sockaddr_in*>(one->ifa_addr)
                     ->sin_addr;  // NOLINT(bugprone-casting-through-void)
    else if (one->ifa_addr->sa_family == AF_INET6)
      address = &reinterpret_cast<const sockaddr_in6*>(one->ifa_addr)->sin6_addr;
    if (address != nullptr &&
        inet_ntop(one->ifa_addr->sa_family, address, text.data(), text.size()) != nullptr)
      link.addresses.emplace_back(text.data());
  }
  freeifaddrs(all);
}

std::optional<std::uint16_t> generic_family(const char* name) {
  std::optional<std::uint16_t> id;
  const auto fill = [&](nlmsghdr* message) {
    message->nlmsg_type = GENL_ID_CTRL;
    auto* header = static_cast<genlmsghdr*>(mnl_nlmsg_put_extra_header(message, sizeof(genlmsghdr)));
    header->cmd = CTRL_CMD_GETFAMILY;
    header->version = 1;
    mnl_attr_put_strz(message, CTRL_ATTR_FAMILY_NAME, name);
  };
  ask(NETLINK_GENERIC, fill, [&](const nlmsghdr* message) {
    for_each(message, sizeof(genlmsghdr), [&](std::uint16_t type, const nlattr* attribute) {
      if (type == CTRL_ATTR_FAMILY_ID) id = mnl_attr_get_u16(attribute);
    });
  });
  return id;
}

std::optional<XdpFeatures> read_xdp(unsigned index) {
  const auto family = generic_family("netdev");
  if (!family) return std::nullopt;
  std::optional<XdpFeatures> features;
  const auto fill = [&](nlmsghdr* message) {
    message->nlmsg_type = *family;
    auto* header = static_cast<genlmsghdr*>(mnl_nlmsg_put_extra_header(message, sizeof(genlmsghdr)));
    header->cmd = netdev::dev_get;
    header->version = 1;
    mnl_attr_put_u32(message, netdev::dev_ifindex, index);
  };
  ask(NETLINK_GENERIC, fill, [&](const nlmsghdr* message) {
    for_each(message, sizeof(genlmsghdr), [&](std::uint16_t type, const nlattr* attribute) {
      if (type != netdev::dev_xdp_features) return;
      const std::uint64_t bits = mnl_attr_get_u64(attribute);
      features = XdpFeatures{(bits & netdev::basic) != 0, (bits & netdev::redirect) != 0,
                             (bits & netdev::xmit) != 0,  (bits & netdev::zero_copy) != 0,
                             (bits & netdev::rx_sg) != 0, (bits & netdev::xmit_sg) != 0};
    });
  });
  return features;
}

}  // namespace

tl::expected<Link, std::string> read_link(const std::string& interface) {
  Link link;
  link.name = interface;
  link.index = interface.empty() || interface.size() >= IFNAMSIZ ? 0 : if_nametoindex(interface.c_str());
  if (link.index == 0) return tl::unexpected(fmt::format("{}: there is no such interface", interface));
  if (const int error = read_route(link))
    return tl::unexpected(fmt::format("{}: netlink: {}", interface, std::strerror(error)));
  read_addresses(link);
  link.xdp = read_xdp(link.index);
  return link;
}

}  // namespace lockstep
