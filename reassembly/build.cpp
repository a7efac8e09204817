#include "reassembly/build.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "reassembly/bytes.hpp"
#include "reassembly/checksum.hpp"
#include "reassembly/rewrite.hpp"

namespace lockstep::reassembly {
namespace {

constexpr std::uint32_t tcp_header = 20;

std::uint32_t write_ipv4(std::uint8_t* ip, const BareSegment& segment) {
  constexpr std::uint32_t length = 20;
  std::memset(ip, 0, length);
  ip[0] = 0x45;
  ip[1] = segment.tos;
  store16(ip + 2, length + tcp_header);
  store16(ip + 6, 0x4000);
  ip[8] = segment.ttl;
  ip[9] = 6;
  std::memcpy(ip + 12, segment.source.address.bytes.data(), 4);
  std::memcpy(ip + 16, segment.destination.address.bytes.data(), 4);
  store_checksum(ip + 10, checksum_sum({ip, length}));
  return length;
}

std::uint32_t write_ipv6(std::uint8_t* ip, const BareSegment& segment) {
  constexpr std::uint32_t length = 40;
  store32(ip, 6U << 28 | std::uint32_t{segment.tos} << 20 | (segment.flow_label & 0xfffffU));
  store16(ip + 4, tcp_header);
  ip[6] = 6;
  ip[7] = segment.ttl;
  std::memcpy(ip + 8, segment.source.address.bytes.data(), 16);
  std::memcpy(ip + 24, segment.destination.address.bytes.data(), 16);
  return length;
}

void write_tcp(std::uint8_t* tcp, std::span<const std::uint8_t> addresses, const BareSegment& segment) {
  std::memset(tcp, 0, tcp_header);
  store16(tcp, segment.source.port);
  store16(tcp + 2, segment.destination.port);
  store32(tcp + 4, segment.seq.value());
  store32(tcp + 8, segment.flags.has(TcpFlag::ack) ? segment.ack.value() : 0);
  tcp[12] = 5 << 4;
  tcp[13] = segment.flags.bits;
  store16(tcp + 14, segment.window);
  store_checksum(tcp + 16, pseudo_header_sum(addresses, 6, tcp_header) + checksum_sum({tcp, tcp_header}));
}

std::size_t build_like(std::span<std::uint8_t> out, const Frame& frame, const Segment& like, Toward toward,
                       BareSegment bare) {
  const Framing framing = framing_of(frame, like);
  if (toward == Toward::sender) {
    bare.source = like.destination;
    bare.destination = like.source;
    return build(out, framing.reversed(), bare);
  }
  bare.source = like.source;
  bare.destination = like.destination;
  bare.ttl = like.ip.ttl;
  bare.flow_label = like.ip.flow_label;
  return build(out, framing, bare);
}

}  // namespace

Framing Framing::reversed() const {
  Framing other = *this;
  if (link == LinkType::ethernet && length >= 12) {
    std::swap_ranges(other.bytes.begin(), other.bytes.begin() + 6, other.bytes.begin() + 6);
  }
  return other;
}

Framing framing_of(const Frame& frame, const Segment& segment) {
  Framing framing;
  assert(segment.layout.ip <= Framing::capacity);
  framing.length = static_cast<std::uint8_t>(segment.layout.ip);
  framing.pppoe = static_cast<std::uint8_t>(segment.layout.pppoe);
  framing.link = frame.link;
  std::memcpy(framing.bytes.data(), frame.bytes.data(), framing.length);
  return framing;
}

std::size_t build(std::span<std::uint8_t> out, const Framing& framing, const BareSegment& segment) {
  const bool v4 = segment.source.address.version == 4;
  const std::size_t end = framing.length + (v4 ? 20U : 40U) + tcp_header;
  constexpr std::size_t ethernet_minimum = 60;
  if (out.size() < std::max(end, ethernet_minimum)) return 0;
  std::uint8_t* ip = out.data() + framing.length;
  std::memcpy(out.data(), framing.bytes.data(), framing.length);
  const std::uint32_t header = v4 ? write_ipv4(ip, segment) : write_ipv6(ip, segment);
  write_tcp(ip + header, v4 ? std::span(ip + 12, 8) : std::span(ip + 8, 32), segment);
  constexpr std::uint32_t pppoe_header = 6;
  if (framing.pppoe != 0) {
    store16(out.data() + framing.pppoe + 4, static_cast<std::uint32_t>(end) - framing.pppoe - pppoe_header);
  }
  return pad_frame(out, framing.link, end, ethernet_minimum);
}

std::size_t build_reset(std::span<std::uint8_t> out, const Frame& frame, const Segment& segment,
                        Toward toward, Seq seq, std::optional<Seq> ack) {
  BareSegment bare;
  bare.seq = seq;
  bare.ack = ack.value_or(Seq{});
  bare.flags.bits = static_cast<std::uint8_t>(ack ? TcpFlag::rst | TcpFlag::ack : TcpFlag::rst);
  return build_like(out, frame, segment, toward, bare);
}

std::size_t build_ack(std::span<std::uint8_t> out, const Frame& frame, const Segment& segment, Toward toward,
                      Seq seq, Seq ack, std::uint16_t window) {
  BareSegment bare;
  bare.seq = seq;
  bare.ack = ack;
  bare.flags.bits = TcpFlag::ack;
  bare.window = window;
  return build_like(out, frame, segment, toward, bare);
}

}  // namespace lockstep::reassembly
