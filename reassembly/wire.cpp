#include "reassembly/wire.hpp"

#include "reassembly/bytes.hpp"
#include "reassembly/checksum.hpp"
#include "reassembly/fault.hpp"
#include "reassembly/ip.hpp"
#include "reassembly/link.hpp"
#include "reassembly/tcp_options.hpp"

namespace lockstep::reassembly {
namespace {

constexpr std::uint32_t tcp_header = 20;

Malformed malformed(Reason reason, const Link& link, const IpPacket& packet) {
  Malformed answer{reason,    packet.payload != 0, {packet.source, 0}, {packet.destination, 0},
                   link.vlan, std::nullopt};
  return answer;
}

// Ports of tunnels over UDP that hosts unwrap in the kernel: VXLAN, its old port, Geneve, GTP-U, Teredo,
// L2TP, FOU.
bool is_tunnel_port(std::uint16_t port) {
  return port == 4789 || port == 8472 || port == 6081 || port == 2152 || port == 3544 || port == 1701;
}

PassKind kind_of(const std::uint8_t* data, const IpPacket& packet) {
  const bool first = packet.fragment_offset == 0;
  const std::uint32_t held = packet.end - packet.payload;
  switch (packet.protocol) {
    case ip_protocol::icmp:
      return packet.fields.version == 4 ? PassKind::icmp : PassKind::other_ip;
    case ip_protocol::icmpv6:
      if (packet.fields.version != 6) return PassKind::other_ip;
      // RFC 4861 §4: router and neighbour solicitation and advertisement, redirect.
      return first && held > 0 && data[packet.payload] >= 133 && data[packet.payload] <= 137
                 ? PassKind::neighbour_discovery
                 : PassKind::icmp;
    case ip_protocol::udp:
      return first && held >= 4 && is_tunnel_port(load16(data + packet.payload + 2)) ? PassKind::tunnel
                                                                                     : PassKind::udp;
    case ip_protocol::sctp:
      return PassKind::sctp;
    case ip_protocol::ip_in_ip:
    case ip_protocol::ipv6_in_ip:
    case ip_protocol::gre:
    case ip_protocol::encrypted:
    case ip_protocol::authenticated:
    case ip_protocol::ethernet_in_ip:
    case ip_protocol::l2tp:
    case ip_protocol::mpls_in_ip:
      return PassKind::tunnel;
    default:
      return PassKind::other_ip;
  }
}

PassKind kind_of(std::uint16_t type) {
  switch (type) {
    case ethertype::arp:
      return PassKind::arp;
    case ethertype::mpls:
    case ethertype::mpls_multicast:
      return PassKind::tunnel;
    default:
      return PassKind::non_ip;
  }
}

Fragment to_fragment(const Frame& frame, const Link& link, const IpPacket& packet) {
  Fragment fragment;
  fragment.source = packet.source;
  fragment.destination = packet.destination;
  fragment.vlan = link.vlan;
  fragment.ip = packet.fields;
  fragment.id = packet.fragment_id;
  fragment.protocol = packet.protocol;
  fragment.offset = packet.fragment_offset;
  fragment.more = packet.fields.more_fragments;
  fragment.payload = frame.bytes.subspan(packet.payload, packet.end - packet.payload);
  fragment.ip_header = link.network;
  fragment.fragment_header = packet.fragment_header;
  fragment.next_header = packet.next_header;
  fragment.payload_start = packet.payload;
  fragment.pppoe = link.pppoe;
  return fragment;
}

// The rules for flags that no session is needed for: H04, H05.
bool flags_may_be(TcpFlags flags, bool as_linux) {
  // A host in SYN-SENT takes no notice of a FIN on a SYN-ACK (EVASIONS H16).
  if (as_linux && flags.has(TcpFlag::syn) && flags.has(TcpFlag::ack) && !flags.has(TcpFlag::rst)) return true;
  return !flags.has(TcpFlag::syn) || (!flags.has(TcpFlag::fin) && !flags.has(TcpFlag::rst));
}

// Fills `segment` with the TCP header at packet.payload and everything around it.
Reason read_tcp(const Frame& frame, const Link& link, const IpPacket& packet, const WireConfig& config,
                Segment& segment) {
  const std::uint32_t length = packet.end - packet.payload;
  if (length < tcp_header) return Reason::tcp_bad_header;
  const std::uint8_t* header = frame.bytes.data() + packet.payload;
  const std::uint32_t header_length = (header[12] >> 4) * 4U;
  segment.source = {packet.source, load16(header)};
  segment.destination = {packet.destination, load16(header + 2)};
  if (header_length < tcp_header || header_length > length) return Reason::tcp_bad_header;
  segment.vlan = link.vlan;
  segment.seq = Seq(load32(header + 4));
  segment.ack = Seq(load32(header + 8));
  segment.reserved = header[12] & 0x0fU;
  segment.flags = {header[13]};
  segment.window = load16(header + 14);
  segment.urgent = load16(header + 18);
  segment.ip = packet.fields;
  segment.layout = {link.network, packet.payload, packet.payload + header_length, packet.end, link.pppoe};
  segment.payload = frame.bytes.subspan(segment.layout.payload, packet.end - segment.layout.payload);
  segment.time = frame.time;
  if (header_length == tcp_header) return Reason::none;
  const bool clean =
      parse_tcp_options({header + tcp_header, header_length - tcp_header}, segment.options, config.as_linux);
  return clean || faulty(Fault::options_unchecked) ? Reason::none : Reason::tcp_bad_options;
}

bool tcp_checksum_intact(const Frame& frame, const Link& link, const IpPacket& packet) {
  const std::uint32_t length = packet.end - packet.payload;
  const std::uint8_t* ip = frame.bytes.data() + link.network;
  const auto addresses = packet.fields.version == 4 ? std::span(ip + 12, 8) : std::span(ip + 8, 32);
  return checksum_intact(pseudo_header_sum(addresses, ip_protocol::tcp, length) +
                         checksum_sum({frame.bytes.data() + packet.payload, length}));
}

Reason parse_tcp(const Frame& frame, const Link& link, const IpPacket& packet, const WireConfig& config,
                 Segment& segment) {
  const Reason fault = read_tcp(frame, link, packet, config, segment);
  if (fault == Reason::tcp_bad_header) return fault;
  if (config.sides && !faulty(Fault::sides_unknown))
    segment.side = frame.port % 2 == 0 ? Side::outside : Side::inside;
  else if (config.inside)
    segment.side = config.inside->side_of(packet.source, packet.destination);
  if (config.verify_checksums && !faulty(Fault::tcp_checksum_unchecked) &&
      !tcp_checksum_intact(frame, link, packet))
    return Reason::tcp_bad_checksum;
  if (!faulty(Fault::syn_flags_unchecked) && !flags_may_be(segment.flags, config.as_linux))
    return Reason::tcp_bad_flags;
  if (segment.source == segment.destination) return Reason::land;
  return fault;
}

}  // namespace

std::string_view name(PassKind kind) {
  switch (kind) {
    case PassKind::arp:
      return "arp";
    case PassKind::neighbour_discovery:
      return "neighbour_discovery";
    case PassKind::icmp:
      return "icmp";
    case PassKind::udp:
      return "udp";
    case PassKind::sctp:
      return "sctp";
    case PassKind::tunnel:
      return "tunnel";
    case PassKind::other_ip:
      return "other_ip";
    case PassKind::non_ip:
      return "non_ip";
  }
  return "non_ip";
}

Decoded decode(const Frame& frame, const WireConfig& config) {
  Decoded decoded;  // a Segment, filled in place
  Link link;
  IpPacket packet;
  Reason reason = unwrap_link(frame, link);
  if (reason == Reason::none) {
    if (link.type == ethertype::ipv4) {
      reason = parse_ipv4(frame, link, config.verify_checksums, packet);
    } else if (link.type == ethertype::ipv6) {
      reason = parse_ipv6(frame, link, packet);
    } else {
      decoded = Passed{kind_of(link.type)};
      return decoded;
    }
  }
  if (reason != Reason::none) {
    Malformed answer = malformed(reason, link, packet);
    const bool tcp = packet.payload != 0 && packet.protocol == ip_protocol::tcp && !packet.is_fragment &&
                     packet.shortage == Reason::none;
    Segment segment;
    if (tcp && read_tcp(frame, link, packet, config, segment) != Reason::tcp_bad_header)
      answer.segment = segment;
    decoded = answer;
    return decoded;
  }

  const bool held =
      packet.is_fragment && (packet.fields.version == 6 || packet.protocol == ip_protocol::tcp ||
                             packet.protocol == ip_protocol::authenticated);
  if (!held && packet.protocol != ip_protocol::tcp) {
    decoded = Passed{kind_of(frame.bytes.data(), packet)};
    return decoded;
  }
  reason = packet.shortage;
  if (reason == Reason::none && held) {
    decoded = to_fragment(frame, link, packet);
    return decoded;
  }
  auto& segment = *std::get_if<Segment>(&decoded);
  if (reason == Reason::none) reason = parse_tcp(frame, link, packet, config, segment);
  if (reason != Reason::none) {
    auto answer = malformed(reason, link, packet);
    answer.source.port = segment.source.port;
    answer.destination.port = segment.destination.port;
    const bool read = packet.shortage == Reason::none && reason != Reason::tcp_bad_header;
    if (read) answer.segment = segment;
    decoded = answer;
  }
  return decoded;
}

}  // namespace lockstep::reassembly
