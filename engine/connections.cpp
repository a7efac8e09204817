// Pipeline: which flow a segment belongs to, and how flows begin and end.
#include <algorithm>
#include <optional>

#include "engine/held_fragments.hpp"
#include "engine/inspector.hpp"
#include "engine/pipeline.hpp"
#include "reassembly/rulings.hpp"

namespace lockstep {

using reassembly::Ruling;
using reassembly::Seq;
using reassembly::TcpFlag;

namespace {

// The side of a connection met in its middle that looks like the server: the lower port, if it is a system
// port and the other is not (RFC 6335 §6); else the one that did not speak first.
bool sent_by_server(const reassembly::Segment& segment) {
  constexpr std::uint16_t system_ports = 1024;
  if (segment.has(TcpFlag::syn)) return true;  // a SYN-ACK
  return segment.source.port < system_ports && segment.destination.port >= system_ports;
}

// Of a reset of ours, until its receiver says that it stands further on.
constexpr std::uint8_t reset_repeats = 3;

Verdict verdict_of(const Ruling& ruling) {
  const auto reason = joined(ruling.reason);
  if (!ruling.forwards()) return {Action::drop, reason};
  return {ruling.edits.any() ? Action::rewrite : Action::forward, reason};
}

}  // namespace

bool Pipeline::find_flow(Packet& packet) {
  const FlowKey key = make_flow_key(*packet.segment, 0);
  const std::uint64_t hash = flows_.hash(key);
  packet.flow = flows_.find(key, hash);
  if (packet.flow != nullptr) {
    packet.direction = packet.flow->direction(from_low(packet.segment->source, packet.segment->destination));
    flows_.touch(*packet.flow, now_);
    return true;
  }
  if (HalfOpenRecord* record = half_open_.find(key, hash)) {
    judge_half_open(packet, *record, hash);
  } else if (packet.segment->has(TcpFlag::syn) && !packet.segment->has(TcpFlag::ack)) {
    open_half_open(packet, key, hash);
  } else {
    judge_unknown(packet, key, hash);
  }
  return false;
}

void Pipeline::open_half_open(Packet& packet, const FlowKey& key, std::uint64_t hash) {
  packet.half_open = true;
  packet.ruling = reassembly::sanitized_syn(*packet.segment, config_.enforcing);
  packet.verdict = verdict_of(packet.ruling);
  if (!config_.enforcing) packet.verdict = {};
  if (!packet.ruling.forwards()) return;
  // A full table lets the SYN pass without state: the SYN-ACK creates the flow.
  HalfOpenRecord* record = half_open_.find_or_insert(key, hash, now_);
  if (record == nullptr) return;
  record->client_is_low = from_low(packet.segment->source, packet.segment->destination);
  record->handshake.commit(packet.ruling, *packet.segment, true);
  record->packets_to_server = 1;
  record->bytes_to_server = static_cast<std::uint32_t>(packet.bytes);
  packet.record = record;
}

void Pipeline::judge_half_open(Packet& packet, HalfOpenRecord& record, std::uint64_t hash) {
  const reassembly::Segment& segment = *packet.segment;
  const bool from_client = from_low(segment.source, segment.destination) == record.client_is_low;
  packet.half_open = true;
  packet.direction = from_client ? Direction::to_server : Direction::to_client;
  const reassembly::SynOffer* continued = from_client ? record.handshake.continued_by(segment) : nullptr;
  if (continued != nullptr && config_.session.async_oneside) {
    promote(packet, record, hash, reassembly::Session::adopt(bytes_, config_.session, *continued, segment));
    return follow(packet);
  }
  const bool answer = segment.has(TcpFlag::syn) && segment.has(TcpFlag::ack) && !from_client;
  if (const auto* syn = answer && !config_.enforcing ? record.handshake.fast_opened_by(segment) : nullptr) {
    packet.ruling.events.add(reassembly::StreamEvent::ambiguous);  // the server took what was not scanned
    return promote(packet, record, hash, reassembly::Session(bytes_, config_.session, *syn, segment));
  }
  const bool split = segment.has(TcpFlag::syn) && !segment.has(TcpFlag::ack) && !from_client;
  if (split && !config_.enforcing) {
    packet.ruling.events.add(reassembly::StreamEvent::whs_syn_toclient_on_syn_recv);
    const reassembly::SynOffer syn = record.handshake.latest();
    return promote(packet, record, hash, reassembly::Session(bytes_, config_.session, syn, segment));
  }
  if (answer && record.handshake.overflowed() && record.handshake.answered_by(segment) == nullptr) {
    const auto syn = reassembly::SynOffer::answered_by(segment);
    packet.ruling.events.add(reassembly::StreamEvent::ambiguous);  // what came with the SYN was not kept
    return promote(packet, record, hash, reassembly::Session(bytes_, config_.session, syn, segment));
  }
  packet.ruling = record.handshake.judge(segment, from_client, config_.enforcing);
  if (packet.ruling.reason == reassembly::Reason::wrong_side) {
    refuse_side(packet);
    if (packet.hairpin) record.handshake.came_back(segment);
    return;
  }
  if (!config_.enforcing && packet.ruling.reason == reassembly::Reason::syn_limit) {
    // It was not kept away: the server may answer it, or one that it takes the place of.
    packet.ruling = reassembly::Ruling{};
    packet.ruling.events.add(reassembly::StreamEvent::whs_syn_flood);
    packet.ruling.events.add(reassembly::StreamEvent::ambiguous);
  }
  packet.verdict = verdict_of(packet.ruling);
  if (!config_.enforcing) packet.verdict = {};
  if (!packet.ruling.forwards()) return;
  std::uint8_t& packets = from_client ? record.packets_to_server : record.packets_to_client;
  packets = static_cast<std::uint8_t>(std::min(packets + 1, 255));
  (from_client ? record.bytes_to_server : record.bytes_to_client) += static_cast<std::uint32_t>(packet.bytes);
  if (answer) {
    const reassembly::SynOffer syn = *record.handshake.answered_by(segment);
    promote(packet, record, hash, reassembly::Session(bytes_, config_.session, syn, segment));
    return packet.flow->sides.fix(Direction::to_server, syn.side);
  }
  if (segment.has(TcpFlag::rst)) {
    // A client in SYN-SENT only answers what it does not take by a RST, and goes on (RFC 9293 §3.10.7.3).
    if (!from_client) half_open_.remove(record);
    return;
  }
  record.handshake.commit(packet.ruling, segment, from_client);
  packet.record = &record;
  if (segment.has(TcpFlag::syn)) static_cast<void>(half_open_.find_or_insert(record.key, hash, now_));
}

// What was half open is a flow.
void Pipeline::promote(Packet& packet, HalfOpenRecord& record, std::uint64_t hash,
                       reassembly::Session&& session) {
  constexpr std::size_t to_server = reassembly::index(Direction::to_server);
  const FlowKey key = record.key;
  const bool client_is_low = record.client_is_low;
  const std::uint32_t packets_before = record.packets_to_server;
  const std::uint32_t bytes_before = record.bytes_to_server;
  const Timestamp start = record.first_seen();
  const Final final_verdict = record.final_verdict;
  packet.half_open = false;
  create_flow(packet, key, hash, std::move(session), client_is_low);
  packet.flow->packets[to_server] += packets_before;
  packet.flow->bytes[to_server] += bytes_before;
  packet.flow->start = start;
  packet.flow->final_verdict = final_verdict;
  if (final_verdict != Final::none) packet.flow->release = Release::rule;
  packet.flow->flags_seen[to_server] |= TcpFlag::syn;
  if (packet.flow->inspection) packet.flow->inspection->state = std::move(record.state);
  if (inspector_ != nullptr) inspector_->resume(*packet.flow, record);
  half_open_.remove(record);
}

void Pipeline::judge_unknown(Packet& packet, const FlowKey& key, std::uint64_t hash) {
  const reassembly::Segment& segment = *packet.segment;
  const bool server = sent_by_server(segment);
  packet.direction = server ? Direction::to_client : Direction::to_server;
  if (const auto ruling = reassembly::without_numbers(segment)) {
    packet.ruling = *ruling;
  } else if (segment.has(TcpFlag::syn) && half_open_.complete(now_) &&
             now_ - start_ >= config_.timeouts.fresh) {
    // Every SYN that it could answer is known (EVASIONS H07).
    packet.ruling = reassembly::drop(reassembly::Reason::synack_without_syn,
                                     reassembly::StreamEvent::whs_synack_in_wrong_direction);
  } else if (!segment.has(TcpFlag::syn) && !adopts()) {
    // Whatever was open when we started has spoken by now, or was given up here.
    packet.ruling = reassembly::drop(reassembly::Reason::unknown_connection);
    if (config_.enforcing) reset_unknown(packet);
  } else {
    const bool client_is_low = from_low(segment.source, segment.destination) != server;
    create_flow(packet, key, hash,
                reassembly::Session::adopt(bytes_, config_.session, segment, packet.direction),
                client_is_low);
    if (config_.midstream != MidstreamPolicy::adopt && refuse_midstream(packet)) return;
    if (!segment.has(TcpFlag::syn)) return follow(packet);
    packet.ruling = reassembly::sanitized_syn(segment, config_.enforcing);
  }
  packet.verdict = verdict_of(packet.ruling);
  if (!config_.enforcing) packet.verdict = {};
}

// True: the packet goes no further. Observing, nothing is dropped: the connection is ignored.
bool Pipeline::refuse_midstream(Packet& packet) {
  Flow& flow = *packet.flow;
  const bool drops =
      config_.midstream == MidstreamPolicy::drop_flow || config_.midstream == MidstreamPolicy::reject;
  flow.midstream = drops && !config_.enforcing ? MidstreamPolicy::ignore : config_.midstream;
  switch (flow.midstream) {
    case MidstreamPolicy::adopt:
      break;
    case MidstreamPolicy::ignore:
      Inspector::judge_packets_alone(flow);
      break;
    case MidstreamPolicy::pass_flow:
      finish_flow(packet, Final::passed);
      break;
    case MidstreamPolicy::bypass:
      finish_flow(packet, Final::bypassed);
      break;
    case MidstreamPolicy::drop_flow:
      packet.verdict = {Action::drop_flow, Reason::midstream};
      finish_flow(packet, Final::dropped);
      return true;
    case MidstreamPolicy::reject:
      packet.verdict = {Action::reject, Reason::midstream};
      finish_flow(packet, Final::dropped);
      reset(packet, packet.direction);
      reset(packet, reverse(packet.direction));
      return true;
  }
  return false;
}

void Pipeline::create_flow(Packet& packet, const FlowKey& key, std::uint64_t hash,
                           reassembly::Session&& session, bool client_is_low) {
  // One that never was established holds nothing unscanned, and nobody knows where its ends stand.
  packet.flow = &flows_.insert_unestablished(
      key, hash, now_, [this](Flow& idle) { end_flow(idle, FlowEnd::forced, false); }, std::move(session),
      client_is_low);
  packet.new_flow = true;
  const reassembly::Framing framing = reassembly::framing_of(*packet.frame, *packet.segment);
  packet.flow->framing =
      framings_.intern(packet.direction == Direction::to_server ? framing : framing.reversed());
  packet.flow->sides.fix(packet.direction, packet.segment->side);
  packet.flow->number = ++flow_count_;
  if (inspector_ != nullptr) inspector_->open(*packet.flow);
  flows_.schedule(*packet.flow, now_ + config_.timeouts.fresh);
  count(packet);
  let_pass(packet);
}

void Pipeline::reincarnate(Packet& packet) {
  Flow& old = *packet.flow;
  const FlowKey key = old.key;
  const std::uint64_t hash = flows_.hash(key);
  const reassembly::SynOffer syn = old.session.reuse(*packet.segment);
  const bool server_is_low = from_low(packet.segment->source, packet.segment->destination);
  end_flow(old, FlowEnd::tcp_reuse, false);
  flows_.erase(old);
  packet.direction = Direction::to_client;
  create_flow(packet, key, hash, reassembly::Session(bytes_, config_.session, syn, *packet.segment),
              !server_is_low);
  packet.flow->sides.fix(Direction::to_server, syn.side);
}

void Pipeline::count(Packet& packet) {
  const std::size_t side = reassembly::index(packet.direction);
  packet.flow->packets[side] += 1U;
  packet.flow->bytes[side] += packet.bytes;
  packet.flow->flags_seen[side] |= packet.segment->flags.bits;
}

void Pipeline::follow_final(Packet& packet) {
  Flow& flow = *packet.flow;
  switch (flow.final_verdict) {
    case Final::none:
    case Final::passed:
    case Final::bypassed:
      packet.verdict = {Action::bypass, Reason::none};
      return;
    case Final::diverged:
      packet.verdict = {Action::drop, Reason::diverged};
      return;
    case Final::dropped:
      break;
  }
  const bool expelled = flow.final_reason == Reason::flow_expired ||
                        flow.final_reason == Reason::source_over_share ||
                        flow.final_reason == Reason::forwarded_past || flow.final_reason == Reason::blocked;
  packet.verdict = {Action::drop, expelled ? flow.final_reason : Reason::flow_dropped};
  packet.dropped_by = flow.dropped_by;
  repeat_reset(packet);
}

// A connection was dropped and its hosts reset, by numbers that they may have left behind, in packets that
// may be lost.
void Pipeline::repeat_reset(Packet& packet) {
  const reassembly::Segment& segment = *packet.segment;
  if (!segment.has(TcpFlag::ack) || segment.has(TcpFlag::rst)) return;
  Flow& flow = *packet.flow;
  // The sender lives: it is reset where it says that it stands.
  const Direction back = reverse(packet.direction);
  std::uint8_t& repeats = flow.resets_left[reassembly::index(back)];
  const auto standing = flow.session.take_standing(segment, packet.direction);
  if (repeats > 0 && standing == reassembly::Standing::further) repeats = 1 + reset_repeats;
  if (repeats > 1 && (standing == reassembly::Standing::further || standing == reassembly::Standing::same)) {
    --repeats;
    send_reset(packet, back, segment.ack);
  }
  // It repeats what it sent before: its peer has acknowledged nothing, and may not have got the RST.
  const reassembly::HostMirror& peer = flow.session.receiver(packet.direction);
  std::uint8_t& left = flow.resets_left[reassembly::index(packet.direction)];
  const bool repeat = !segment.payload.empty() && peer.to_offset(segment.seq) <= peer.bytes.in_order();
  if (left <= 1 || !repeat) return;
  --left;
  send_reset(packet, packet.direction, flow.session.reset_number(packet.direction));
}

void Pipeline::ask_sender(const Packet& packet) {
  std::array<std::uint8_t, reassembly::max_bare_frame> out;
  const reassembly::Edits& edits = packet.ruling.edits;
  const std::size_t length = reassembly::build_ack(
      out, *packet.frame, *packet.segment, reassembly::Toward::sender, edits.bare_seq, edits.bare_ack, 0);
  send_own(packet, reverse(packet.direction), {TcpFlag::ack}, {out.data(), length});
}

// Ports 2n and 2n+1 are the sides of a pair.
void Pipeline::send_bare(const reassembly::Frame& frame, std::span<const std::uint8_t> bytes,
                         bool towards_sender) {
  const auto port = static_cast<std::uint16_t>(towards_sender ? frame.port : frame.port ^ 1U);
  port_->send({bytes, frame.link, frame.time, port});
}

void Pipeline::send_own(const Packet& packet, Direction towards, reassembly::TcpFlags flags,
                        std::span<const std::uint8_t> bytes) {
  send_bare(*packet.frame, bytes, towards != packet.direction);
  observer_->on_made(towards, flags, bytes.size());
}

// RFC 9293 §3.10.7.1: what was refused without a connection is answered by its own numbers.
void Pipeline::reset_unknown(const Packet& packet) {
  const reassembly::Segment& segment = *packet.segment;
  if (segment.has(TcpFlag::rst)) return;
  std::array<std::uint8_t, reassembly::max_bare_frame> out;
  const bool acknowledges = segment.has(TcpFlag::ack);
  const std::size_t length = reassembly::build_reset(
      out, *packet.frame, segment, reassembly::Toward::sender, acknowledges ? segment.ack : Seq(0),
      acknowledges ? std::nullopt : std::optional(segment.seq.plus(segment.sequence_length())));
  send_bare(*packet.frame, {out.data(), length}, true);
  observer_->on_made(reverse(packet.direction), {TcpFlag::rst}, length);
}

void Pipeline::reset(Packet& packet, Direction towards) {
  if (packet.flow == nullptr) {
    if (towards != packet.direction) reset_unknown(packet);
    return;
  }
  packet.flow->resets_left[reassembly::index(towards)] = 1 + reset_repeats;
  send_reset(packet, towards, packet.flow->session.reset_number(towards));
}

void Pipeline::send_reset(const Packet& packet, Direction towards, Seq number) {
  const bool forward = towards == packet.direction;
  std::array<std::uint8_t, reassembly::max_bare_frame> out;
  const std::size_t length =
      reassembly::build_reset(out, *packet.frame, *packet.segment,
                              forward ? reassembly::Toward::receiver : reassembly::Toward::sender, number,
                              packet.flow->session.ack_number(towards));
  send_own(packet, towards, {TcpFlag::rst}, {out.data(), length});
}

void Pipeline::reset_idle(Flow& flow, Direction towards) {
  if (flow.framing == FramingTable::none) return;
  const reassembly::Framing& to_server = framings_.at(flow.framing);
  const bool server = towards == Direction::to_server;
  reassembly::BareSegment bare;
  bare.source = server ? flow.client() : flow.server();
  bare.destination = server ? flow.server() : flow.client();
  bare.seq = flow.session.reset_number(towards);
  bare.ack = flow.session.ack_number(towards);
  bare.flags = {TcpFlag::rst | TcpFlag::ack};
  std::array<std::uint8_t, reassembly::max_bare_frame> out;
  const std::size_t length = reassembly::build(out, server ? to_server : to_server.reversed(), bare);
  flow.resets_left[reassembly::index(towards)] = 1 + reset_repeats;
  // It leaves on the side on which its receiver is.
  const auto side = static_cast<std::uint16_t>(flow.sides.of(reverse(towards)) == reassembly::Side::inside);
  port_->send({{out.data(), length}, to_server.link, now_, static_cast<std::uint16_t>(pair_ | side)});
  observer_->on_made(towards, {TcpFlag::rst}, length);
}

void Pipeline::end_flow(Flow& flow, FlowEnd end, bool reset) {
  const bool numbers_known = !flow.in_kernel && !flow.stale;
  if (reset && config_.enforcing && numbers_known && !flow.session.closed() &&
      flow.final_verdict != Final::dropped) {
    reset_idle(flow, Direction::to_server);
    reset_idle(flow, Direction::to_client);
  }
  renew(flow);
  if (inspects(flow)) end_streams(flow);
  observer_->on_flow_end(flow, end, now_);
}

void Pipeline::end_streams(Flow& flow) {
  for (const Direction direction : {Direction::to_server, Direction::to_client}) {
    const LateMatches late = inspector_->end(flow, direction, now_);
    if (late.matches.empty()) continue;
    flow.alerted = flow.alerted || late.decision->alerted();
    observer_->on_late_matches(late);
  }
}

void Pipeline::advance(Timestamp now) {
  if (now <= now_) return;
  now_ = now;
  constexpr std::size_t budget =
      64;  // of each table and packet: bounded work, and no backlog at any packet rate
  fragments_.expire(now, *held_);
  half_open_.expire(now, budget, [this](const HalfOpenRecord& record) {
    observer_->on_half_open_end(record, FlowEnd::timeout, now_);
  });
  flows_.expire(
      now, budget, [this](Flow& flow) { return timeout_of(flow); },
      [this](Flow& flow) { end_flow(flow, FlowEnd::timeout, true); });
}

void Pipeline::renew(Flow& flow) {
  if (inspector_ == nullptr || flow.rules_epoch == inspector_->epoch()) return;
  if (flow.in_kernel) come_back(flow);  // what the kernel was told is void under other rules
  inspector_->renew(flow, now_);
}

tl::expected<void, std::string> Pipeline::adopt(std::shared_ptr<const RuleGeneration> rules,
                                                std::optional<signatures::Scratch> ready) {
  if (auto taken = inspector_->adopt(std::move(rules), std::move(ready)); !taken) return taken;
  sweeping_ = true;
  swept_to_ = 0;
  observer_->on_reload(inspector_->generation(), now_);
  return {};
}

bool Pipeline::sweep(std::size_t flows) {
  if (!sweeping_) return false;
  swept_to_ = flows_.walk(swept_to_, flows, [this](Flow& flow) { renew(flow); });
  sweeping_ = swept_to_ != 0;
  return sweeping_;
}

void Pipeline::finish() {
  fragments_.expire(Timestamp::max(), *held_);
  half_open_.expire(Timestamp::max(), half_open_.size(), [this](const HalfOpenRecord& record) {
    observer_->on_half_open_end(record, FlowEnd::shutdown, now_);
  });
  flows_.clear([this](Flow& flow) { end_flow(flow, FlowEnd::shutdown, false); });
}

}  // namespace lockstep
