#include "tests/oracle/peer.hpp"

#include <algorithm>

namespace lockstep::oracle {
namespace {

using reassembly::TcpFlag;
using test::PacketSpec;

void put32(Bytes& out, std::uint32_t value) {
  for (const unsigned shift : {24U, 16U, 8U, 0U}) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

// A fragment with other bytes, `by` (a multiple of eight) further on.
Bytes moved_piece(Bytes piece, int by, bool more, bool ipv6) {
  const std::size_t at = ipv6 ? 42 : 6;
  const int unit = ipv6 ? 8 : 1;
  const int flag = !more ? 0 : ipv6 ? 1 : 0x2000;
  const int word = ((piece[at] << 8 | piece[at + 1]) | flag) + by / 8 * unit;
  piece[at] = static_cast<std::uint8_t>(word >> 8);
  piece[at + 1] = static_cast<std::uint8_t>(word);
  for (std::size_t i = ipv6 ? 48 : 20; i < piece.size(); ++i) piece[i] = 'o';
  if (ipv6) return piece;
  piece[10] = piece[11] = 0;
  const std::uint16_t sum = test::slow_checksum(Bytes(piece.begin(), piece.begin() + 20));
  piece[10] = static_cast<std::uint8_t>(sum >> 8U);
  piece[11] = static_cast<std::uint8_t>(sum);
  return piece;
}

// How the pieces of a datagram travel.
void arrange(std::vector<Bytes>& pieces, Step::Pieces how, bool ipv6) {
  switch (how) {
    case Step::Pieces::in_order:
      return;
    case Step::Pieces::reversed:
      return std::reverse(pieces.begin(), pieces.end());
    case Step::Pieces::twice:
      pieces.insert(pieces.begin(), pieces.front());
      return;
    case Step::Pieces::first_missing:
      pieces.erase(pieces.begin());
      return;
    case Step::Pieces::overlapping:
      // Between the first two pieces comes one with other bytes that lies over both.
      pieces.insert(pieces.begin() + 1, moved_piece(pieces[1], -8, true, ipv6));
      return;
    case Step::Pieces::two_ends:
      // First comes one that ends the datagram behind its end.
      pieces.insert(pieces.begin(), moved_piece(pieces.back(), 8, false, ipv6));
      return;
  }
}

}  // namespace

Peer::Peer(const Scenario& scenario, Endpoints ends)
    : scenario_(&scenario), ends_(std::move(ends)), isn_(scenario.isn) {}

void Peer::reopen(std::uint32_t isn) {
  isn_ = isn;
  host_isn_ = host_next_ = 0;
  acked_ = -1;
  edge_ = sack_ = 0;
  host_known_ = reset_ = ended_ = false;
  received_.clear();
}

std::uint32_t Peer::number(From from) const {
  const std::uint32_t start = isn_ + 1;
  switch (from) {
    case From::isn:
      return isn_;
    case From::start:
      return start;
    case From::acked:
      return start + static_cast<std::uint32_t>(std::max<std::int64_t>(acked_, 0));
    case From::edge:
      return start + static_cast<std::uint32_t>(edge_);
    case From::sack:
      return start + static_cast<std::uint32_t>(std::max(sack_, acked_));
  }
  return start;
}

Bytes Peer::options_of(const Step& step, std::uint32_t ticks) const {
  Bytes out = step.options;
  if ((step.flags & TcpFlag::syn) != 0) {
    out.insert(out.end(), {2, 4, 5, 180});
    if (scenario_->sack) out.insert(out.end(), {4, 2});
    if (scenario_->window_scale) out.insert(out.end(), {1, 3, 3, *scenario_->window_scale});
  }
  if (scenario_->timestamps && step.timestamps && out.size() + 10 <= 40) {
    out.insert(out.end(), {8, 10});
    put32(out, ticks + static_cast<std::uint32_t>(step.value_delta));
    const bool echoes = (step.flags & TcpFlag::ack) != 0 && host_known_;
    put32(out, echoes ? host_tsval_ + static_cast<std::uint32_t>(step.echo_delta) : 0);
  }
  if (out.size() > 40) out.resize(40);
  return out;
}

std::vector<Bytes> Peer::build(const Step& step, std::uint32_t ticks) {
  PacketSpec spec;
  spec.link = reassembly::LinkType::raw_ip;
  spec.source = ends_.peer;
  spec.destination = ends_.host;
  spec.source_port = ends_.peer_port;
  spec.destination_port = ends_.host_port;
  spec.ip_id = next_id_++;
  spec.ip_flags = step.fragments.empty() ? 0x4000 : 0;
  spec.seq = number(step.from) + static_cast<std::uint32_t>(step.seq);
  const std::uint32_t base = step.acks == Acks::next ? host_next_ : host_isn_;
  const bool acknowledges = (step.flags & TcpFlag::ack) != 0;
  if (acknowledges || step.ack != 0) spec.ack = base + static_cast<std::uint32_t>(step.ack);
  if (step.as_host) {
    std::swap(spec.source, spec.destination);
    std::swap(spec.source_port, spec.destination_port);
    spec.ack = spec.seq;
    spec.seq = host_next_ + static_cast<std::uint32_t>(step.ack);
  }
  spec.flags = step.flags;
  spec.window =
      step.window.value_or(scenario_->window_scale && (step.flags & TcpFlag::syn) == 0 ? 2000 : 65000);
  spec.urgent = step.urgent;
  spec.reserved = step.reserved;
  spec.options = options_of(step, ticks);
  spec.payload = step.payload;
  if (step.ttl) spec.ttl = *step.ttl;
  spec.tos = step.tos;
  const std::int64_t at = offset(spec.seq);
  for (std::size_t i = 0; i < std::min(step.known, spec.payload.size()) && at >= 0; ++i) {
    const std::size_t place = static_cast<std::size_t>(at) + i;
    spec.payload[i] = place < scenario_->stream.size() ? scenario_->stream[place] : '~';
  }
  if (step.data_offset != 0) {
    const std::size_t words = 5 + (spec.options.size() + 3) / 4;
    const auto moved = static_cast<std::ptrdiff_t>(words) + step.data_offset;
    spec.data_offset = static_cast<std::uint8_t>(std::clamp<std::ptrdiff_t>(moved, 0, 15));
  }
  if (step.ip_length != 0 || !step.ip_options.empty()) {
    spec.ip_options = step.ip_options;
    const Bytes whole = test::build_packet(spec);
    const std::size_t fixed = scenario_->ipv6 ? 40 : 0;
    spec.ip_length =
        static_cast<std::uint16_t>(static_cast<std::ptrdiff_t>(whole.size() - fixed) + step.ip_length);
  }
  if (step.bad_ip_checksum) spec.ip_checksum = 0x1234;
  Bytes packet = test::build_packet(spec);
  if (step.bad_checksum)
    packet[packet.size() - 1 - step.payload.size() - (spec.options.size() + 3) / 4 * 4 - 2] ^= 0x55U;
  packet.insert(packet.end(), step.trailer.begin(), step.trailer.end());
  if (step.fragments.empty()) return {packet};
  auto pieces = test::fragment_packet(packet, spec.link, step.fragments, spec.ip_id);
  if (pieces.size() > 1) arrange(pieces, step.pieces, scenario_->ipv6);
  return pieces;
}

void Peer::learn(const reassembly::Segment& segment) {
  if (segment.has(TcpFlag::rst)) {
    reset_ = true;
    return;
  }
  if (segment.has(TcpFlag::syn)) {
    // Of several SYN-ACKs the first that answers the peer's SYN counts, or the SYN and what came with it.
    const bool fast_open =
        scenario_->service == Service::fast_open || scenario_->service == Service::fast_open_cookie;
    const std::int64_t taken = segment.has(TcpFlag::ack) ? offset(segment.ack.value()) : 0;
    const bool answers = taken >= 0 && taken <= (fast_open ? 1460 : 0);
    if (host_known_ || !answers) return;
    host_isn_ = segment.seq.value();
    host_next_ = host_isn_ + 1;
    host_known_ = true;
    host_shift_ = scenario_->window_scale ? segment.options.window_scale.value_or(0) : 0;
    edge_ = taken + segment.window;
    if (segment.options.timestamps) host_tsval_ = segment.options.timestamps->value;
    if (segment.has(TcpFlag::ack)) acked_ = taken;
    return;
  }
  if (!host_known_ || !segment.has(TcpFlag::ack)) return;
  const std::int64_t ack = offset(segment.ack.value());
  if (ack < -1 || ack > (1 << 24)) return;
  acked_ = std::max(acked_, ack);
  edge_ = std::max<std::int64_t>(edge_, ack + (static_cast<std::int64_t>(segment.window) << host_shift_));
  for (std::size_t i = 0; i < segment.options.sack_count; ++i) {
    sack_ = std::max(sack_, offset(segment.options.sack[i].right.value()));
  }
  if (segment.options.timestamps) host_tsval_ = segment.options.timestamps->value;
  const auto begin = static_cast<std::int32_t>(segment.seq.value() - (host_isn_ + 1));
  const auto have = static_cast<std::int32_t>(received_.size());
  const auto end = begin + static_cast<std::int32_t>(segment.payload.size());
  if (begin > have || end < have) return;
  received_.append(segment.payload.begin() + (have - begin), segment.payload.end());
  ended_ = ended_ || segment.has(TcpFlag::fin);
  host_next_ = host_isn_ + 1 + static_cast<std::uint32_t>(end) + (ended_ ? 1U : 0U);
}

}  // namespace lockstep::oracle
