// What rtnetlink and the kernel's netdev family tell of a network interface of the thread's namespace. Not
// read from /sys, which shows the namespace in which it was mounted.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace lockstep {

// What the driver can do for XDP, as the kernel tells since Linux 6.3
// (Documentation/netlink/specs/netdev.yaml).
struct XdpFeatures {
  bool basic = false;          // native mode: drop, pass, transmit
  bool redirect = false;       // its frames can be redirected
  bool redirect_into = false;  // others' frames can be redirected into it
  bool zero_copy = false;      // AF_XDP without copies
  bool frags = false;          // frames of several buffers, as jumbo frames are
  bool redirect_into_frags = false;
};

struct Link {
  unsigned index = 0;
  std::string name;
  std::string kind;  // "veth", "bridge", "vlan", …; empty for hardware
  std::uint32_t mtu = 0;
  std::uint32_t receive_queues = 1;
  bool up = false;       // by its administrator
  bool carrier = false;  // there is somebody at the other end
  bool loopback = false;
  bool ethernet = false;
  std::string master;  // of the bridge or bond that it is a part of
  std::vector<std::string> addresses;
  // Frames that it dropped by its own account, since it was made (rtnl_link_stats64). veth counts a
  // redirected frame that the other interface did not take as received_drops, as it does one that came while
  // it was down; one that was lost behind it is among transmit_drops.
  std::uint64_t received_drops = 0;
  std::uint64_t transmit_drops = 0;
  std::optional<XdpFeatures> xdp;  // none: the kernel does not tell
};

[[nodiscard]] tl::expected<Link, std::string> read_link(const std::string& interface);

}  // namespace lockstep
