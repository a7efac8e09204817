// Pipeline: a capture of what already happened. Nothing can be dropped, so the engine decides as the host
// did; where copies of a byte differed and the host's choice is not certain, every choice is scanned.
#include <algorithm>

#include "engine/inspector.hpp"
#include "engine/pipeline.hpp"

namespace lockstep {

using reassembly::RunReadings;
using reassembly::StreamOffset;
using signatures::PacketTurn;

void Pipeline::observe(Packet& packet) {
  Flow& flow = *packet.flow;
  packet.verdict = {};
  const bool inspected = inspects(flow);
  const bool judged = inspected && (packet.ruling.forwards() || packet.ruling.events.any());
  if (judged) {
    inspector_->describe(packet);
    inspector_->match_packet(packet, PacketTurn::before_stream);
  }
  const StreamOffset from = flow.session.receiver(packet.direction).bytes.in_order();
  if (inspected) doubt_what_was_read(packet);
  commit(packet);
  if (packet.ruling.transition == reassembly::Transition::reincarnate) return;  // another connection began
  read_observed(packet, packet.direction, from);
  if (judged) inspector_->match_packet(packet, PacketTurn::behind_stream);
  if (inspected) obey(packet);
  release(flow);
}

// Other values came for bytes that were read and that the host has not acknowledged: the first ones may never
// have reached it. Both readings stay open.
void Pipeline::doubt_what_was_read(Packet& packet) {
  Flow& flow = *packet.flow;
  const reassembly::Ruling& ruling = packet.ruling;
  const auto& bytes = flow.session.receiver(packet.direction).bytes;
  const StreamOffset end = std::min(ruling.offset + ruling.length, bytes.in_order());
  if (!ruling.forwards() || ruling.length == 0 || ruling.offset >= end) return;
  const auto own =
      packet.segment->payload.subspan(ruling.edits.trim_front, static_cast<std::size_t>(end - ruling.offset));
  Inspection& inspection = *flow.inspection;
  const auto open = std::count_if(inspection.others.begin(), inspection.others.end(),
                                  [&](const auto& other) { return other.direction == packet.direction; });
  if (static_cast<std::size_t>(open) + 1 >= config_.max_readings) return;
  if (!bytes.compare(ruling.offset, own).in_order) return;
  const std::size_t side = reassembly::index(packet.direction);
  OtherReading reading{packet.direction, inspection.models[side], inspection.scanners[side], {}};
  reading.patches.push_back({ruling.offset, {own.begin(), own.end()}});
  // Again from as far back as rules look; what ended before the difference was told.
  const StreamOffset begin =
      std::max(bytes.kept_from(), ruling.offset - static_cast<StreamOffset>(inspector_->window()));
  std::vector<std::uint8_t> again(static_cast<std::size_t>(bytes.in_order() - begin));
  bytes.copy(begin, again);
  patch(reading, begin, again);
  Inspector::Chunk chunk;
  chunk.direction = packet.direction;
  chunk.offset = begin;
  chunk.bytes = again;
  chunk.own_offset = bytes.in_order();
  inspector_->scan(flow, reading, chunk, ruling.offset);
  inspection.others.push_back(std::move(reading));
}

// Reads what became readable of `direction` from `from` on.
void Pipeline::read_observed(Packet& packet, Direction direction, StreamOffset from) {
  Flow& flow = *packet.flow;
  const auto& bytes = flow.session.receiver(direction).bytes;
  const StreamOffset to = bytes.in_order();
  const bool ends = direction == packet.direction && packet.ruling.fin;
  const bool ended = flow.session.receiver(direction).fin_in_order() && (ends || to > from);
  if (to <= from && !ended) return;
  const std::vector<RunReadings> runs = readings(flow, direction, from);
  for (const RunReadings& run : runs) {
    if (run.too_many || run.readings.size() > 1) packet.ruling.events.add(reassembly::StreamEvent::ambiguous);
  }
  const bool inspected = inspects(flow);
  if (inspected && !runs.empty()) fork_readings(flow, direction, runs);
  flow.session.settle(direction, runs);
  if (inspected) {
    // Readings that differ from the first one farther back than rules look have nothing of their own to say.
    std::erase_if(flow.inspection->others, [&](const OtherReading& other) {
      const auto& last = other.patches.back();
      return other.direction == direction &&
             last.offset + static_cast<StreamOffset>(last.bytes.size() + inspector_->window()) < from;
    });
  }
  Inspector::Chunk chunk;
  chunk.direction = direction;
  chunk.own_offset = to;
  bytes.read(from, to, [&, at = from](std::span<const std::uint8_t> run) mutable {
    observer_->on_chunk(flow, direction, at, run);
    chunk.offset = at;
    chunk.bytes = run;
    at += static_cast<StreamOffset>(run.size());
    chunk.last = at == to;
    chunk.ended = chunk.last && ended;
    if (inspected) inspector_->scan(flow, chunk);
  });
  if (!inspected) return;
  chunk.offset = from;
  chunk.last = true;
  chunk.ended = ended;
  if (to == from) {
    chunk.bytes = {};
    inspector_->scan(flow, chunk);
  }
  for (OtherReading& other : flow.inspection->others) {
    if (other.direction != direction) continue;
    std::vector<std::uint8_t> own(static_cast<std::size_t>(to - from));
    bytes.copy(from, own);
    patch(other, from, own);
    chunk.bytes = own;
    inspector_->scan(flow, other, chunk);
  }
}

std::vector<RunReadings> Pipeline::readings(const Flow& flow, Direction direction, StreamOffset from) const {
  if (!flow.session.has_conflicts(direction)) return {};
  const reassembly::Endpoint receiver = direction == Direction::to_server ? flow.server() : flow.client();
  const auto policy = config_.hosts.of(receiver.address);
  return flow.session.readings(direction, from, policy.value_or(reassembly::OverlapPolicy::linux),
                               {.most = config_.max_readings, .named = policy.has_value()});
}

// Splits each open reading by what its hosts make of the runs. One host is one model, so readings of several
// runs go together only where they share a model.
void Pipeline::fork_readings(Flow& flow, Direction direction, const std::vector<RunReadings>& runs) {
  Inspection& inspection = *flow.inspection;
  auto& scanner = inspection.scanners[reassembly::index(direction)];
  auto& models = inspection.models[reassembly::index(direction)];
  std::vector<OtherReading> open;
  open.push_back(OtherReading{direction, models, scanner, {}});
  for (OtherReading& other : inspection.others) {
    if (other.direction == direction) open.push_back(std::move(other));
  }
  std::erase_if(inspection.others, [&](const OtherReading& other) { return other.direction == direction; });
  for (const RunReadings& run : runs) {
    std::vector<OtherReading> split;
    for (const OtherReading& reading : open) {
      for (const auto& choice : run.readings) {
        const reassembly::ModelSet shared = reading.models & choice.models;
        if (shared == 0 || split.size() >= config_.max_readings) continue;
        OtherReading next = reading;
        next.models = shared;
        next.patches.push_back({run.run.begin, choice.bytes});
        split.push_back(std::move(next));
      }
    }
    if (!split.empty()) open = std::move(split);
  }
  // The first stays the flow's own: settle() gives the assembler its bytes.
  models = open.front().models;
  for (std::size_t i = 1; i < open.size(); ++i) inspection.others.push_back(std::move(open[i]));
}

}  // namespace lockstep
