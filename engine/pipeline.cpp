#include "engine/pipeline.hpp"

#include "engine/held_fragments.hpp"
#include "engine/inspector.hpp"
#include "reassembly/rewrite.hpp"
#include "reassembly/rulings.hpp"

namespace lockstep {

using reassembly::Ruling;
using reassembly::TcpFlag;
using reassembly::Transition;
using signatures::PacketTurn;

namespace {

// Header and payload.
std::span<const std::uint8_t> tcp_of(const reassembly::Frame& frame, const reassembly::Segment& segment) {
  return frame.bytes.subspan(segment.layout.tcp, segment.layout.end - segment.layout.tcp);
}

}  // namespace

Pipeline::Pipeline(const PipelineConfig& config, Inspector* inspector, Observer& observer, PacketPort& port)
    : config_(config),
      inspector_(inspector),
      observer_(&observer),
      port_(&port),
      bytes_(config.blocks, config.islands),
      logs_(config.enforcing ? 1 : config.segment_logs),
      flows_(config.flows, config.seed),
      half_open_(config.half_open, config.seed),
      fragments_(config.fragments),
      held_(std::make_unique<HeldFragments>(observer, port, config.enforcing)),
      hairpins_(config.seed),
      flow_count_(config.flows_before) {
  config_.session.enforcing = config.enforcing;
  config_.wire.as_linux = !config.enforcing;
  config_.session.logs = &logs_;
}

Pipeline::~Pipeline() = default;

void Pipeline::process(reassembly::Frame& frame) {
  if (start_ == Timestamp{}) start_ = frame.time;
  pair_ = frame.port & 0xfffeU;
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
    refuse(packet, *malformed);
  } else {
    packet.passed = std::get<reassembly::Passed>(decoded).kind;
  }
  leave(packet);
}

