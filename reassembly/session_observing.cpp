// Session: observing. Nothing can be dropped, so the host is followed; its own packets tell what it did.
#include <algorithm>

#include "reassembly/fault.hpp"
#include "reassembly/session.hpp"

namespace lockstep::reassembly {

// Observing: Linux asks nothing of an old ACK if it predicted the header of the segment, which only data in
// order can have, and not the first of all (tcp_rcv_established: memory must be there). A client counts its
// SYN as acknowledged, too.
bool Session::may_be_predicted(const HostMirror& to, const HostMirror& from, StreamOffset begin,
                               StreamOffset ack) const {
  if (limits_->enforcing || faulty(Fault::prediction_ignored)) return false;
  // What it sent to a peer that was thought to be gone is not in the mirror.
  const bool first = to.bytes.in_order() <= 0 && from.bytes.in_order() <= 0 && !from.gone;
  return (begin <= to.bytes.in_order() && !first) || place_of_ack(from, ack + 1) != AckPlace::too_old;
}

// Observing, only the host's own word counts: it echoes its ts_recent (RFC 7323 §4.3), and what its peer sent
// may not have reached it.
void Session::take_echo(const Segment& segment, Direction direction) {
  HostMirror& from = mirror(reverse(direction));
  if (!segment.options.timestamps || segment.options.timestamps->echo == 0) return;
  const std::uint32_t echo = segment.options.timestamps->echo;
  if (from.timed && static_cast<std::int32_t>(echo - from.ts_recent) < 0) return;
  from.timed = true;
  from.ts_recent = echo;
  from.ts_recent_at = seconds(segment.time);
}

std::ptrdiff_t Session::refused_payloads(Direction direction, StreamOffset at) const {
  if (!memory_) return 0;
  const std::vector<RefusedPayload>& refused = memory_->refused[index(direction)];
  return std::count_if(refused.begin(), refused.end(),
                       [&](const auto& payload) { return payload.holds(at); });
}

// The host numbers its segments behind what the capture shows of it: it sent more.
bool Session::was_sent(Direction direction, StreamOffset to) const {
  return memory_ && memory_->sent[index(direction)] >= to;
}

// Whether other bytes for [begin, ...) were refused for acknowledging what was not seen to be sent, and was
// sent: the host took them.
bool Session::may_have_taken_others(Direction direction, StreamOffset begin,
                                    std::span<const std::uint8_t> bytes) const {
  if (!memory_) return false;
  const StreamOffset end = begin + static_cast<StreamOffset>(bytes.size());
  const auto differs = [&](const RefusedPayload& refused) {
    const StreamOffset from = std::max(begin, refused.offset);
    const StreamOffset to = std::min(end, refused.offset + static_cast<StreamOffset>(refused.bytes.size()));
    return from < to && refused.unsent && was_sent(reverse(direction), *refused.unsent) &&
           !std::equal(refused.bytes.begin() + (from - refused.offset),
                       refused.bytes.begin() + (to - refused.offset), bytes.begin() + (from - begin));
  };
  const auto& refused = memory_->refused[index(direction)];
  return std::any_of(refused.begin(), refused.end(), differs);
}

// Whether what was refused, and may have been taken, differs from what waits ahead of the hole.
bool Session::refused_contradicts(Direction direction) const {
  if (!memory_) return false;
  const Assembler& bytes = receiver(direction).bytes;
  const auto& refused = memory_->refused[index(direction)];
  return std::any_of(refused.begin(), refused.end(), [&](const RefusedPayload& payload) {
    return bytes.compare(payload.offset, payload.bytes).ahead;
  });
}

void Session::remember_refused(const Segment& segment, Direction direction,
                               std::optional<StreamOffset> unsent) {
  constexpr std::size_t most = 16;
  constexpr std::size_t most_bytes = 65536;
  std::vector<RefusedPayload>& refused = memory_->refused[index(direction)];
  std::size_t bytes = segment.payload.size();
  for (const RefusedPayload& other : refused) bytes += other.bytes.size();
  while (!refused.empty() && (refused.size() >= most || bytes > most_bytes)) {
    bytes -= refused.front().bytes.size();
    refused.erase(refused.begin());
    memory_->more_refused[index(direction)] = true;
  }
  refused.push_back(
      {receiver(direction).to_offset(segment.seq), {segment.payload.begin(), segment.payload.end()}, unsent});
}

std::pair<StreamOffset, StreamOffset> Session::recall(Direction direction, StreamOffset to) {
  HostMirror& receiver = mirror(direction);
  const StreamOffset before = receiver.bytes.in_order();
  if (!memory_) return {before, before};
  const std::vector<RefusedPayload>& refused = memory_->refused[index(direction)];
  for (;;) {
    const StreamOffset at = receiver.bytes.in_order();
    // An ACK answers the latest.
    const auto taken = std::find_if(refused.rbegin(), refused.rend(),
                                    [&](const auto& payload) { return payload.holds(at); });
    if (at >= to || taken == refused.rend()) return {before, at};
    auto bytes = std::span(taken->bytes).subspan(static_cast<std::size_t>(at - taken->offset));
    bytes = bytes.first(std::min(bytes.size(), static_cast<std::size_t>(to - at)));
    if (!receiver.bytes.room_for(at, bytes.size())) return {before, at};
    receiver.bytes.insert(at, bytes);
  }
}

bool Session::has_conflicts(Direction direction) const {
  const SegmentLog* log = segment_log(direction);
  return log != nullptr && log->conflicts();
}

std::vector<RunReadings> Session::readings(Direction direction, StreamOffset from, OverlapPolicy policy,
                                           const ReadingLimits& limits) const {
  const Assembler& bytes = receiver(direction).bytes;
  if (from >= bytes.in_order() || !has_conflicts(direction)) return {};
  return segment_log(direction)->readings(bytes, from, bytes.in_order(), policy, limits);
}

void Session::settle(Direction direction, const std::vector<RunReadings>& runs) {
  Assembler& bytes = mirror(direction).bytes;
  for (const RunReadings& run : runs) {
    if (!run.readings.empty()) bytes.replace(run.run.begin, run.readings.front().bytes);
  }
  if (SegmentLog* log = segment_log(direction)) log->delivered(bytes);
}

}  // namespace lockstep::reassembly
