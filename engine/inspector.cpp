#include "engine/inspector.hpp"

#include <algorithm>
#include <utility>

#include "engine/inspection.hpp"
#include "engine/scan_terms.hpp"

namespace lockstep {

using reassembly::StreamOffset;

namespace {

// The bytes before a chunk: those in the assembler, and the packet's own that are not there yet.
class History final : public signatures::StreamHistory {
 public:
  History(const Flow& flow, const Inspector::Chunk& chunk)
      : flow_(&flow), bytes_(&flow.session.receiver(chunk.direction).bytes), chunk_(&chunk) {}

  [[nodiscard]] std::uint64_t begin() const override { return scan_offset(*flow_, bytes_->kept_from()); }

  void copy(std::uint64_t from, std::span<std::uint8_t> to) const override {
    StreamOffset at = static_cast<StreamOffset>(from) - scan_origin(*flow_);
    const StreamOffset own_end = chunk_->own_offset + static_cast<StreamOffset>(chunk_->own.size());
    while (!to.empty()) {
      const bool own = at >= std::max(chunk_->own_offset, bytes_->in_order()) && at < own_end;
      const StreamOffset end = own                       ? own_end
                               : at < bytes_->in_order() ? bytes_->in_order()
                                                         : at + static_cast<StreamOffset>(to.size());
      const auto length = std::min(to.size(), static_cast<std::size_t>(end - at));
      if (own) {
        std::copy_n(chunk_->own.begin() + (at - chunk_->own_offset), length, to.begin());
      } else {
        bytes_->copy(at, to.first(length));
      }
      to = to.subspan(length);
      at += static_cast<StreamOffset>(length);
    }
  }

 private:
  const Flow* flow_;
  const reassembly::Assembler* bytes_;
  const Inspector::Chunk* chunk_;
};

// The same as another reading has them.
class PatchedHistory final : public signatures::StreamHistory {
 public:
  PatchedHistory(const Flow& flow, const signatures::StreamHistory& kept, const OtherReading& reading)
      : flow_(&flow), kept_(&kept), reading_(&reading) {}

  [[nodiscard]] std::uint64_t begin() const override { return kept_->begin(); }

  void copy(std::uint64_t from, std::span<std::uint8_t> to) const override {
    kept_->copy(from, to);
    patch(*reading_, static_cast<StreamOffset>(from) - scan_origin(*flow_), to);
  }

