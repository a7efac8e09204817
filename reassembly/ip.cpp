#include "reassembly/ip.hpp"

#include <cstring>

#include "reassembly/bytes.hpp"
#include "reassembly/checksum.hpp"
#include "reassembly/fault.hpp"

namespace lockstep::reassembly {
namespace {

constexpr std::uint32_t ipv6_header = 40;

// Where the packet ends, and what to call it if the frame ends earlier.
void set_end(const Link& link, std::uint64_t end, IpPacket& packet) {
  if (end > link.wire_end)
    packet.shortage = Reason::ip_bad_header;
  else if (end > link.end)
    packet.shortage = Reason::truncated_frame;
  packet.end = static_cast<std::uint32_t>(end < link.end ? end : link.end);
}

// RFC 791 §3.1. Every option but the first two has a length.
Reason parse_ipv4_options(std::span<const std::uint8_t> list, std::uint32_t& kinds) {
  Reason reason = Reason::none;
  constexpr std::uint8_t end_of_list = 0, no_operation = 1, loose_source_route = 131,
                         strict_source_route = 137;
  std::size_t at = 0;
  while (at < list.size()) {
    const std::uint8_t kind = list[at];
    kinds |= 1U << (kind & 31U);
    if (kind == end_of_list) return reason;
    if (kind == no_operation) {
      ++at;
      continue;
    }
    const bool routes = kind == loose_source_route || kind == strict_source_route;
    if (routes && !faulty(Fault::source_route_taken)) reason = Reason::ip_source_route;
    if (list.size() - at < 2 || list[at + 1] < 2 || list[at + 1] > list.size() - at)
      return Reason::ip_bad_options;
    at += list[at + 1];
  }
  return reason;
}

// AH (RFC 4302 §2) counts its length in words of four, less two.
Reason follow_authentication(const std::uint8_t* data, IpPacket& packet) {
  if (packet.end - packet.payload < 12) return Reason::ip_bad_options;
  const std::uint32_t length = (std::uint32_t{data[packet.payload + 1]} + 2) * 4;
  if (length < 12 || length > packet.end - packet.payload) return Reason::ip_bad_options;
  packet.protocol = data[packet.payload];
  packet.payload += length;
  return Reason::none;
}

// Options of a hop-by-hop or destination header (RFC 8200 §4.2). An option that tells those who do not know
// it to discard the packet makes hosts differ; so does padding beyond seven bytes or with a content, which
// Linux refuses.
bool parse_ipv6_options(std::span<const std::uint8_t> list) {
  constexpr std::uint8_t pad_one = 0, pad_many = 1, router_alert = 5;
  std::size_t at = 0, padding = 0;
  while (at < list.size()) {
    if (list[at] == pad_one) {
      if (++padding > 7) return false;
      ++at;
      continue;
    }
    if (list.size() - at < 2 || list[at + 1] > list.size() - at - 2) return false;
    const auto body = list.subspan(at + 2, list[at + 1]);
    if (list[at] == pad_many) {
      padding += body.size() + 2;
      if (padding > 7) return false;
      for (const std::uint8_t byte : body) {
        if (byte != 0) return false;
      }
    } else {
      padding = 0;
      if (list[at] >> 6 != 0 || (list[at] == router_alert && body.size() != 2)) return false;
    }
    at += body.size() + 2;
  }
  return true;
}

// A header of the common form: next header, length in words of eight less one, body.
Reason follow_common(const std::uint8_t* data, IpPacket& packet) {
  if (packet.end - packet.payload < 8) return Reason::ip_bad_options;
  const std::uint8_t* header = data + packet.payload;
  const std::uint32_t length = (std::uint32_t{header[1]} + 1) * 8;
  if (length > packet.end - packet.payload) return Reason::ip_bad_options;
  if (packet.protocol == ip_protocol::routing) {
    // RFC 5095 §3 and RFC 8200 §4.4: with no segments left the header is to be skipped, whatever its type.
    if (header[3] != 0) return Reason::ip_source_route;
  } else if (!parse_ipv6_options({header + 2, length - 2})) {
    return Reason::ip_bad_options;
  }
  packet.protocol = header[0];
  packet.payload += length;
  return Reason::none;
}

// RFC 8200 §4.5. The walk ends at a real fragment and goes on behind an atomic one (RFC 6946 §4).
Reason follow_fragment(const std::uint8_t* data, IpPacket& packet) {
  if (packet.end - packet.payload < 8) return Reason::ip_bad_options;
  const std::uint8_t* header = data + packet.payload;
  const std::uint32_t place = load16(header + 2);
  packet.fragment_header = packet.payload;
  packet.fragment_offset = place & 0xfff8U;
  packet.fields.more_fragments = (place & 1U) != 0;
  packet.fragment_id = load32(header + 4);
  packet.is_fragment = packet.fragment_offset != 0 || packet.fields.more_fragments;
  packet.protocol = header[0];
  packet.payload += 8;
  return Reason::none;
}

bool is_followed(std::uint8_t protocol) {
  return protocol == ip_protocol::hop_by_hop || protocol == ip_protocol::routing ||
         protocol == ip_protocol::destination_options || protocol == ip_protocol::authenticated ||
         protocol == ip_protocol::fragment;
}

Reason follow_chain(const std::uint8_t* data, IpPacket& packet) {
  std::uint32_t next_header = packet.payload - ipv6_header + 6;
  for (int headers = 0; is_followed(packet.protocol) && !packet.is_fragment; ++headers) {
    if (headers == max_extension_headers) return Reason::ip_bad_options;
    const std::uint32_t here = packet.payload;
    Reason reason = Reason::ip_bad_options;
    if (packet.protocol == ip_protocol::fragment) {
      packet.next_header = next_header;
      if (packet.fragment_header == 0) reason = follow_fragment(data, packet);
    } else if (packet.protocol == ip_protocol::authenticated) {
      reason = follow_authentication(data, packet);
    } else if (packet.protocol != ip_protocol::hop_by_hop || headers == 0) {  // RFC 8200 §4.1: only in front
      reason = follow_common(data, packet);
    }
    if (reason != Reason::none) return packet.shortage == Reason::none ? reason : packet.shortage;
    next_header = here;
  }
  return Reason::none;
}

}  // namespace

Reason parse_ipv4(const Frame& frame, const Link& link, bool verify_checksum, IpPacket& packet) {
  if (link.end - link.network < 20) {
    return link.wire_end - link.network < 20 ? Reason::ip_bad_header : Reason::truncated_frame;
  }
  const std::uint8_t* data = frame.bytes.data();
  const std::uint8_t* header = data + link.network;
  const std::uint32_t header_length = (header[0] & 0x0fU) * 4;
  const std::uint32_t total = load16(header + 2);
  if (header[0] >> 4 != 4 || header_length < 20 || total < header_length) return Reason::ip_bad_header;
  set_end(link, std::uint64_t{link.network} + total, packet);
  if (packet.end - link.network < header_length) return packet.shortage;
  const bool intact = !verify_checksum || checksum_intact(checksum_sum({header, header_length}));

  const std::uint32_t place = load16(header + 6);
  IpFields& fields = packet.fields;
  fields.version = 4;
  fields.tos = header[1];
  fields.total_length = static_cast<std::uint16_t>(total);
  fields.id = load16(header + 4);
  fields.reserved_bit = (place & 0x8000U) != 0;
  fields.dont_fragment = (place & 0x4000U) != 0;
  fields.more_fragments = (place & 0x2000U) != 0;
  fields.ttl = header[8];
  packet.protocol = header[9];
  std::memcpy(packet.source.bytes.data(), header + 12, 4);
  std::memcpy(packet.destination.bytes.data(), header + 16, 4);
  packet.payload = link.network + header_length;
  packet.fragment_id = fields.id;
  packet.fragment_offset = (place & 0x1fffU) * 8;
  packet.is_fragment = fields.more_fragments || packet.fragment_offset != 0;
  Reason objection = Reason::none;
  if (header_length > 20) objection = parse_ipv4_options({header + 20, header_length - 20}, fields.options);
  if (!intact && !faulty(Fault::ip_checksum_unchecked)) return Reason::ip_bad_checksum;
  if (objection != Reason::none) return objection;
  if (packet.protocol != ip_protocol::authenticated || packet.is_fragment) return Reason::none;
  const Reason reason = follow_authentication(data, packet);
  return reason == Reason::none || packet.shortage == Reason::none ? reason : packet.shortage;
}

Reason parse_ipv6(const Frame& frame, const Link& link, IpPacket& packet) {
  if (link.end - link.network < ipv6_header) {
    return link.wire_end - link.network < ipv6_header ? Reason::ip_bad_header : Reason::truncated_frame;
  }
  const std::uint8_t* data = frame.bytes.data();
  const std::uint8_t* header = data + link.network;
  if (header[0] >> 4 != 6) return Reason::ip_bad_header;
  IpFields& fields = packet.fields;
  const std::uint32_t first = load32(header);
  fields.version = 6;
  fields.tos = static_cast<std::uint8_t>(first >> 20);
  fields.flow_label = first & 0xfffffU;
  fields.total_length = load16(header + 4);
  fields.ttl = header[7];
  packet.protocol = header[6];
  packet.source.version = packet.destination.version = 6;
  std::memcpy(packet.source.bytes.data(), header + 8, 16);
  std::memcpy(packet.destination.bytes.data(), header + 24, 16);
  packet.payload = link.network + ipv6_header;
  set_end(link, std::uint64_t{packet.payload} + fields.total_length, packet);
  if (packet.protocol == ip_protocol::tcp) return Reason::none;
  return follow_chain(data, packet);
}

}  // namespace lockstep::reassembly
