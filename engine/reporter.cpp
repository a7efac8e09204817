#include "engine/reporter.hpp"

#include <fmt/format.h>

#include "engine/event_ends.hpp"
#include "engine/pipeline.hpp"

namespace lockstep {
namespace {

FlowAmounts amounts(const Flow& flow) {
  return {{flow.packets[0], flow.bytes[0]}, {flow.packets[1], flow.bytes[1]}};
}

AppProtoFields app_proto(const Flow& flow) {
  if (!flow.inspection) return {};
  const signatures::ProtocolDetector& protocols = flow.inspection->protocols;
  return {protocols.flow(), protocols.of(signatures::Direction::to_server),
          protocols.of(signatures::Direction::to_client)};
}

reassembly::TcpState state_of(const Flow& flow) {
  if (flow.session.closed()) return reassembly::TcpState::closed;
  return flow.session.state_of_sender(Direction::to_server);
}

// Of a packet without a flow: what is known of its half-open connection, or the packet alone.
FlowFields flow_of_its_own(const Packet& packet) {
  const reassembly::Segment& segment = *packet.segment;
  FlowFields fields{{}, packet.frame->time, segment.source, segment.destination};
  if (packet.direction == Direction::to_client) std::swap(fields.client, fields.server);
  if (packet.record != nullptr) {
    const HalfOpenRecord& record = *packet.record;
    fields.start = record.first_seen();
    fields.amounts = {{record.packets_to_server, record.bytes_to_server},
                      {record.packets_to_client, record.bytes_to_client}};
  } else {
    (packet.direction == Direction::to_server ? fields.amounts.to_server : fields.amounts.to_client) = {
        1, packet.bytes};
  }
  return fields;
}

// Events that honest networks cause all the time are for rules, not for the log.
bool worth_a_line(reassembly::StreamEvent event) {
  return event != reassembly::StreamEvent::pkt_retransmission &&
         event != reassembly::StreamEvent::pkt_spurious_retransmission;
}

}  // namespace

std::uint64_t event_id(const Flow& flow) {
  return flow_id(flow.start, static_cast<std::uint32_t>(flow.key.hash(replay_hash_seed)));
}

Reporter::Reporter(const Settings& settings, EventLog& log, Observer* next)
    : settings_(settings), log_(&log), next_(next) {
  if (settings.rules == nullptr) return;
  rules_ = settings.rules->counts;
  generation_ = settings.rules->number();
}

void Reporter::arrived(const reassembly::Frame& frame) {
  counters_.arrived(frame.wire_length);
  tick(frame.time);
}

void Reporter::tick(Timestamp now) {
  if (start_ == Timestamp{}) {
    start_ = now;
    next_stats_ = start_ + settings_.stats_interval;
  }
  if (now < next_stats_) return;
  log_stats(now);
  next_stats_ = now + settings_.stats_interval;
}

void Reporter::finish(Timestamp now) {
  log_stats(now);
}

void Reporter::log_stats(Timestamp now) {
  if (!log_->wants(EventType::stats)) return;
  StatsEvent event;
  event.time = now;
  event.uptime =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now - start_).count());
  event.counters = &counters_;
  event.rules = rules_;
  event.generation = generation_;
  event.last_reload = last_reload_;
  if (pipeline_ != nullptr) event.gauges = pipeline_->gauges();
  log_->write(event);
}

void Reporter::on_arrival(const Packet& packet) {
  if (next_ != nullptr) next_->on_arrival(packet);
}

void Reporter::on_chunk(const Flow& flow, Direction direction, reassembly::StreamOffset offset,
                        std::span<const std::uint8_t> bytes) {
  if (next_ != nullptr) next_->on_chunk(flow, direction, offset, bytes);
}

void Reporter::on_gap(const Flow& flow, Direction direction, reassembly::StreamOffset from,
                      reassembly::StreamOffset to) {
  ++counters_.tcp.gaps;
  counters_.tcp.gap_bytes += static_cast<std::uint64_t>(to - from);
  if (next_ != nullptr) next_->on_gap(flow, direction, from, to);
}

void Reporter::on_made(Direction towards, reassembly::TcpFlags flags, std::size_t bytes) {
  counters_.made(bytes);
  if (next_ != nullptr) next_->on_made(towards, flags, bytes);
}

