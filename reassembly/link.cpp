#include "reassembly/link.hpp"

#include "reassembly/bytes.hpp"

namespace lockstep::reassembly {
namespace {

constexpr std::uint32_t pppoe_header = 6;
constexpr std::uint16_t arphrd_netlink = 824;

[[nodiscard]] bool fits(const Link& link, std::uint32_t bytes) {
  return link.end - link.network >= bytes;
}

Reason unwrap_raw_ip(const std::uint8_t* data, Link& link) {
  if (!fits(link, 1)) return Reason::truncated_frame;
  switch (data[link.network] >> 4) {
    case 4:
      link.type = ethertype::ipv4;
      return Reason::none;
    case 6:
      link.type = ethertype::ipv6;
      return Reason::none;
    default:
      return Reason::ip_bad_header;
  }
}

// The family is the capturing machine's AF_ value in its byte order (null) or the network's (loop).
Reason unwrap_null_loopback(const std::uint8_t* data, Link& link) {
  if (!fits(link, 4)) return Reason::truncated_frame;
  const std::uint32_t big = load32(data);
  const std::uint32_t family = big <= 0xffff ? big : __builtin_bswap32(big);
  link.network = 4;
  switch (family) {
    case 2:
      link.type = ethertype::ipv4;
      break;
    case 10:  // Linux
    case 24:  // NetBSD, OpenBSD
    case 28:  // FreeBSD
    case 30:  // macOS
      link.type = ethertype::ipv6;
      break;
    default:
      break;
  }
  return Reason::none;
}

// Linux unwraps a one-byte PPP protocol field too, although RFC 2516 §7 forbids to send it.
Reason unwrap_pppoe(const std::uint8_t* data, Link& link) {
  if (!fits(link, pppoe_header + 2)) return Reason::truncated_frame;
  const std::uint8_t* header = data + link.network;
  link.type = 0;
  if (header[0] != 0x11 || header[1] != 0) return Reason::none;
  link.pppoe = link.network;
  link.network += pppoe_header;
  const std::uint32_t length = load16(header + 4);
  if (length > link.wire_end - link.network) return Reason::truncated_frame;
  link.wire_end = link.network + length;
  if (link.wire_end < link.end) link.end = link.wire_end;
  if (!fits(link, 2)) return Reason::truncated_frame;
  const bool compressed = (header[pppoe_header] & 1) != 0;
  const std::uint16_t protocol = compressed ? header[pppoe_header] : load16(header + pppoe_header);
  link.network += compressed ? 1 : 2;
  if (protocol == 0x0021) link.type = ethertype::ipv4;
  if (protocol == 0x0057) link.type = ethertype::ipv6;
  if (protocol == 0x0281) link.type = ethertype::mpls;
  return Reason::none;
}

[[nodiscard]] bool is_vlan(std::uint16_t type) {
  return type == ethertype::vlan || type == ethertype::provider_vlan || type == ethertype::old_provider_vlan;
}

Reason unwrap_tags(const std::uint8_t* data, Link& link) {
  for (std::uint32_t tags = 0; is_vlan(link.type); ++tags) {
    if (tags == max_vlan_tags) return Reason::vlan_too_deep;
    if (!fits(link, 4)) return Reason::truncated_frame;
    const auto id = static_cast<std::uint16_t>(load16(data + link.network) & 0x0fff);
    if (id != 0) link.vlan.ids[link.vlan.count++] = id;
    link.type = load16(data + link.network + 2);
    link.network += 4;
  }
  return link.type == ethertype::pppoe_session ? unwrap_pppoe(data, link) : Reason::none;
}

}  // namespace

Reason unwrap_link(const Frame& frame, Link& link) {
  const std::uint8_t* data = frame.bytes.data();
  link.end = static_cast<std::uint32_t>(frame.bytes.size());
  link.wire_end = frame.wire_length > link.end ? frame.wire_length : link.end;
  switch (frame.link) {
    case LinkType::ethernet:
      if (!fits(link, 14)) return Reason::truncated_frame;
      link.type = load16(data + 12);
      link.network = 14;
      if (link.type == ethertype::ipv4) return Reason::none;
      return unwrap_tags(data, link);
    case LinkType::raw_ip:
      return unwrap_raw_ip(data, link);
    case LinkType::linux_sll:
      if (!fits(link, 16)) return Reason::truncated_frame;
      link.type = load16(data + 2) == arphrd_netlink ? std::uint16_t{0} : load16(data + 14);
      link.network = 16;
      return unwrap_tags(data, link);
    case LinkType::linux_sll2:
      if (!fits(link, 20)) return Reason::truncated_frame;
      link.type = load16(data + 8) == arphrd_netlink ? std::uint16_t{0} : load16(data);
      link.network = 20;
      return unwrap_tags(data, link);
    case LinkType::null_loopback:
      return unwrap_null_loopback(data, link);
  }
  return Reason::truncated_frame;
}

}  // namespace lockstep::reassembly
