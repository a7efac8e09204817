// What stands in front of the IP header: Ethernet II, 802.1Q, 802.1ad and 0x9100 tags, PPPoE sessions (RFC
// 2516), Linux cooked headers, BSD null and loop headers.
#pragma once
#include <cstdint>

#include "reassembly/frame.hpp"
#include "reassembly/reason.hpp"
#include "reassembly/segment.hpp"

namespace lockstep::reassembly {

namespace ethertype {

inline constexpr std::uint16_t ipv4 = 0x0800;
inline constexpr std::uint16_t arp = 0x0806;
inline constexpr std::uint16_t vlan = 0x8100;
inline constexpr std::uint16_t provider_vlan = 0x88a8;
inline constexpr std::uint16_t old_provider_vlan = 0x9100;
inline constexpr std::uint16_t ipv6 = 0x86dd;
inline constexpr std::uint16_t mpls = 0x8847;
inline constexpr std::uint16_t mpls_multicast = 0x8848;
inline constexpr std::uint16_t pppoe_session = 0x8864;

}  // namespace ethertype

// Tags on one frame, VID 0 included; the flow key holds as many ids.
inline constexpr std::uint32_t max_vlan_tags = 3;

struct Link {
  std::uint32_t network = 0;   // where the network header starts
  std::uint32_t end = 0;       // one past what the link layer says belongs to it, as captured
  std::uint32_t wire_end = 0;  // the same, as it was on the wire
  std::uint32_t pppoe = 0;     // as in Layout
  std::uint16_t type = 0;      // EtherType of the network header; 0 if it has none
  VlanStack vlan;
};

// Fills `link`, which must be fresh. Reason::none, truncated_frame, vlan_too_deep, or ip_bad_header for a raw
// IP frame of no known version.
[[nodiscard]] Reason unwrap_link(const Frame& frame, Link& link);

}  // namespace lockstep::reassembly