void Reporter::on_packet(const Packet& packet) {
  if (next_ != nullptr) next_->on_packet(packet);
  count(packet);
  log_alerts(packet);
  if (packet.ruling.events.any()) log_anomalies(packet);
}

void Reporter::count(const Packet& packet) {
  if (packet.kind == Packet::Kind::segment) count_segment(packet);
  if (packet.datagram) return;  // its fragments are counted one by one
  Outcome outcome;
  switch (packet.kind) {
    case Packet::Kind::segment:
      outcome.kind = PacketKind::tcp;
      outcome.ip_version = packet.segment->ip.version;
      outcome.vlan_tags = packet.segment->vlan.count;
      break;
    case Packet::Kind::fragment:
      outcome.kind = PacketKind::fragment;
      break;
    case Packet::Kind::passed:
      outcome.kind = packet_kind(packet.passed);
      break;
    case Packet::Kind::malformed:
      outcome.kind = PacketKind::malformed;
      break;
  }
  outcome.verdict = packet.verdict;
  outcome.bytes = packet.bytes;
  counters_.decided(outcome);
}

void Reporter::count_segment(const Packet& packet) {
  using reassembly::StreamEvent;
  using reassembly::TcpFlag;
  const reassembly::Segment& segment = *packet.segment;
  if (segment.has(TcpFlag::syn)) ++(segment.has(TcpFlag::ack) ? counters_.tcp.syn_ack : counters_.tcp.syn);
  if (segment.has(TcpFlag::rst)) ++counters_.tcp.rst;
  if (packet.hairpin) ++counters_.tcp.hairpins;
  if (packet.ruling.events.has(StreamEvent::pkt_retransmission)) ++counters_.tcp.overlaps;
  if (packet.ruling.events.has(StreamEvent::reassembly_overlap_different_data))
    ++counters_.tcp.overlap_conflicts;
  const bool completes = packet.ruling.transition == reassembly::Transition::complete_handshake;
  if (completes && packet.verdict.passes()) ++counters_.tcp.sessions;
  if (!packet.new_flow) return;
  ++counters_.flow.total;
  ++counters_.flow.active;
  if (packet.flow->session.adopted()) ++counters_.tcp.adopted;
  ++counters_.tcp.midstream[static_cast<std::size_t>(packet.flow->midstream)];
}

EventHeader Reporter::header(const Packet& packet) const {
  EventHeader header;
  header.time = packet.frame->time;
  header.packet_number = packet.frame->number;
  header.interface = interface_of(packet.frame->port);
  header.addressed = packet.segment != nullptr;
  if (packet.flow != nullptr) header.flow_id = event_id(*packet.flow);
  if (packet.segment != nullptr) {
    header.vlan = packet.segment->vlan;
    header.source = packet.segment->source;
    header.destination = packet.segment->destination;
  }
  if (packet.datagram) header.packet_source = PacketSource::defragmented;
  return header;
}

EventHeader Reporter::header(const Flow& flow, Timestamp time) const {
  EventHeader header;
  header.interface = interface_of(flow.sides.of(Direction::to_server) == reassembly::Side::inside ? 1 : 0);
  header.time = time;
  header.flow_id = event_id(flow);
  header.source = flow.client();
  header.destination = flow.server();
  for (const std::uint16_t id : flow.key.vlan) {
    if (id != 0) header.vlan.ids[header.vlan.count++] = id;
  }
  header.packet_source.reset();
  return header;
}

OwnFields Reporter::own(const Packet& packet) const {
  OwnFields own;
  if (packet.rules != nullptr) own.generation = packet.rules->number();
  if (packet.flow == nullptr) return own;
  own.state = name(state_of(*packet.flow));
  own.adopted = packet.flow->session.adopted();
  if (packet.dropped_by != 0) own.rule = packet.dropped_by;
  if (packet.segment != nullptr && !packet.verdict.passes()) own.got = packet.segment->seq.value();
  return own;
}

