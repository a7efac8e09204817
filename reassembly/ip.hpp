// IPv4 (RFC 791) and IPv6 (RFC 8200) headers, options and extension headers included. The checks are those of
// the strictest host: what some hosts would refuse is refused here (EVASIONS D23 to D25, I04).
#pragma once
#include <cstdint>

#include "reassembly/frame.hpp"
#include "reassembly/link.hpp"
#include "reassembly/reason.hpp"
#include "reassembly/segment.hpp"

namespace lockstep::reassembly {

namespace ip_protocol {

inline constexpr std::uint8_t hop_by_hop = 0;
inline constexpr std::uint8_t icmp = 1;
inline constexpr std::uint8_t ip_in_ip = 4;
inline constexpr std::uint8_t tcp = 6;
inline constexpr std::uint8_t udp = 17;
inline constexpr std::uint8_t ipv6_in_ip = 41;
inline constexpr std::uint8_t routing = 43;
inline constexpr std::uint8_t fragment = 44;
inline constexpr std::uint8_t gre = 47;
inline constexpr std::uint8_t encrypted = 50;
inline constexpr std::uint8_t authenticated = 51;
inline constexpr std::uint8_t icmpv6 = 58;
inline constexpr std::uint8_t destination_options = 60;
inline constexpr std::uint8_t ethernet_in_ip = 97;
inline constexpr std::uint8_t l2tp = 115;
inline constexpr std::uint8_t sctp = 132;
inline constexpr std::uint8_t mpls_in_ip = 137;

}  // namespace ip_protocol

// Extension headers followed on one packet.
inline constexpr int max_extension_headers = 8;

struct IpPacket {
  Address source;
  Address destination;
  IpFields fields;
  std::uint8_t protocol = 0;  // of what stands at `payload`
  std::uint32_t payload = 0;  // one past the header and the extension headers followed
  std::uint32_t end = 0;      // one past the payload; never beyond the frame
  Reason shortage =
      Reason::none;  // truncated_frame or ip_bad_header if the frame holds less than the header says

  // Fragments only; an atomic fragment (RFC 6946) is a whole packet.
  bool is_fragment = false;
  std::uint32_t fragment_id = 0;
  std::uint32_t fragment_offset = 0;  // bytes
  std::uint32_t fragment_header = 0;  // IPv6: where the fragment header stands
  std::uint32_t next_header = 0;      // IPv6: where the Next Header byte stands that announces it
};

// Fill `packet`, which must be fresh, from the header at link.network. Reason::none or why the packet must
// go.
[[nodiscard]] Reason parse_ipv4(const Frame& frame, const Link& link, bool verify_checksum, IpPacket& packet);
[[nodiscard]] Reason parse_ipv6(const Frame& frame, const Link& link, IpPacket& packet);

}  // namespace lockstep::reassembly
