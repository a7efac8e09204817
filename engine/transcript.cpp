#include "engine/transcript.hpp"

#include <fmt/format.h>

namespace lockstep {
namespace {

// Direction of a packet without a flow: the SYN's sender counts as the client.
char arrow(const Packet& packet) {
  return packet.direction == Direction::to_server ? '>' : '<';
}

}  // namespace

std::string quoted(std::span<const std::uint8_t> bytes, std::size_t limit) {
  std::string text = "\"";
  for (const std::uint8_t byte : bytes.first(std::min(bytes.size(), limit))) {
    if (byte == '"' || byte == '\\') {
      text += '\\';
      text += static_cast<char>(byte);
    } else if (byte >= 0x20 && byte < 0x7f) {
      text += static_cast<char>(byte);
    } else {
      text += fmt::format("\\x{:02x}", byte);
    }
  }
  text += bytes.size() > limit ? "\"…" : "\"";
  return text;
}

void Transcript::on_arrival(const Packet& packet) {
  payload_ = quoted(packet.segment->payload, text_limit);
}

void Transcript::on_chunk(const Flow&, Direction, reassembly::StreamOffset offset,
                          std::span<const std::uint8_t> bytes) {
  delivered_ +=
      fmt::format("  deliver {}:{} {}", offset, offset + static_cast<reassembly::StreamOffset>(bytes.size()),
                  quoted(bytes, text_limit));
}

void Transcript::on_gap(const Flow&, Direction direction, reassembly::StreamOffset from,
                        reassembly::StreamOffset to) {
  delivered_ += fmt::format("  gap {} {}:{}", name(direction), from, to);
}

void Transcript::on_made(Direction towards, reassembly::TcpFlags flags, std::size_t) {
  delivered_ += flags.has(reassembly::TcpFlag::rst) ? "  reset > " : "  ask > ";
  delivered_ += towards == Direction::to_server ? "server" : "client";
}

void Transcript::introduce(const Packet& packet) {
  const FlowKey key = make_flow_key(*packet.segment, 0);
  if (flows_.emplace(key, known_ + 1).second) {
    ++known_;
    const bool forward = packet.direction == Direction::to_server;
    const auto& client = forward ? packet.segment->source : packet.segment->destination;
    const auto& server = forward ? packet.segment->destination : packet.segment->source;
    sink_(fmt::format("#{}  {}:{} > {}:{}{}\n", known_, to_string(client.address), client.port,
                      to_string(server.address), server.port,
                      packet.flow != nullptr && packet.flow->session.adopted() ? "  adopted" : ""));
  }
}

std::string Transcript::numbers(const Packet& packet) const {
  const reassembly::Segment& segment = *packet.segment;
  std::uint32_t seq = segment.seq.value();
  std::uint32_t ack = segment.ack.value();
  if (packet.flow != nullptr) {
    const auto& session = packet.flow->session;
    seq -= session.receiver(packet.direction).first.value() - 1;
    ack -= session.receiver(reverse(packet.direction)).first.value() - 1;
  } else if (segment.has(reassembly::TcpFlag::syn)) {
    seq = 0;
  }
  const auto length = static_cast<std::uint32_t>(segment.payload.size());
  const auto begin = static_cast<std::int32_t>(seq);
  std::string text = fmt::format("{}:{}({})", begin, static_cast<std::int64_t>(begin) + length, length);
  text.resize(std::max<std::size_t>(text.size(), 14), ' ');
  if (segment.has(reassembly::TcpFlag::ack)) text += fmt::format(" ack {}", static_cast<std::int32_t>(ack));
  return text;
}

std::string Transcript::outcome(const Packet& packet) const {
  std::string text = fmt::format("{:<8}", name(packet.verdict.action));
  if (packet.verdict.reason != Reason::none) text += fmt::format(" {}", name(packet.verdict.reason));
  if (packet.dropped_by != 0) text += fmt::format(" sid {}", packet.dropped_by);
  text += delivered_;
  for (const signatures::Match& match : packet.matches) {
    text += fmt::format("  sid {} {} {}:{}{}", match.id.sid, signatures::name(match.on), match.from, match.to,
                        match.early ? " early" : "");
  }
  std::uint64_t events = packet.ruling.events.bits;
  for (unsigned bit = 0; events != 0; ++bit, events >>= 1U) {
    if ((events & 1U) != 0) text += fmt::format("  [{}]", name(static_cast<reassembly::StreamEvent>(bit)));
  }
  return text;
}

void Transcript::line(const Packet& packet, std::string_view left, std::string_view right) {
  sink_(fmt::format("{:>6} {:<76} | {}\n", packet.frame->number, left, right));
}

void Transcript::on_packet(const Packet& packet) {
  if (packet.kind == Packet::Kind::fragment && packet.verdict.passes()) return;  // its datagram has a line
  const std::string right = outcome(packet);
  switch (packet.kind) {
    case Packet::Kind::segment: {
      introduce(packet);
      const std::size_t flow = flows_[make_flow_key(*packet.segment, 0)];
      const std::string left =
          fmt::format("#{} C {} {:<4} {:<26} {}", flow, arrow(packet), to_string(packet.segment->flags),
                      numbers(packet), packet.segment->payload.empty() && payload_ == "\"\"" ? "" : payload_);
      line(packet, left, right);
      break;
    }
    case Packet::Kind::fragment:
      line(packet, "IP fragment", right);
      break;
    case Packet::Kind::passed:
      line(packet, name(packet.passed), right);
      break;
    case Packet::Kind::malformed:
      line(packet, "malformed", right);
      break;
  }
  payload_.clear();
  delivered_.clear();
}

void Transcript::on_reload(const RuleGeneration& rules, Timestamp) {
  sink_(fmt::format("       rules: generation {}\n", rules.number()));
}

void Transcript::on_late_matches(const LateMatches& late) {
  const auto found = flows_.find(late.flow->key);
  std::string text =
      fmt::format("       #{} C {} ends without FIN:", found == flows_.end() ? 0 : found->second,
                  late.direction == Direction::to_server ? '>' : '<');
  for (const signatures::Match& match : late.matches) {
    text += fmt::format("  sid {} {} {}:{}", match.id.sid, signatures::name(match.on), match.from, match.to);
  }
  sink_(text + "\n");
}

void Transcript::on_flow_end(const Flow& flow, FlowEnd end, Timestamp) {
  if (end == FlowEnd::shutdown) return;
  const auto found = flows_.find(flow.key);
  if (found == flows_.end()) return;
  sink_(fmt::format("       #{} ended: {}\n", found->second, name(end)));
  flows_.erase(found);  // the next connection of these endpoints gets a number of its own
}

}  // namespace lockstep