 private:
  const Flow* flow_;
  const signatures::StreamHistory* kept_;
  const OtherReading* reading_;
};

}  // namespace

void patch(const OtherReading& reading, StreamOffset from, std::span<std::uint8_t> bytes) {
  const StreamOffset to = from + static_cast<StreamOffset>(bytes.size());
  for (const OtherReading::Patch& patch : reading.patches) {
    const StreamOffset begin = std::max(from, patch.offset);
    const StreamOffset end = std::min(to, patch.offset + static_cast<StreamOffset>(patch.bytes.size()));
    if (begin >= end) continue;
    std::copy_n(patch.bytes.begin() + (begin - patch.offset), end - begin, bytes.begin() + (begin - from));
  }
}

tl::expected<Inspector, std::string> Inspector::make(std::shared_ptr<const RuleGeneration> rules,
                                                     HostTable& hosts, ActionSettings settings,
                                                     EncryptionHandling tls) {
  auto scratch = signatures::Scratch::make(*rules->set);
  if (!scratch) return tl::unexpected(scratch.error());
  return Inspector(std::move(rules), hosts, settings, tls, std::move(*scratch));
}

Inspector::Inspector(std::shared_ptr<const RuleGeneration> rules, HostTable& hosts, ActionSettings settings,
                     EncryptionHandling tls, signatures::Scratch&& scratch)
    : rules_(std::move(rules)),
      hosts_(&hosts),
      decider_(settings),
      tls_(tls),
      scratch_(std::move(scratch)),
      late_decider_(settings) {}

signatures::FlowEndpoints Inspector::ends(const Flow& flow) {
  const auto client = flow.client();
  const auto server = flow.server();
  return {to_signatures(client.address), to_signatures(server.address), client.port, server.port, 6};
}

void Inspector::open(Flow& flow) const {
  flow.rules_epoch = epoch_;
  const signatures::FlowRules groups = rules_->set->rules_for(ends(flow));
  if (groups.none()) {
    flow.inspection.reset();
    flow.session.keep_history(false);
    return;
  }
  auto inspection = std::make_unique<Inspection>();
  inspection->rules = rules_;
  inspection->groups = groups;
  inspection->protocols = signatures::ProtocolDetector(flow.server().port, flow.session.adopted());
  bool scans = false;
  for (const Direction way : {Direction::to_server, Direction::to_client}) {
    const signatures::RuleGroup* group = groups.of(to_signatures(way));
    if (group == nullptr || !signatures::scans_stream(*group)) continue;
    scans = true;
    const StreamOffset begin = flow.session.receiver(way).bytes.in_order();
    inspection->scanners[reassembly::index(way)] =
        signatures::StreamScanner(*rules_->set, group, scan_offset(flow, begin), !flow.session.adopted());
  }
  flow.session.keep_history(scans);
  flow.inspection = std::move(inspection);
}

void Inspector::begin(const Packet& packet) {
  matches_.clear();
  describe(packet);
}

void Inspector::describe_flow(const Flow& flow, Timestamp now, signatures::PacketFields& fields) {
  const auto sent = [&](Direction way) {
    return static_cast<std::uint64_t>(flow.session.receiver(way).rcv_nxt_max() + 1);
  };
  fields.has_flow = true;
  fields.stream_size_client = sent(Direction::to_server);
  fields.stream_size_server = sent(Direction::to_client);
  fields.flow_age = std::chrono::duration_cast<std::chrono::seconds>(now - flow.start);
  fields.flow_packets_to_server = flow.packets[0];
  fields.flow_packets_to_client = flow.packets[1];
  fields.flow_bytes_to_server = flow.bytes[0];
  fields.flow_bytes_to_client = flow.bytes[1];
}

signatures::PacketFields Inspector::stream_fields(const Flow& flow, Direction way, Timestamp now) {
  const bool to_server = way == Direction::to_server;
  const reassembly::Endpoint from = to_server ? flow.client() : flow.server();
  const reassembly::Endpoint to = to_server ? flow.server() : flow.client();
  signatures::PacketFields fields;
  fields.time = now;
  fields.source = to_signatures(from.address);
  fields.destination = to_signatures(to.address);
  fields.source_port = from.port;
  fields.destination_port = to.port;
  fields.ip_version = from.address.version;
  fields.direction = to_signatures(way);
  fields.established = flow.session.established();
  describe_flow(flow, now, fields);
  return fields;
}

void Inspector::describe(const Packet& packet) {
  const reassembly::Segment& segment = *packet.segment;
  signatures::PacketFields& fields = fields_;
  fields.time = segment.time;
  fields.source = to_signatures(segment.source.address);
  fields.destination = to_signatures(segment.destination.address);
  fields.source_port = segment.source.port;
  fields.destination_port = segment.destination.port;
  fields.ip_version = segment.ip.version;
  fields.ttl = segment.ip.ttl;
  fields.tos = segment.ip.tos;
  fields.ip_id = segment.ip.id;
  fields.dont_fragment = segment.ip.dont_fragment;
  fields.more_fragments = segment.ip.more_fragments;
  fields.reserved_bit = segment.ip.reserved_bit;
  fields.reassembled = segment.ip.reassembled;
  fields.ip_options = segment.ip.options;
  fields.tcp_flags = segment.flags.bits;
  fields.seq = segment.seq.value();
  fields.ack = segment.ack.value();
  fields.window = segment.window;
  fields.mss = segment.options.mss;
  fields.window_scale = segment.options.window_scale;
  fields.direction = to_signatures(packet.direction);
  fields.ip_checksum_valid = packet.ruling.reason != reassembly::Reason::ip_bad_checksum;
  fields.checksum_valid = packet.ruling.reason != reassembly::Reason::tcp_bad_checksum;
  fields.events = packet.ruling.events.bits;
  fields.decides_protocol = false;
  fields.payload = {};
  fields.tcp_header =
      packet.frame->bytes.subspan(segment.layout.tcp, segment.layout.payload - segment.layout.tcp);
  fields.has_flow = packet.flow != nullptr || packet.half_open;
  fields.established = false;
  fields.in_stream = false;
  if (packet.ruling.forwards()) {
    const reassembly::Edits& edits = packet.ruling.edits;
    fields.payload = segment.payload.subspan(edits.trim_front)
                         .first(segment.payload.size() - edits.trim_front - edits.trim_back);
  } else if (packet.kind == Packet::Kind::segment && packet.flow == nullptr && !packet.half_open) {
    fields.payload = segment.payload;  // refused, and of no connection whose stream would tell
  }
  if (packet.flow == nullptr) return;
  const Flow& flow = *packet.flow;
  fields.established =
      flow.session.established() || packet.ruling.transition == reassembly::Transition::complete_handshake;
  // Observing, what does not enter the stream, such as a repeat left of the ACK, its host can't read.
  fields.in_stream = flow.session.observed() || (packet.ruling.accepted && packet.ruling.length > 0);
  if (flow.inspection && flow.inspection->packets_alone) fields.established = fields.in_stream = false;
  describe_flow(flow, segment.time, fields);
}

void Inspector::match_packet(const Packet& packet, PacketTurn turn) {
  if (packet.flow == nullptr) return match_without_flow(packet, turn);
  const auto way = to_signatures(packet.direction);
  Inspection& inspection = *packet.flow->inspection;
  const signatures::RuleGroup* group = inspection.groups.of(way);
  bool& seen = inspection.packet_seen[reassembly::index(packet.direction)];
  if (turn == PacketTurn::before_stream) first_ = !std::exchange(seen, true);
  fields_.decides_protocol = false;
  if (turn == PacketTurn::behind_stream && inspection.protocols.decided(way))
    fields_.decides_protocol =
        !std::exchange(inspection.protocol_judged[reassembly::index(packet.direction)], true);
  if (group == nullptr || !(first_ || signatures::checks_packets(*group))) return;
  const signatures::MatchContext context{fields_, inspection.state, hosts_, &inspection.protocols};
  const auto before = static_cast<std::ptrdiff_t>(matches_.size());
  signatures::match_packet(*rules_->set, group, context, first_, scratch_, matches_, turn);
  if (first_ && !inspection.told.empty()) forget_told(inspection, packet.direction, before);
}

void Inspector::match_without_flow(const Packet& packet, PacketTurn turn) {
  const auto way = to_signatures(packet.direction);
  const bool forward = packet.direction == Direction::to_server;
  signatures::FlowEndpoints ends{fields_.source, fields_.destination, fields_.source_port,
                                 fields_.destination_port, 6};
  if (!forward) {
    std::swap(ends.client, ends.server);
    std::swap(ends.client_port, ends.server_port);
  }
  HalfOpenRecord* record = packet.record;
  if (turn == PacketTurn::before_stream) {
    // Rules of addresses alone judge connections, and a malformed packet is of none.
    first_ = packet.kind == Packet::Kind::segment && (record == nullptr || !forward || !record->asked);
    if (record != nullptr && forward && !std::exchange(record->asked, true)) record->rules_epoch = epoch_;
    no_state_ = {};
  }
  const signatures::MatchContext context{fields_, record != nullptr ? record->state : no_state_, hosts_};
  signatures::match_packet(*rules_->set, rules_->set->rules_for(ends).of(way), context, first_, scratch_,
                           matches_, turn);
}

void Inspector::scan_with(signatures::StreamScanner& scanner, const Flow& flow, const Chunk& chunk,
                          const signatures::StreamHistory& history, Scan to) {
  if (!scanner.scans()) return;
  const std::uint64_t offset = scan_offset(flow, chunk.offset);
  // A gap, or a start that turned out to lie elsewhere.
  if (scanner.offset() != offset) scanner.restart(offset);
  const signatures::StreamChunk bytes{to_signatures(chunk.direction), offset, chunk.bytes, chunk.ended};
  const signatures::MatchContext context{to.fields, flow.inspection->state, hosts_,
                                         &flow.inspection->protocols};
  const std::size_t before = to.matches.size();
  scanner.scan(bytes, history, context, scratch_, to.matches, !chunk.last);
  for (std::size_t i = before; i < to.matches.size(); ++i) {
    to.matches[i].from -= static_cast<std::uint64_t>(scan_origin(flow));
    to.matches[i].to -= static_cast<std::uint64_t>(scan_origin(flow));
  }
}

void Inspector::scan(Flow& flow, const Chunk& chunk) {
  if (flow.inspection->packets_alone) return;
  flow.inspection->protocols.take(to_signatures(chunk.direction), scan_offset(flow, chunk.offset),
                                  chunk.bytes);
  if (tls_ == EncryptionHandling::bypass)
    flow.inspection->tls[reassembly::index(chunk.direction)].take(chunk.bytes);
  signatures::StreamScanner& scanner = flow.inspection->scanners[reassembly::index(chunk.direction)];
  const History history(flow, chunk);
  if (fields_.direction == to_signatures(chunk.direction))
    return scan_with(scanner, flow, chunk, history, {fields_, matches_});
  // An ACK made the bytes of the other side readable.
  const signatures::PacketFields fields = stream_fields(flow, chunk.direction, fields_.time);
  scan_with(scanner, flow, chunk, history, {fields, matches_});
}

void Inspector::scan(Flow& flow, OtherReading& reading, const Chunk& chunk, StreamOffset told_to) {
  scan_reading(flow, reading, chunk, {fields_, matches_, told_to});
}

void Inspector::scan_reading(Flow& flow, OtherReading& reading, const Chunk& chunk, Scan to) {
  const auto before = static_cast<std::ptrdiff_t>(to.matches.size());
  const History kept(flow, chunk);
  scan_with(reading.scanner, flow, chunk, PatchedHistory(flow, kept, reading), to);
  const auto told = [&](const signatures::Match& match) {
    if (static_cast<StreamOffset>(match.to) <= to.told_to) return true;
    return std::any_of(to.matches.begin(), to.matches.begin() + before, [&](const auto& other) {
      return other.rule == match.rule && other.to == match.to && other.direction == match.direction;
    });
  };
  to.matches.erase(std::remove_if(to.matches.begin() + before, to.matches.end(), told), to.matches.end());
}

LateMatches Inspector::end(Flow& flow, Direction way, Timestamp now) {
  Inspection& inspection = *flow.inspection;
  const auto& receiver = flow.session.receiver(way);
  Chunk chunk;
  chunk.direction = way;
  chunk.offset = chunk.own_offset = receiver.bytes.in_order();
  chunk.ended = true;
  const auto waits = [&](const signatures::StreamScanner& scanner) {
    return scanner.waiting() > 0 && scanner.offset() == scan_offset(flow, chunk.offset);
  };
  LateMatches late{&flow, way, now, {}, nullptr, rules_.get()};
  if (receiver.fin_in_order()) return late;  // they were asked then

  const signatures::PacketFields fields = stream_fields(flow, way, now);
  late_matches_.clear();
  signatures::StreamScanner& scanner = inspection.scanners[reassembly::index(way)];
  if (waits(scanner)) scan_with(scanner, flow, chunk, History(flow, chunk), {fields, late_matches_});
  for (OtherReading& reading : inspection.others) {
    if (reading.direction == way && waits(reading.scanner))
      scan_reading(flow, reading, chunk, {fields, late_matches_});
  }
  if (late_matches_.empty()) return late;
  late.matches = late_matches_;
  note_matched(inspection, late_matches_);
  RatePacket rate{now,        fields.source, fields.destination, fields.source_port, fields.destination_port,
                  flow.number};
  late.decision = &late_decider_.decide(late_matches_, rules_->policies, rate, false, *hosts_);
  return late;
}

Release Inspector::outlook(Flow& flow) const {
  Inspection& inspection = *flow.inspection;
  const signatures::ProtocolDetector& protocols = inspection.protocols;
  if (!protocols.complete() || !flow.session.established()) return Release::none;
  const bool tls = protocols.of(signatures::Direction::to_server) == signatures::AppProtocol::tls &&
                   protocols.of(signatures::Direction::to_client) == signatures::AppProtocol::tls;
  if (tls && !flow.has_gap() && inspection.tls[0].encrypted() && inspection.tls[1].encrypted())
    return Release::encrypted;
  std::uint8_t facts = 1;
  for (const bool fact : {inspection.packet_seen[0], inspection.packet_seen[1], inspection.protocol_judged[0],
                          inspection.protocol_judged[1]})
    facts = static_cast<std::uint8_t>(facts << 1U | (fact ? 1U : 0U));
  if (std::exchange(inspection.asked_left, facts) != facts) {
    const signatures::FlowPast past{protocols, true, inspection.packet_seen, inspection.protocol_judged};
    inspection.none_left = rules_->set->rules_left(inspection.groups, ends(flow), past).none();
  }
  return inspection.none_left ? Release::no_rule : Release::none;
}

void Inspector::judge_packets_alone(Flow& flow) {
  if (!flow.inspection) return;
  close(flow);
  flow.inspection->packets_alone = true;
}

void Inspector::close(Flow& flow) {
  for (signatures::TlsRecords& records : flow.inspection->tls) records.skip();
  flow.inspection->scanners = {};
  flow.inspection->others.clear();
  flow.session.keep_history(false);
}

// Matched on the flow, for who asks about it.
void Inspector::note_matched(Inspection& inspection, std::span<const signatures::Match> matches) const {
  std::vector<signatures::RuleId>& known = inspection.matched;
  for (const signatures::Match& match : matches) {
    if (known.size() >= Inspection::most_matched) return;
    const bool shadow = rules_->policies[match.rule].shadow;
    if (!shadow && std::find(known.begin(), known.end(), match.id) == known.end()) known.push_back(match.id);
  }
}

const Decision& Inspector::decide(const Packet& packet, bool already_dropped) {
  if (packet.flow != nullptr && packet.flow->inspection) note_matched(*packet.flow->inspection, matches_);
  RatePacket rate{fields_.time,        fields_.source,           fields_.destination,
                  fields_.source_port, fields_.destination_port, std::nullopt};
  if (packet.flow != nullptr) rate.flow = packet.flow->number;
  return decider_.decide(matches_, rules_->policies, rate, already_dropped, *hosts_);
}

}  // namespace lockstep
