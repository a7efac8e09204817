#include "tests/oracle/engine_tap.hpp"

#include <algorithm>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "tests/oracle/kernel_host.hpp"

namespace lockstep::oracle {
namespace {

PipelineConfig config_of(bool enforcing, bool tight, std::uint32_t history) {
  PipelineConfig config;
  config.enforcing = enforcing;
  config.wire.sides = true;
  config.blocks = 128;
  config.islands = 512;
  config.segment_logs = 8;
  config.flows.flows = 16;
  config.half_open.connections = 16;
  if (tight) config.session.max_islands = 8;
  config.fragments = {.bytes = 1U << 18U, .datagrams = 16};
  if (tight) config.fragments.pieces = 64;
  config.session.history = history;
  // What was dropped here did not reach the host, unless nothing is dropped at all.
  config.session.captured_hosts = !enforcing;
  return config;
}

}  // namespace

EngineTap::EngineTap(Rules& rules, bool enforcing, bool tight, bool ipv6)
    : ipv6_(ipv6),
      pipeline_(std::make_unique<Pipeline>(config_of(enforcing, tight, rules.inspector(enforcing).window()),
                                           &rules.inspector(enforcing), *this, *this)) {}

EngineTap::~EngineTap() {
  pipeline_->finish();
}

std::vector<EngineTap::Departing> EngineTap::process(const Bytes& bytes, Side side, Timestamp time) {
  departing_.clear();
  unchanged_ = false;
  reason_ = Reason::none;
  Bytes own = bytes;
  Frame frame;
  frame.bytes = own;
  frame.wire_length = static_cast<std::uint32_t>(own.size());
  frame.link = LinkType::raw_ip;
  frame.time = time;
  frame.number = ++frames_;
  frame.port = side == Side::peer ? 0 : 1;
  told_.clear();
  made_.clear();
  pipeline_->process(frame);
  if (told_.empty()) told_ = "held";
  told_ += made_;
  unchanged_ = departing_.size() == 1 && departing_.front().bytes == bytes;
  return std::move(departing_);
}

std::vector<EngineTap::Departing> EngineTap::advance(Timestamp time) {
  departing_.clear();
  told_.clear();
  made_.clear();
  pipeline_->advance(time);
  if (!told_.empty()) told_ += made_;
  if (told_.empty() && !made_.empty()) told_ = made_.substr(1);
  return std::move(departing_);
}

bool EngineTap::to_host(std::span<const std::uint8_t> packet) const {
  std::array<std::uint8_t, 16> host{};
  const std::size_t length = ipv6_ ? 16 : 4;
  inet_pton(ipv6_ ? AF_INET6 : AF_INET, ipv6_ ? HostAddress::v6 : HostAddress::v4, host.data());
  const std::size_t at = ipv6_ ? 24 : 16;
  return packet.size() >= at + length &&
         std::equal(host.begin(), host.begin() + static_cast<std::ptrdiff_t>(length),
                    packet.begin() + static_cast<std::ptrdiff_t>(at));
}

void EngineTap::finish(const Frame& frame, std::span<const std::uint8_t> leaving) {
  if (leaving.empty()) return;
  if (frame.port == 0) inspect_departure(leaving);
  departing_.push_back({frame.port == 0 ? Side::host : Side::peer, {leaving.begin(), leaving.end()}});
}

void EngineTap::send(const Departure& departure) {
  if (to_host(departure.bytes)) inspect_departure(departure.bytes);
  departing_.push_back(
      {to_host(departure.bytes) ? Side::host : Side::peer, {departure.bytes.begin(), departure.bytes.end()}});
}

void EngineTap::take_other_readings(const Packet& packet) {
  if (packet.flow == nullptr || packet.flow->inspection == nullptr) return;
  for (const OtherReading& other : packet.flow->inspection->others) {
    const auto& to = packet.flow->session.receiver(other.direction);
    for (const OtherReading::Patch& patch : other.patches) {
      runs_.push_back({to.to_seq(patch.offset).value(), {patch.bytes.begin(), patch.bytes.end()}});
    }
  }
}

void EngineTap::on_packet(const Packet& packet) {
  if (packet.ruling.events.has(reassembly::StreamEvent::ambiguous)) take_other_readings(packet);
  if (transcript_) transcript_->on_packet(packet);
  reason_ = packet.verdict.reason;
  tell(packet);
  alerted_ = alerted_ || !packet.matches.empty();
  // A datagram that is not read for its many fragments is told of by that name.
  reported_ = reported_ || packet.ruling.events.has(reassembly::StreamEvent::ambiguous) ||
              packet.verdict.reason == Reason::fragment_limit;
  const bool resets =
      packet.ruling.transition == reassembly::Transition::reset_possible && packet.verdict.passes();
  may_have_reset_ = may_have_reset_ || resets;
  gave_up_ =
      gave_up_ || packet.verdict.action == Action::drop_flow || packet.verdict.action == Action::reject;
}

void EngineTap::tell(const Packet& packet) {
  if (packet.kind == Packet::Kind::fragment && packet.verdict.passes()) return;  // its datagram is told
  if (!told_.empty()) told_ += ", ";
  told_ += name(packet.verdict.action);
  if (packet.verdict.reason != Reason::none) told_ += fmt::format(" {}", name(packet.verdict.reason));
  std::uint64_t events = packet.ruling.events.bits;
  for (unsigned bit = 0; events != 0; ++bit, events >>= 1U) {
    if ((events & 1U) != 0) told_ += fmt::format(" !{}", name(static_cast<reassembly::StreamEvent>(bit)));
  }
}

void EngineTap::inspect_departure(std::span<const std::uint8_t> packet) {
  Bytes copy(packet.begin(), packet.end());
  const auto decoded = reassembly::decode(test::frame_of(copy, LinkType::raw_ip), {});
  if (const auto* malformed = std::get_if<reassembly::Malformed>(&decoded)) {
    unclean_ = name(joined(malformed->reason));
  }
  const auto* segment = std::get_if<reassembly::Segment>(&decoded);
  if (segment == nullptr) return;
  const bool syn = segment->has(reassembly::TcpFlag::syn);
  const bool reset = segment->has(reassembly::TcpFlag::rst);
  if (segment->has(reassembly::TcpFlag::urg) || segment->urgent != 0) unclean_ = "urgent pointer";
  if ((syn || reset) && !segment->payload.empty()) unclean_ = "SYN or RST with payload";
  if (syn && (segment->options.mp_capable || segment->options.mp_join)) unclean_ = "MPTCP";
  if (syn && segment->options.fast_open) unclean_ = "TCP Fast Open";
  if (syn && segment->options.unknown) unclean_ = "SYN with an unknown option";
  if (syn && segment->options.window_scale.value_or(0) > 14) unclean_ = "window scale above 14";
  if (syn && !segment->has(reassembly::TcpFlag::ack) && segment->ack.value() != 0)
    unclean_ = "SYN with a stray number";
  if (syn && (reset || segment->has(reassembly::TcpFlag::fin))) unclean_ = "SYN with FIN or RST";
  if (reset && (segment->has(reassembly::TcpFlag::fin) || segment->has(reassembly::TcpFlag::psh)))
    unclean_ = "RST with other flags";
}

void EngineTap::on_arrival(const Packet& packet) {
  if (transcript_) transcript_->on_arrival(packet);
}

void EngineTap::on_chunk(const Flow& flow, Direction direction, reassembly::StreamOffset offset,
                         std::span<const std::uint8_t> bytes) {
  if (transcript_) transcript_->on_chunk(flow, direction, offset, bytes);
  runs_.push_back({flow.session.receiver(direction).to_seq(offset).value(), {bytes.begin(), bytes.end()}});
}

void EngineTap::on_gap(const Flow& flow, Direction direction, reassembly::StreamOffset from,
                       reassembly::StreamOffset to) {
  if (transcript_) transcript_->on_gap(flow, direction, from, to);
}

void EngineTap::on_made(Direction towards, reassembly::TcpFlags flags, std::size_t bytes) {
  if (transcript_) transcript_->on_made(towards, flags, bytes);
  if ((flags.bits & reassembly::TcpFlag::rst) != 0) may_have_reset_ = true;
  made_ += fmt::format(" +{}", to_string(flags));
}

void EngineTap::on_flow_end(const Flow& flow, FlowEnd end, Timestamp now) {
  if (transcript_) transcript_->on_flow_end(flow, end, now);
}

bool EngineTap::scanned(std::uint32_t seq, std::uint8_t value) const {
  return std::any_of(runs_.rbegin(), runs_.rend(), [&](const Run& run) {
    const std::uint32_t at = seq - run.seq;
    return at < run.bytes.size() && static_cast<std::uint8_t>(run.bytes[at]) == value;
  });
}

void EngineTap::keep_transcript(std::string& text) {
  transcript_ = std::make_unique<Transcript>([&text](std::string_view line) { text += line; });
}

}  // namespace lockstep::oracle
