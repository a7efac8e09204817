#include "tests/support/packet_builder.hpp"

#include <algorithm>
#include <cassert>
#include <cstdio>

#include <arpa/inet.h>

namespace lockstep::test {
namespace {

using reassembly::LinkType;

void put8(Bytes& out, unsigned value) {
  out.push_back(static_cast<std::uint8_t>(value));
}
void put16(Bytes& out, unsigned value) {
  put8(out, value >> 8);
  put8(out, value);
}
void put32(Bytes& out, std::uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xffff);
}
void put(Bytes& out, const Bytes& more) {
  out.insert(out.end(), more.begin(), more.end());
}
void set16(Bytes& out, std::size_t at, unsigned value) {
  out[at] = static_cast<std::uint8_t>(value >> 8);
  out[at + 1] = static_cast<std::uint8_t>(value);
}
unsigned get16(const Bytes& in, std::size_t at) {
  return static_cast<unsigned>(in[at] << 8 | in[at + 1]);
}

bool is_v6(const PacketSpec& spec) {
  return spec.source.find(':') != std::string::npos;
}

Bytes address(const std::string& text) {
  Bytes bytes(text.find(':') != std::string::npos ? 16 : 4);
  [[maybe_unused]] const int ok =
      inet_pton(bytes.size() == 16 ? AF_INET6 : AF_INET, text.c_str(), bytes.data());
  assert(ok == 1);
  return bytes;
}

void put_mac(Bytes& out, const std::string& text) {
  for (std::size_t i = 0; i < 6; ++i)
    put8(out, static_cast<unsigned>(std::stoul(text.substr(i * 3, 2), nullptr, 16)));
}

Bytes padded_to_words(Bytes bytes) {
  while (bytes.size() % 4 != 0) bytes.push_back(0);
  return bytes;
}

Bytes pseudo_header(const PacketSpec& spec, std::size_t length) {
  Bytes out = address(spec.source);
  put(out, address(spec.destination));
  put32(out, static_cast<std::uint32_t>(length));
  put32(out, 6);
  return out;
}

Bytes tcp_of(const PacketSpec& spec) {
  const Bytes options = padded_to_words(spec.options);
  Bytes out;
  put16(out, spec.source_port);
  put16(out, spec.destination_port);
  put32(out, spec.seq);
  put32(out, spec.ack);
  const std::size_t words = spec.data_offset.value_or(static_cast<std::uint8_t>(5 + options.size() / 4));
  put8(out, static_cast<unsigned>(words << 4 | spec.reserved));
  const int honest = reassembly::TcpFlag::ack | (spec.payload.empty() ? 0 : reassembly::TcpFlag::psh);
  put8(out, static_cast<unsigned>(spec.flags.value_or(honest)));
  put16(out, spec.window);
  put16(out, 0);
  put16(out, spec.urgent);
  put(out, options);
  out.insert(out.end(), spec.payload.begin(), spec.payload.end());
  Bytes covered = pseudo_header(spec, out.size());
  put(covered, out);
  set16(out, 16, spec.tcp_checksum.value_or(slow_checksum(covered)));
  return out;
}

Bytes ipv4_of(const PacketSpec& spec, std::size_t body) {
  const Bytes options = padded_to_words(spec.ip_options);
  Bytes out;
  const unsigned words = spec.ip_header_words.value_or(static_cast<std::uint8_t>(5 + options.size() / 4));
  put8(out, spec.ip_version.value_or(4) * 16U + words);
  put8(out, spec.tos);
  put16(out, spec.ip_length.value_or(static_cast<std::uint16_t>(20 + options.size() + body)));
  put16(out, spec.ip_id);
  put16(out, spec.ip_flags);
  put8(out, spec.ttl);
  put8(out, spec.protocol.value_or(6));
  put16(out, 0);
  put(out, address(spec.source));
  put(out, address(spec.destination));
  put(out, options);
  set16(out, 10, spec.ip_checksum.value_or(slow_checksum(out)));
  return out;
}

Bytes ipv6_of(const PacketSpec& spec, std::size_t body) {
  Bytes chain;
  const std::uint8_t last = spec.protocol.value_or(6);
  for (std::size_t i = 0; i < spec.extensions.size(); ++i) {
    put8(chain, i + 1 < spec.extensions.size() ? spec.extensions[i + 1].first : last);
    put(chain, spec.extensions[i].second);
  }
  Bytes out;
  put32(out, spec.ip_version.value_or(6) * (1U << 28) | spec.tos * (1U << 20) | spec.flow_label);
  put16(out, spec.ip_length.value_or(static_cast<std::uint16_t>(chain.size() + body)));
  put8(out, spec.extensions.empty() ? last : spec.extensions[0].first);
  put8(out, spec.ttl);
  put(out, address(spec.source));
  put(out, address(spec.destination));
  put(out, chain);
  return out;
}

// The link header's type field, then tags and PPPoE.
void put_types(Bytes& out, const PacketSpec& spec, std::size_t packet) {
  const unsigned ip = spec.ethertype.value_or(is_v6(spec) ? 0x86dd : 0x0800);
  for (std::size_t i = 0; i < spec.vlans.size(); ++i) {
    put16(out, spec.vlan_type.value_or(i + 1 < spec.vlans.size() ? 0x88a8 : 0x8100));
    put16(out, spec.vlans[i]);
  }
  if (!spec.pppoe_session) return put16(out, ip);
  put16(out, 0x8864);
  put16(out, 0x1100);
  put16(out, *spec.pppoe_session);
  put16(out, spec.pppoe_length.value_or(static_cast<std::uint16_t>(packet + 2)));
  put16(out, is_v6(spec) ? 0x0057 : 0x0021);
}

Bytes link_of(const PacketSpec& spec, std::size_t packet) {
  Bytes out;
  switch (spec.link) {
    case LinkType::ethernet:
      put_mac(out, spec.destination_mac);
      put_mac(out, spec.source_mac);
      put_types(out, spec, packet);
      break;
    case LinkType::linux_sll:
      put32(out, 1);  // to us, ARPHRD_ETHER
      put16(out, 6);
      put_mac(out, spec.source_mac);
      put16(out, 0);
      put_types(out, spec, packet);
      break;
    case LinkType::linux_sll2: {
      // The protocol leads, what follows it in the stack comes behind the header.
      Bytes types;
      put_types(types, spec, packet);
      put(out, {types[0], types[1], 0, 0, 0, 0, 0, 1, 0, 1, 0, 6});
      put_mac(out, spec.source_mac);
      put16(out, 0);
      out.insert(out.end(), types.begin() + 2, types.end());
      break;
    }
    case LinkType::null_loopback:
      put(out, {static_cast<std::uint8_t>(is_v6(spec) ? 30 : 2), 0, 0, 0});
      break;
    case LinkType::raw_ip:
      break;
  }
  return out;
}

std::size_t ip_start(const Bytes& packet, LinkType link) {
  if (link == LinkType::raw_ip) return 0;
  std::size_t at = 12;
  while (get16(packet, at) == 0x8100 || get16(packet, at) == 0x88a8) at += 4;
  return at + 2;
}

Bytes slice(const Bytes& bytes, std::size_t from, std::size_t to) {
  return {bytes.begin() + static_cast<std::ptrdiff_t>(from), bytes.begin() + static_cast<std::ptrdiff_t>(to)};
}

}  // namespace