AlertEvent Reporter::alert_event(const Packet& packet, const LoggedAlert& alert) {
  const signatures::Match& match = packet.matches[alert.match];
  AlertEvent event;
  event.header = header(packet);
  event.own = own(packet);
  event.own.offset = OwnFields::Interval{match.from, match.to};
  event.own.early = match.early;
  event.own.shadow = alert.shadow;
  event.rule = &packet.rules->set->rule(match.rule);
  event.action = alert.action;
  event.blocked = alert.blocked;
  // An ACK that shows a gap makes what the other side had sent readable: the alert is about those bytes.
  const Direction way =
      match.direction == signatures::Direction::to_server ? Direction::to_server : Direction::to_client;
  event.direction = way;
  if (way != packet.direction) std::swap(event.header.source, event.header.destination);
  if (packet.flow != nullptr) {
    event.flow =
        FlowFields{amounts(*packet.flow), packet.flow->start, packet.flow->client(), packet.flow->server()};
    event.app_proto = app_proto(*packet.flow);
  } else {
    event.flow = flow_of_its_own(packet);
  }
  event.payload = packet.segment->payload;
  event.stream = match.on == signatures::MatchOn::stream;
  if (event.stream && settings_.payload) {
    const reassembly::Ruling& ruling = packet.ruling;
    std::span<const std::uint8_t> own;
    if (way == packet.direction)
      own = packet.segment->payload.subspan(ruling.edits.trim_front, ruling.length);
    event.payload = stream_payload(*packet.flow, way, ruling.offset, own);
  }
  event.packet = packet.frame->bytes;
  event.link = packet.frame->link;
  event.verdict = packet.verdict;
  return event;
}

// The stream's last bytes in order; `own` are the packet's, which are not kept if it was dropped.
std::span<const std::uint8_t> Reporter::stream_payload(const Flow& flow, Direction direction,
                                                       reassembly::StreamOffset own_offset,
                                                       std::span<const std::uint8_t> own) {
  constexpr reassembly::StreamOffset limit = 4096;  // Suricata's payload-buffer-size
  const auto& bytes = flow.session.receiver(direction).bytes;
  const auto own_end = own_offset + static_cast<reassembly::StreamOffset>(own.size());
  const auto in_order = bytes.in_order();
  const bool own_follows = own_offset <= in_order && own_end > in_order;
  const auto end = own_follows ? own_end : in_order;
  const auto from = std::min(std::max(bytes.kept_from(), end - limit), in_order);
  payload_.clear();
  const Inspection::Gap gap = flow.inspection->gaps[reassembly::index(direction)];
  if (gap.to > gap.from && gap.to == from) {
    const std::string missing = fmt::format("[{} bytes missing]", gap.to - gap.from);
    payload_.assign(missing.begin(), missing.end());
  }
  bytes.read(from, in_order, [&](std::span<const std::uint8_t> run) {
    payload_.insert(payload_.end(), run.begin(), run.end());
  });
  if (own_follows) payload_.insert(payload_.end(), own.begin() + (in_order - own_offset), own.end());
  return payload_;
}

void Reporter::on_reload(const RuleGeneration& rules, Timestamp now) {
  if (next_ != nullptr) next_->on_reload(rules, now);
  rules_ = rules.counts;
  generation_ = rules.number();
  last_reload_ = now;
  settings_.payload = rules.log->payload;
  log_->select(*rules.log);
}

void Reporter::on_late_matches(const LateMatches& late) {
  if (next_ != nullptr) next_->on_late_matches(late);
  counters_.detect.suppressed += late.decision->suppressed;
  const Flow& flow = *late.flow;
  const bool to_server = late.direction == Direction::to_server;
  for (const LoggedAlert& alert : late.decision->alerts) {
    const signatures::Match& match = late.matches[alert.match];
    AlertEvent event;
    event.header = header(flow, late.time);
    if (!to_server) std::swap(event.header.source, event.header.destination);
    event.header.packet_source = PacketSource::stream_timeout;
    event.own.generation = late.rules->number();
    event.own.state = name(state_of(flow));
    event.own.adopted = flow.session.adopted();
    event.own.offset = OwnFields::Interval{match.from, match.to};
    event.own.shadow = alert.shadow;
    event.rule = &late.rules->set->rule(match.rule);
    event.action = alert.action;
    event.direction = late.direction;
    event.flow = FlowFields{amounts(flow), flow.start, flow.client(), flow.server()};
    event.app_proto = app_proto(flow);
    event.stream = true;
    if (settings_.payload) event.payload = stream_payload(flow, late.direction, 0, {});
    count_alert(event);
    log_->write(event);
  }
}