void Pipeline::process_fragment(reassembly::Frame& frame, const reassembly::Fragment& fragment) {
  Packet packet;
  packet.kind = Packet::Kind::fragment;
  packet.frame = &frame;
  packet.bytes = frame.wire_length;
  if (lists_ != nullptr && blocked(packet, fragment.source, fragment.destination)) return leave(packet);
  const auto answer = fragments_.add(frame, fragment, config_.wire, *held_);
  // Held as a copy, or dropped; observing, nothing waits.
  port_->finish(frame, config_.enforcing ? std::span<std::uint8_t>{} : frame.bytes);
  switch (answer.fate) {
    case reassembly::FragmentAnswer::Fate::held:
      return;
    case reassembly::FragmentAnswer::Fate::dropped:
      packet.verdict = held_->refused(answer.reason);
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
  packet.datagram = true;
  packet.bytes = frame.bytes.size();
  if (const auto* segment = std::get_if<reassembly::Segment>(&fragments_.decoded())) {
    packet.segment = segment;
    inspect(packet);
    observer_->on_packet(packet);
    settle(packet);
  } else if (const auto* malformed = std::get_if<reassembly::Malformed>(&fragments_.decoded())) {
    refuse(packet, *malformed);
    observer_->on_packet(packet);
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
  const reassembly::Segment& segment = *packet.segment;
  if (lists_ != nullptr && blocked(packet, segment.source.address, segment.destination.address)) return;
  if (!find_flow(packet)) {
    if (packet.flow == nullptr) let_pass(packet);
    if (packet.flow == nullptr || packet.segment->has(TcpFlag::syn)) match_handshake(packet);
    return;
  }
  if (!packet.flow->sides.take(packet.direction, packet.segment->side)) return refuse_side(packet);
  count(packet);
  let_pass(packet);
  follow(packet);
}

// From the side on which its receiver is: dropped, unless it is a segment that left here and came back.
void Pipeline::refuse_side(Packet& packet) {
  packet.hairpin = hairpins_.returns(tcp_of(*packet.frame, *packet.segment), now_);
  packet.ruling = packet.hairpin ? Ruling{} : reassembly::drop(reassembly::Reason::wrong_side);
  packet.verdict = packet.hairpin ? Verdict{} : Verdict{Action::drop, Reason::wrong_side};
  if (!config_.enforcing) packet.verdict = {};
}

void Pipeline::follow(Packet& packet) {
  renew(*packet.flow);
  const Final decided = packet.flow->final_verdict;
  const bool given_up = decided == Final::dropped || decided == Final::diverged;
  const bool decided_for = given_up || packet.flow->in_kernel;
  if (decided_for && !packet.segment->has(TcpFlag::syn)) return follow_final(packet);
  judge(packet);
  // A SYN may begin another connection; a SYN-ACK goes on with this one unless it answers such a SYN.
  if (given_up && packet.segment->has(TcpFlag::ack) && packet.ruling.transition != Transition::reincarnate)
    return follow_final(packet);
  if (!config_.enforcing) return observe(packet);
  match(packet);
  decide(packet);
  commit(packet);
  release(*packet.flow);
}

void Pipeline::judge(Packet& packet) {
  Flow& flow = *packet.flow;
  if (flow.stale && meet_again(packet)) return;
  packet.ruling = flow.session.judge(*packet.segment, packet.direction);
  if (packet.ruling.kind == Ruling::Kind::anew) {
    adopt_session(packet);
    packet.ruling = flow.session.judge(*packet.segment, packet.direction);
  }
  if (inspects(flow)) inspector_->begin(packet);
  while (packet.ruling.kind == Ruling::Kind::gap || packet.ruling.kind == Ruling::Kind::start) {
    if (packet.ruling.kind == Ruling::Kind::start) {
      flow.session.start_at(packet.direction, packet.ruling.gap_to);
    } else {
      give_up_gap(packet);
    }
    const auto events = packet.ruling.events;
    packet.ruling = flow.session.judge(*packet.segment, packet.direction);
    packet.ruling.events.bits |= events.bits;
  }
  // Each that gives way held a piece at least; more segments come.
  constexpr int at_most = 4;
  for (int i = 0; i < at_most && packet.ruling.reason == reassembly::Reason::store_full; ++i) {
    if (!config_.enforcing || !make_room(packet)) break;
    const auto events = packet.ruling.events;
    packet.ruling = flow.session.judge(*packet.segment, packet.direction);
    if (!packet.ruling.forwards()) packet.ruling.events.bits |= events.bits;
  }
  if (packet.ruling.overlay) flow.session.overlay(packet.ruling, *packet.segment, packet.direction);
}

void Pipeline::give_up_gap(Packet& packet) {
  Flow& flow = *packet.flow;
  const Direction direction = packet.ruling.gap_in_reverse ? reverse(packet.direction) : packet.direction;
  const auto before = flow.session.receiver(direction).bytes.in_order();
  if (!config_.enforcing) {
    const auto recalled = flow.session.recall(direction, packet.ruling.gap_to);
    if (recalled.first < recalled.second) return read_observed(packet, direction, recalled.first);
  }
  const auto [from, to] = flow.session.skip_gap(direction, packet.ruling.gap_to);
  flow.gap.add(direction);
  if (flow.inspection) flow.inspection->gaps[reassembly::index(direction)] = {before, from};
  observer_->on_gap(flow, direction, before, from);
  if (!config_.enforcing) return read_observed(packet, direction, from);
  deliver_held(flow, direction, from, to);
}

bool Pipeline::inspects(const Flow& flow) const {
  return inspector_ != nullptr && flow.inspection != nullptr && flow.final_verdict == Final::none;
}

// Bytes that were held behind a gap are read at once, as the start of a new stream.
void Pipeline::deliver_held(Flow& flow, Direction direction, reassembly::StreamOffset from,
                            reassembly::StreamOffset to) {
  flow.session.receiver(direction).bytes.read(
      from, to, [&, at = from](std::span<const std::uint8_t> run) mutable {
        observer_->on_chunk(flow, direction, at, run);
        if (inspects(flow))
          inspector_->scan(flow, {.direction = direction, .offset = at, .bytes = run, .own = {}});
        at += static_cast<reassembly::StreamOffset>(run.size());
      });
}

void Pipeline::match(Packet& packet) {
  const bool judged = inspects(*packet.flow) && (packet.ruling.forwards() || packet.ruling.events.any());
  if (judged) {
    inspector_->describe(packet);
    inspector_->match_packet(packet, PacketTurn::before_stream);
  }
  if (packet.ruling.forwards()) match_stream(packet);
  if (judged) inspector_->match_packet(packet, PacketTurn::behind_stream);
}

void Pipeline::match_stream(Packet& packet) {
  Flow& flow = *packet.flow;
  const Ruling& ruling = packet.ruling;
  const bool inspected = inspects(flow);
  const reassembly::Segment& segment = *packet.segment;
  Inspector::Chunk chunk;
  chunk.direction = packet.direction;
  chunk.own_offset = ruling.offset;
  if (ruling.length > 0) chunk.own = segment.payload.subspan(ruling.edits.trim_front, ruling.length);
  bool scanned = false;
  flow.session.read(ruling, segment, packet.direction,
                    [&](reassembly::StreamOffset offset, std::span<const std::uint8_t> run) {
                      observer_->on_chunk(flow, packet.direction, offset, run);
                      if (!inspected) return;
                      chunk.offset = offset;
                      chunk.bytes = run;
                      chunk.last =
                          offset + static_cast<reassembly::StreamOffset>(run.size()) == ruling.readable_to;
                      chunk.ended = chunk.last && ruling.fin;
                      scanned = scanned || chunk.last;
                      inspector_->scan(flow, chunk);
                    });
  if (!inspected || !ruling.fin || scanned) return;
  chunk.offset = ruling.readable_to;
  chunk.bytes = {};
  chunk.last = chunk.ended = true;
  inspector_->scan(flow, chunk);
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
      if (ruling.transition == Transition::ask_sender) ask_sender(packet);
      break;
    case Ruling::Kind::reset_both:
      packet.verdict = {Action::drop_flow, joined(ruling.reason)};
      finish_flow(packet, Final::dropped);
      reset(packet, packet.direction);
      reset(packet, reverse(packet.direction));
      break;
    case Ruling::Kind::diverged:
      packet.verdict = {Action::drop, Reason::diverged};
      finish_flow(packet, Final::diverged);
      break;
    case Ruling::Kind::gap:
    case Ruling::Kind::start:
    case Ruling::Kind::anew:
      break;  // settled in judge()
  }
  if (inspects(flow)) obey(packet);
}

// SYNs, SYN-ACKs, and resets of nothing: headers only, the stream has not begun.
void Pipeline::match_handshake(Packet& packet) {
  if (packet.flow == nullptr ? inspector_ == nullptr : !inspects(*packet.flow)) return;
  if (packet.record != nullptr && packet.record->final_verdict != Final::none) return;
  match_headers(packet);
}

void Pipeline::match_headers(Packet& packet) {
  inspector_->begin(packet);
  inspector_->match_packet(packet, PacketTurn::before_stream);
  inspector_->match_packet(packet, PacketTurn::behind_stream);
  obey(packet);
}

// Nothing of it reaches a host or a connection. Rules of headers see it all the same, and none of its bytes.
void Pipeline::refuse(Packet& packet, const reassembly::Malformed& malformed) {
  packet.kind = Packet::Kind::malformed;
  packet.verdict = {config_.enforcing ? Action::drop : Action::forward, joined(malformed.reason)};
  if (!malformed.segment) return;
  packet.segment = &*malformed.segment;
  packet.ruling = reassembly::drop(malformed.reason);
  if (inspector_ == nullptr) return;
  const FlowKey key = make_flow_key(*packet.segment, 0);
  const bool from_low_end = from_low(packet.segment->source, packet.segment->destination);
  if (const Flow* flow = flows_.find(key, flows_.hash(key))) packet.direction = flow->direction(from_low_end);
  match_headers(packet);
}

void Pipeline::finish_flow(Packet& packet, Final verdict) {
  if (packet.flow == nullptr) {
    // A SYN that is dropped for its connection leaves nothing behind: its repeat is judged as the first was.
    if (verdict == Final::dropped) {
      half_open_.remove(*packet.record);
      packet.record = nullptr;
    } else {
      packet.record->final_verdict = verdict;
    }
    return;
  }
  packet.flow->final_verdict = verdict;
  if (verdict == Final::passed || verdict == Final::bypassed) packet.flow->release = Release::rule;
  packet.flow->final_reason = packet.verdict.reason;
  packet.flow->dropped_by = packet.dropped_by;
}

// What the rules that matched lead to.
void Pipeline::obey(Packet& packet) {
  packet.matches = inspector_->matches();
  if (packet.matches.empty()) return;
  const bool refused = !packet.verdict.passes();
  const Decision& decision = inspector_->decide(packet, refused);
  packet.decision = &decision;
  packet.rules = &inspector_->generation();
  if (packet.flow != nullptr && decision.alerted()) packet.flow->alerted = true;
  if (refused) return;
  const bool tracked = packet.flow != nullptr || packet.record != nullptr;
  const bool whole_flow = decision.scope == signatures::EffectScope::flow && tracked;
  if (decision.effect == Effect::drop) {
    const bool reject = decision.resets.sender || decision.resets.receiver;
    const auto decider = whole_flow ? decision.decided_flow_by : decision.decided_by;
    if (decider) packet.dropped_by = packet.matches[*decider].id.sid;
    packet.verdict = {reject       ? Action::reject
                      : whole_flow ? Action::drop_flow
                                   : Action::drop,
                      decision.reason};
    if (whole_flow) finish_flow(packet, Final::dropped);
    const bool protect =
        whole_flow && !config_.drop_silent && packet.flow != nullptr && packet.flow->session.established();
    if (protect || decision.resets.receiver) reset(packet, packet.direction);
    if (decision.resets.sender) reset(packet, reverse(packet.direction));
  } else if (decision.effect == Effect::pass && whole_flow) {
    finish_flow(packet, Final::passed);
  } else if (decision.bypass && tracked) {
    finish_flow(packet, Final::bypassed);
  }
}

void Pipeline::commit(Packet& packet) {
  Flow& flow = *packet.flow;
  const bool was_closed = flow.session.closed();
  const bool had_hole = flow.session.holds_unscanned(packet.direction);
  const auto in_order = flow.session.receiver(packet.direction).bytes.in_order();
  if (packet.ruling.transition == Transition::reincarnate && packet.verdict.passes())
    return reincarnate(packet);
  flow.session.commit(packet.ruling, *packet.segment, packet.direction,
                      packet.verdict.passes() && packet.ruling.forwards());
  if (!was_closed && flow.session.closed()) flows_.schedule(flow, now_ + config_.timeouts.closed);
  note_hole(flow, packet.direction, in_order, had_hole);
}

// Only when the hosts have acknowledged all that the decision rests on: bytes that never arrived (a hello
// whose TTL ran out) are still ours to hold their sender to, and what follows them is scanned.
void Pipeline::release(Flow& flow) {
  if (!inspects(flow)) return;
  const Release why = inspector_->outlook(flow);
  if (why == Release::none || !flow.session.settled()) return;
  flow.final_verdict = Final::bypassed;
  flow.release = why;
  Inspector::close(flow);
}

Release Pipeline::released(const Flow& flow) {
  if (!flow.session.settled()) return Release::none;
  const bool undecided = flow.final_verdict == Final::none;
  return undecided && flow.inspection == nullptr ? Release::no_rule : flow.release;
}

std::size_t Pipeline::apply_edits(const Packet& packet) {
  if (packet.segment == nullptr || !config_.enforcing || !packet.ruling.edits.any())
    return packet.frame->bytes.size();
  return reassembly::rewrite(*packet.frame, *packet.segment, packet.ruling.edits);
}

void Pipeline::leave(Packet& packet) {
  std::span<const std::uint8_t> leaving;
  if (packet.verdict.passes()) leaving = packet.frame->bytes.first(apply_edits(packet));
  if (hairpins_.watching(now_) && packet.segment != nullptr && !leaving.empty() && !packet.hairpin) {
    reassembly::Frame left = *packet.frame;
    left.bytes = packet.frame->bytes.first(leaving.size());
    const reassembly::Decoded decoded = reassembly::decode(left, config_.wire);
    if (const auto* segment = std::get_if<reassembly::Segment>(&decoded))
      hairpins_.left(tcp_of(left, *segment), now_);
  }
  port_->finish(*packet.frame, leaving);
  observer_->on_packet(packet);
  settle(packet);
}

}  // namespace lockstep