std::uint16_t slow_checksum(const Bytes& bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? bytes[i] * 256U : bytes[i];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

Bytes build_ip(const PacketSpec& spec, const Bytes& body) {
  Bytes packet = is_v6(spec) ? ipv6_of(spec, body.size()) : ipv4_of(spec, body.size());
  put(packet, body);
  Bytes out = link_of(spec, packet.size());
  put(out, packet);
  out.resize(out.size() + spec.padding, 0xee);
  if (spec.pad_to_minimum) out.resize(std::max<std::size_t>(out.size(), 60), 0);
  return out;
}

Bytes build_packet(const PacketSpec& spec) {
  return build_ip(spec, tcp_of(spec));
}

std::vector<Bytes> fragment_packet(const Bytes& packet, LinkType link, const std::vector<std::size_t>& sizes,
                                   std::uint32_t id) {
  const std::size_t ip = ip_start(packet, link);
  const bool v4 = packet[ip] >> 4 == 4;
  const std::size_t content = ip + (v4 ? (packet[ip] & 15U) * 4U : 40U);
  const std::size_t end = v4 ? ip + get16(packet, ip + 2) : ip + 40 + get16(packet, ip + 4);
  std::vector<Bytes> out;
  for (std::size_t at = content, i = 0; at < end; ++i) {
    const std::size_t size = std::min(sizes[std::min(i, sizes.size() - 1)], end - at);
    const bool more = at + size < end;
    Bytes piece = slice(packet, 0, content);
    const auto offset = static_cast<unsigned>(at - content);
    if (v4) {
      set16(piece, ip + 2, static_cast<unsigned>(content - ip + size));
      set16(piece, ip + 4, id & 0xffff);
      set16(piece, ip + 6, (more ? 0x2000U : 0U) | offset / 8);
      set16(piece, ip + 10, 0);
      set16(piece, ip + 10, slow_checksum(slice(piece, ip, content)));
    } else {
      set16(piece, ip + 4, static_cast<unsigned>(size + 8));
      put8(piece, piece[ip + 6]);
      piece[ip + 6] = 44;
      put8(piece, 0);
      put16(piece, offset | (more ? 1U : 0U));
      put32(piece, id);
    }
    put(piece, slice(packet, at, at + size));
    out.push_back(piece);
    at += size;
  }
  return out;
}

reassembly::Frame frame_of(Bytes& bytes, LinkType link) {
  reassembly::Frame frame;
  frame.bytes = bytes;
  frame.wire_length = static_cast<std::uint32_t>(bytes.size());
  frame.link = link;
  frame.number = 1;
  return frame;
}

bool checksums_right(const Bytes& frame, const reassembly::Segment& segment) {
  const auto& layout = segment.layout;
  const bool v4 = segment.ip.version == 4;
  const std::size_t ip_header = std::size_t{4} * (frame[layout.ip] & 15U);
  if (v4 && slow_checksum(slice(frame, layout.ip, layout.ip + ip_header)) != 0) return false;
  Bytes covered =
      v4 ? slice(frame, layout.ip + 12, layout.ip + 20) : slice(frame, layout.ip + 8, layout.ip + 40);
  put32(covered, layout.end - layout.tcp);
  put32(covered, 6);
  put(covered, slice(frame, layout.tcp, layout.end));
  return slow_checksum(covered) == 0;
}

}  // namespace lockstep::test