void Reporter::count_alert(const AlertEvent& event) {
  if (event.own.shadow) {
    ++counters_.detect.shadow_alerts;
  } else {
    counters_.matched(event.rule->id);
  }
}

void Reporter::log_alerts(const Packet& packet) {
  const Decision* decision = packet.decision;
  const bool dropped = !packet.verdict.passes();
  if (decision == nullptr) {
    if (dropped) log_drop(packet, nullptr);
    return;
  }
  counters_.detect.suppressed += decision->suppressed;
  std::optional<AlertEvent> cause;
  for (const LoggedAlert& alert : decision->alerts) {
    const AlertEvent event = alert_event(packet, alert);
    count_alert(event);
    log_->write(event);
    if (alert.blocked && !cause) cause = event;
  }
  if (dropped) log_drop(packet, cause ? &*cause : nullptr);
  const bool lone = packet.kind == Packet::Kind::segment && packet.flow == nullptr && !packet.half_open;
  if (lone && !decision->alerts.empty()) log_lone_flow(packet);
}

// An alert on a segment of no connection: its flow is that packet, and is told with it.
void Reporter::log_lone_flow(const Packet& packet) {
  if (!log_->wants(EventType::flow)) return;
  const FlowFields fields = flow_of_its_own(packet);
  FlowEvent event;
  event.header = header(packet);
  event.header.packet_number = 0;
  event.header.source = fields.client;
  event.header.destination = fields.server;
  event.header.packet_source.reset();
  event.amounts = fields.amounts;
  event.start = event.end = fields.start;
  event.state = FlowState::fresh;
  event.end_reason = name(FlowEnd::forced);
  event.alerted = true;
  if (!packet.verdict.passes()) event.action = FlowAction::drop;
  (packet.direction == Direction::to_server ? event.to_server : event.to_client).flags =
      packet.segment->flags.bits;
  log_->write(event);
}

void Reporter::log_drop(const Packet& packet, const AlertEvent* alert) {
  if (!settings_.enforcing || !log_->wants(EventType::drop)) return;
  // A fragment's own event would repeat its datagram's, unless it was dropped as a fragment.
  if (packet.kind == Packet::Kind::fragment && suricata(packet.verdict.reason).substr(0, 6) != "defrag")
    return;
  DropEvent event;
  event.header = header(packet);
  event.own = own(packet);
  event.segment = packet.segment;
  if (packet.segment != nullptr) event.direction = packet.direction;
  event.verdict = packet.verdict;
  event.alert = alert;
  if (packet.flow != nullptr && packet.flow->final_verdict != Final::none) {
    event.repeated = packet.flow->drop_told.has(packet.direction);
    packet.flow->drop_told.add(packet.direction);
  }
  log_->write(event);
}

void Reporter::on_kernel_drop(const reassembly::Frame& frame, Reason reason) {
  if (!log_->wants(EventType::drop)) return;
  DropEvent event;
  event.header.time = frame.time;
  event.header.interface = interface_of(frame.port);
  event.header.addressed = read_ends(frame, event.header);
  event.own.kernel = true;
  event.verdict = {Action::drop, reason};
  const auto decoded = reassembly::decode(frame, {.verify_checksums = false});
  event.segment = std::get_if<reassembly::Segment>(&decoded);
  const auto* malformed = std::get_if<reassembly::Malformed>(&decoded);
  if (malformed != nullptr && malformed->segment) event.segment = &*malformed->segment;
  log_->write(event);
}

void Reporter::log_anomalies(const Packet& packet) {
  if (!log_->wants(EventType::anomaly)) return;
  std::uint64_t fresh = packet.ruling.events.bits;
  if (packet.flow != nullptr) {
    fresh &= ~packet.flow->events_told;  // once a flow: a flood of one event says no more
    packet.flow->events_told |= fresh;
  }
  for (unsigned bit = 0; fresh != 0; ++bit, fresh >>= 1U) {
    const auto event = static_cast<reassembly::StreamEvent>(bit);
    if ((fresh & 1U) == 0 || !worth_a_line(event)) continue;
    const std::string text = fmt::format("stream.{}", name(event));
    AnomalyEvent anomaly;
    anomaly.header = header(packet);
    anomaly.own = own(packet);
    anomaly.own.reason = packet.verdict.reason;
    anomaly.event = text;
    log_->write(anomaly);
  }
}

