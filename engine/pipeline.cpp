#include "engine/pipeline.hpp"

#include "engine/held_fragments.hpp"
#include "reassembly/rewrite.hpp"

namespace lockstep {

using reassembly::Ruling;
using reassembly::TcpFlag;
using reassembly::Transition;

Pipeline::Pipeline(const PipelineConfig& config, Inspector* inspector, Observer& observer, Egress& egress)
    : config_(config),
      inspector_(inspector),
      observer_(&observer),
      egress_(&egress),
      bytes_(config.blocks, config.islands),
      flows_(config.flows, config.seed),
      half_open_(config.half_open, config.seed),
      fragments_(config.fragments),
      held_(std::make_unique<HeldFragments>(observer, egress)) {}

Pipeline::~Pipeline() = default;

void Pipeline::process(reassembly::Frame& frame) {
  if (start_ == Timestamp{}) start_ = frame.time;
  advance(frame.time);
  Packet packet;
  packet.frame = &frame;
  packet.bytes = frame.wire_length;
  const reassembly::Decoded decoded = reassembly::decode(frame, config_.wire);
  if (const auto* segment = std::get_if<reassembly::Segment>(&decoded)) {
    packet.segment = segment;
    inspect(packet);
  } else if (const auto* fragment = std::get_if<reassembly::Fragment>(&decoded)) {
    process_fragment(frame, *fragment);
    return;
  } else if (const auto* malformed = std::get_if<reassembly::Malformed>(&decoded)) {
    packet.kind = Packet::Kind::malformed;
    packet.verdict = {Action::drop, joined(malformed->reason)};
  } else {
    packet.passed = std::get<reassembly::Passed>(decoded).kind;
  }
  leave(packet);
}

void Pipeline::process_fragment(reassembly::Frame& frame, const reassembly::Fragment& fragment) {
  const auto answer = fragments_.add(frame, fragment, config_.wire, *held_);
  Packet packet;
  packet.kind = Packet::Kind::fragment;
  packet.frame = &frame;
  packet.bytes = frame.wire_length;
  switch (answer.fate) {
    case reassembly::FragmentAnswer::Fate::held:
      return;
    case reassembly::FragmentAnswer::Fate::dropped:
      packet.verdict = {Action::drop, joined(answer.reason)};
      observer_->on_packet(packet);
      return;
    case reassembly::FragmentAnswer::Fate::complete:
      judge_datagram();
      return;
  }
}

// The datagram is judged whole, as the host will read it; its fragments leave in their own sizes.
void Pipeline::judge_datagram() {
  reassembly::Frame frame = fragments_.datagram();
  Packet packet;
  packet.frame = &frame;
  packet.bytes = frame.bytes.size();
  if (const auto* segment = std::get_if<reassembly::Segment>(&fragments_.decoded())) {
    packet.segment = segment;
    inspect(packet);
    observer_->on_packet(packet);
  } else if (const auto* malformed = std::get_if<reassembly::Malformed>(&fragments_.decoded())) {
    packet.verdict = {Action::drop, joined(malformed->reason)};
  }
  if (packet.verdict.passes()) apply_edits(packet);
  held_->follow(packet);
  if (packet.verdict.passes()) {
    fragments_.refragment(*held_);
  } else {
    fragments_.discard(*held_, reassembly::Reason::none);
  }
}

// The whole way of a segment.
void Pipeline::inspect(Packet& packet) {
  packet.kind = Packet::Kind::segment;
  observer_->on_arrival(packet);
  if (!find_flow(packet)) return;
  count(packet);
  const bool syn = packet.segment->has(TcpFlag::syn);
  if (packet.flow->final_verdict != Final::none && !syn) return follow_final(packet);
  judge(packet);
  match(packet);
  decide(packet);
  commit(packet);
}

void Pipeline::judge(Packet& packet) {
  Flow& flow = *packet.flow;
  packet.ruling = flow.session.judge(*packet.segment, packet.direction);
  while (packet.ruling.kind == Ruling::Kind::gap) {
    const Direction direction = packet.ruling.gap_in_reverse ? reverse(packet.direction) : packet.direction;
    const auto begin = flow.session.receiver(direction).bytes.in_order();
    const auto [from, to] = flow.session.skip_gap(direction, packet.ruling.gap_to);
    flow.gap[reassembly::index(direction)] = true;
    observer_->on_gap(flow, direction, begin, from);
    flow.session.receiver(direction).bytes.read(from, to,
                                                [&, at = from](std::span<const std::uint8_t> run) mutable {
                                                  observer_->on_chunk(flow, direction, at, run);
                                                  at += static_cast<reassembly::StreamOffset>(run.size());
                                                });
    const auto events = packet.ruling.events;
    packet.ruling = flow.session.judge(*packet.segment, packet.direction);
    packet.ruling.events.bits |= events.bits;
  }
  if (packet.ruling.overlay) flow.session.overlay(packet.ruling, *packet.segment, packet.direction);
}

void Pipeline::match(Packet& packet) {
  if (!packet.ruling.forwards()) return;
  Flow& flow = *packet.flow;
  flow.session.read(packet.ruling, *packet.segment, packet.direction,
                    [&](reassembly::StreamOffset offset, std::span<const std::uint8_t> run) {
                      observer_->on_chunk(flow, packet.direction, offset, run);
                    });
}

void Pipeline::decide(Packet& packet) {
  const Ruling& ruling = packet.ruling;
  Flow& flow = *packet.flow;
  switch (ruling.kind) {
    case Ruling::Kind::forward:
      packet.verdict = {ruling.edits.any() ? Action::rewrite : Action::forward, joined(ruling.reason)};
      break;
    case Ruling::Kind::drop:
      packet.verdict = {Action::drop, joined(ruling.reason)};
      break;
    case Ruling::Kind::reset_both:
      packet.verdict = {Action::drop_flow, joined(ruling.reason)};
      flow.final_verdict = Final::dropped;
      flow.final_reason = packet.verdict.reason;
      reset(packet, packet.direction);
      reset(packet, reverse(packet.direction));
      break;
    case Ruling::Kind::diverged:
      packet.verdict = {Action::drop, Reason::diverged};
      flow.final_verdict = Final::diverged;
      flow.final_reason = Reason::diverged;
      break;
    case Ruling::Kind::gap:
      break;  // settled in judge()
  }
}

void Pipeline::commit(Packet& packet) {
  Flow& flow = *packet.flow;
  const bool was_closed = flow.session.closed();
  const bool had_hole = flow.session.holds_unscanned(packet.direction);
  if (packet.ruling.transition == Transition::reincarnate && packet.verdict.passes())
    return reincarnate(packet);
  flow.session.commit(packet.ruling, *packet.segment, packet.direction, packet.verdict.passes());
  if (!was_closed && flow.session.closed()) flows_.schedule(flow, now_ + config_.timeouts.closed);
  if (!had_hole && flow.session.holds_unscanned(packet.direction)) {
    flow.hole_since = now_;
    flows_.schedule(flow, now_ + config_.timeouts.hole);
  }
}

std::size_t Pipeline::apply_edits(const Packet& packet) {
  if (packet.segment == nullptr || !packet.ruling.edits.any()) return packet.frame->bytes.size();
  return reassembly::rewrite(*packet.frame, *packet.segment, packet.ruling.edits);
}

void Pipeline::leave(Packet& packet) {
  if (packet.verdict.passes()) {
    const std::size_t length = apply_edits(packet);
    egress_->send(packet.frame->bytes.first(length), packet.frame->link, packet.frame->time, false);
  }
  observer_->on_packet(packet);
}

}  // namespace lockstep