void Reporter::on_flow_end(const Flow& flow, FlowEnd end, Timestamp now) {
  if (next_ != nullptr) next_->on_flow_end(flow, end, now);
  --counters_.flow.active;
  if (end == FlowEnd::timeout) ++counters_.flow.timed_out;
  if (end == FlowEnd::forced) ++counters_.flow.given_up;
  if (end == FlowEnd::tcp_reuse) ++counters_.flow.reused;
  if (flow.final_verdict == Final::dropped) ++counters_.flow.dropped;
  if (flow.final_verdict == Final::bypassed) ++counters_.flow.bypassed;
  if (flow.release == Release::rule) ++counters_.flow.bypass_rule;
  if (flow.release == Release::no_rule) ++counters_.flow.bypass_no_rule;
  if (flow.release == Release::encrypted) ++counters_.flow.bypass_encrypted;
  if (flow.final_verdict == Final::diverged) ++counters_.flow.diverged;
  if (flow.has_gap()) ++counters_.flow.with_capture_gap;
  if (!log_->wants(EventType::flow)) return;
  FlowEvent event;
  event.header = header(flow, now);
  event.app_proto = app_proto(flow);
  event.own.adopted = flow.session.adopted();
  if (flow.inspection) event.own.generation = flow.inspection->rules->number();
  event.own.rule = flow.dropped_by;
  event.own.reason = flow.final_reason;
  event.amounts = amounts(flow);
  event.start = flow.start;
  event.end = flow.last_seen();
  // Suricata's is the state of the server.
  event.tcp_state = flow.session.closed() ? reassembly::TcpState::closed
                                          : flow.session.state_of_sender(Direction::to_client);
  event.state = event.tcp_state == reassembly::TcpState::closed || flow.session.closed() ? FlowState::closed
                : flow.final_verdict == Final::bypassed                                  ? FlowState::bypassed
                : flow.session.established() ? FlowState::established
                                             : FlowState::fresh;
  event.end_reason = name(end);
  event.alerted = flow.alerted;
  event.action = flow.final_verdict == Final::dropped  ? FlowAction::drop
                 : flow.final_verdict == Final::passed ? FlowAction::pass
                                                       : FlowAction::none;
  if (flow.midstream != MidstreamPolicy::adopt) event.midstream_policy = name(flow.midstream);
  event.diverged = flow.final_verdict == Final::diverged;
  event.capture_gap = flow.has_gap();
  event.to_server = {flow.flags_seen[0], flow.gap.has(Direction::to_server), flow.most_regions[0]};
  event.to_client = {flow.flags_seen[1], flow.gap.has(Direction::to_client), flow.most_regions[1]};
  log_->write(event);
}

void Reporter::on_half_open_end(const HalfOpenRecord& record, FlowEnd end, Timestamp now) {
  if (next_ != nullptr) next_->on_half_open_end(record, end, now);
  ++counters_.flow.total;
  if (!log_->wants(EventType::flow)) return;
  FlowEvent event;
  event.header.interface = interface_of(record.handshake.latest().side == reassembly::Side::inside ? 1 : 0);
  event.header.time = now;
  event.header.flow_id =
      flow_id(record.first_seen(), static_cast<std::uint32_t>(record.key.hash(replay_hash_seed)));
  event.header.source = record.client_is_low ? record.key.low() : record.key.high();
  event.header.destination = record.client_is_low ? record.key.high() : record.key.low();
  event.header.packet_source.reset();
  event.amounts = {{record.packets_to_server, record.bytes_to_server},
                   {record.packets_to_client, record.bytes_to_client}};
  event.start = record.first_seen();
  event.end = record.last_seen();
  event.state = FlowState::fresh;
  event.end_reason = name(end);
  event.to_server.flags = reassembly::TcpFlag::syn;
  event.tcp_state = reassembly::TcpState::syn_sent;
  log_->write(event);
}

}  // namespace lockstep
