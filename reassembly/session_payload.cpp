// Session: where the payload and the FIN of an accepted segment go.
#include <algorithm>

#include "reassembly/fault.hpp"
#include "reassembly/rulings.hpp"
#include "reassembly/session.hpp"

namespace lockstep::reassembly {
namespace {

// One packet may need several edits; the first of them in the order of the list names it.
Reason reason_of_edits(const Edits& edits, bool overlay, bool after_fin) {
  if (overlay) return Reason::overlap_rewritten;
  if ((edits.clear_flags & TcpFlag::urg) != 0 || edits.zero_urgent) return Reason::urgent_cleared;
  if ((edits.clear_flags & TcpFlag::fin) != 0) return Reason::fin_cleared;
  if (edits.trim_back != 0) return after_fin ? Reason::trimmed_after_fin : Reason::trimmed_right;
  if (edits.trim_front != 0) return Reason::trimmed_left;
  return Reason::none;
}

}  // namespace

void clear_urgent(const Segment& segment, Ruling& ruling) {
  if (faulty(Fault::urgent_kept)) return;
  if (segment.has(TcpFlag::urg)) {
    ruling.edits.clear_flags |= TcpFlag::urg;  // the byte stays in line (EVASIONS U01-U08)
    ruling.events.add(StreamEvent::urgent_data);
  } else {
    ruling.edits.zero_urgent = segment.urgent != 0 && !faulty(Fault::stray_urgent_kept);  // EVASIONS U03
  }
}

Ruling Session::judge_payload(const Segment& segment, Direction direction, Ruling ruling) const {
  const HostMirror& to = receiver(direction);
  clear_urgent(segment, ruling);
  if (faulty(Fault::push_cleared)) ruling.edits.clear_flags |= segment.flags.bits & TcpFlag::psh;
  if (auto refused = place_payload(segment, direction, ruling)) return *refused;
  if (segment.has(TcpFlag::fin)) {
    if (auto refused = place_fin(to, segment, ruling)) return *refused;
  }
  const bool after_fin = to.fin != HostMirror::none;
  ruling.reason = reason_of_edits(ruling.edits, ruling.overlay, after_fin);
  return ruling;
}

// In the segment's place goes an ACK left of it: the receiver answers it by its own ACK, also when those that
// it sent before were lost behind us. Else a sender whose receiver lacks just these bytes would repeat them
// for ever.
Ruling Session::ask_receiver(const Segment& segment) {
  Ruling ruling;
  ruling.reason = Reason::left_of_store;
  ruling.events.add(StreamEvent::reassembly_segment_before_base_seq);
  ruling.edits.to_bare = TcpFlag::ack;
  ruling.edits.bare_seq = segment.seq.plus(-1);
  ruling.edits.bare_ack = segment.ack;
  ruling.edits.trim_front = static_cast<std::uint32_t>(segment.payload.size());
  return ruling;
}

// Trims the payload to [rcv_nxt_min, right edge or FIN) and compares what is left with the kept values.
std::optional<Ruling> Session::place_payload(const Segment& segment, Direction direction,
                                             Ruling& ruling) const {
  const HostMirror& to = receiver(direction);
  const StreamOffset begin = to.to_offset(segment.seq);
  StreamOffset end = begin + static_cast<StreamOffset>(segment.payload.size());
  if (memory_ && begin > to.bytes.in_order() && notes(direction).claimed >= begin) {
    // The receiver had acknowledged what the capture lacks, and here the sender goes on behind it.
    ruling.kind = Ruling::Kind::gap;
    ruling.gap_to = begin;
    ruling.events.add(StreamEvent::capture_gap);
    ruling.events.add(StreamEvent::reassembly_seq_gap);
    if (memory_->more_refused[index(direction)]) ruling.events.add(StreamEvent::ambiguous);
    return ruling;
  }
  if (const StreamOffset right = to.rcv_edge(); right != HostMirror::none) {
    if (begin > right && !faulty(Fault::beyond_window_stored))
      return drop(Reason::beyond_window, StreamEvent::est_packet_out_of_window);
    // The first byte beyond a closed window is a probe: its answer is the window update that the sender waits
    // for. Until that comes it is repeated, with the value that went out.
    const bool probe =
        begin == right && begin <= to.bytes.in_order() && begin < end && !faulty(Fault::probe_dropped);
    const StreamOffset edge = right + (probe ? 1 : 0);
    if (begin < end && begin == edge && !faulty(Fault::beyond_window_stored))
      return drop(Reason::beyond_window, StreamEvent::est_packet_out_of_window);
    if (probe) ruling.events.add(StreamEvent::est_ack_zwp_data);
    // Observing: whether the host took what lies beyond depends on what its application had read (EVASIONS
    // D19).
    if (limits_->enforcing && !faulty(Fault::right_edge_untrimmed) && !faulty(Fault::beyond_window_stored))
      end = std::min(end, edge);
  }
  // Observing, a FIN that waits ahead of a hole is erased by data that cover it (EVASIONS C04), and one that
  // was not acknowledged may not have arrived: the longer stream holds the shorter one.
  const bool erases = !limits_->enforcing && to.fin != HostMirror::none && !to.fin_acked();
  // Linux merges what lies behind a FIN in its queue with it, and then the bytes are not where they were
  // sent.
  if (!limits_->enforcing && begin < end && memory_) {
    const StreamOffset fin = memory_->unacked_fin[index(direction)];
    if (fin >= to.rcv_nxt_min && begin > fin) ruling.events.add(StreamEvent::ambiguous);
  }
  if (to.fin != HostMirror::none && !erases && begin < end && end > to.fin &&
      !faulty(Fault::data_after_fin_taken)) {
    ruling.events.add(StreamEvent::data_after_fin);
    if (begin >= to.fin) return drop(Reason::data_after_fin, StreamEvent::data_after_fin);
    end = to.fin;
  }
  const StreamOffset left = to.known ? std::clamp(to.rcv_nxt_min, begin, end) : begin;
  // Adopted, and the receiver has not said yet where it stands: bytes from before the adoption have no place
  // in the store. Their sender repeats them when the receiver has told.
  if (limits_->enforcing && !to.known && left < end && left < to.bytes.kept_from()) {
    return ask_receiver(segment);
  }
  if (faulty(Fault::segments_halved) && limits_->enforcing) end = left + (end - left + 1) / 2;
  ruling.edits.trim_front = static_cast<std::uint32_t>(left - begin);
  ruling.offset = left;
  ruling.length = static_cast<std::uint32_t>(end - left);
  ruling.edits.trim_back =
      static_cast<std::uint32_t>(segment.payload.size()) - ruling.edits.trim_front - ruling.length;
  ruling.readable_to = to.bytes.in_order();
  if (ruling.length == 0) return std::nullopt;

  const auto payload = segment.payload.subspan(ruling.edits.trim_front, ruling.length);
  if (!limits_->enforcing && may_have_taken_others(direction, left, payload))
    ruling.events.add(StreamEvent::ambiguous);
  if (left < to.bytes.in_order() || to.bytes.has_islands()) {
    const Assembler::Difference difference = to.bytes.compare(left, payload);
    if (difference.ahead && !limits_->enforcing) {
      ruling.events.add(StreamEvent::reassembly_overlap_different_data);
      if (!faulty(Fault::ahead_conflict_untold))
        ruling.events.add(StreamEvent::ambiguous);  // the first copy may not have reached the host
    } else if (difference.ahead && !faulty(Fault::ahead_conflict_passed)) {
      // A copy went out ahead of a hole and another comes now: nobody can know which one is honest.
      Ruling conflict = drop(Reason::overlap_conflict, StreamEvent::reassembly_overlap_different_data);
      conflict.kind = Ruling::Kind::reset_both;
      return conflict;
    }
    if (difference.in_order) {
      ruling.overlay = ruling.edits.payload_changed = limits_->enforcing && !faulty(Fault::last_copy_wins);
      ruling.events.add(StreamEvent::reassembly_overlap_different_data);
      // The receiver has acknowledged none of them: the first copy may not have reached it.
      if (!limits_->enforcing && !faulty(Fault::conflict_untold)) ruling.events.add(StreamEvent::ambiguous);
    }
    if (end <= to.bytes.in_order()) ruling.events.add(StreamEvent::pkt_retransmission);
  }
  if (left > to.bytes.in_order()) {
    // Adopted and not confirmed, it may be adopted anew: then nothing may be out there that was not scanned.
    if (limits_->enforcing && !limits_->captured_hosts && adopted_at_ != 0)
      return drop(Reason::out_of_order_limit, StreamEvent::reassembly_insert_limit);
    if (to.bytes.island_count() >= limits_->max_islands ||
        to.bytes.bytes_ahead() + ruling.length > limits_->max_bytes_ahead) {
      if (faulty(Fault::hole_skipped)) {
        ruling.kind = Ruling::Kind::gap;
        ruling.gap_to = std::min(left, to.bytes.first_island());
        return ruling;
      }
      return drop(Reason::out_of_order_limit, StreamEvent::reassembly_insert_limit);
    }
  }
  if (!to.bytes.room_for(left, ruling.length))
    return drop(Reason::store_full, StreamEvent::reassembly_insert_memcap);
  ruling.readable_to = to.bytes.in_order_after(left, ruling.length);
  if (faulty(Fault::held_bytes_unscanned)) ruling.readable_to = std::min(ruling.readable_to, end);
  return std::nullopt;
}

// A FIN goes out only at the in-order end, and then is part of the store (EVASIONS C02, C04, section 0 point
// 10).
std::optional<Ruling> Session::place_fin(const HostMirror& to, const Segment& segment, Ruling& ruling) const {
  const StreamOffset at = to.to_offset(segment.seq) + static_cast<StreamOffset>(segment.payload.size());
  if (to.fin != HostMirror::none && at == to.fin) return std::nullopt;  // a repeat
  const bool cut = ruling.edits.trim_back != 0;
  const bool covered = at < ruling.readable_to || to.bytes.end() > at;
  if (faulty(Fault::fin_over_data_taken) && covered && to.fin == HostMirror::none) {
    ruling.fin = true;
    return std::nullopt;
  }
  const bool taken = to.fin != HostMirror::none || covered;
  // Observing, the host has queued it (EVASIONS C02): it counts once the bytes before it have come.
  const bool waits = !limits_->enforcing || faulty(Fault::fin_ahead_forwarded);
  const bool ahead = waits && at > ruling.readable_to;
  if (!cut && !taken && (at == ruling.readable_to || ahead)) {
    ruling.fin = true;
    return std::nullopt;
  }
  if (waits && !limits_->enforcing && at > ruling.readable_to) ruling.events.add(StreamEvent::ambiguous);
  if (ruling.length == 0) {
    const bool conflict = taken && at <= ruling.readable_to;
    Ruling refused =
        drop(conflict ? Reason::fin_conflict : Reason::fin_ahead_of_hole, StreamEvent::fin_out_of_window);
    refused.events.bits |= ruling.events.bits;
    return refused;
  }
  ruling.edits.clear_flags |= TcpFlag::fin;
  if (!cut) ruling.events.add(StreamEvent::fin_out_of_window);
  return std::nullopt;
}

}  // namespace lockstep::reassembly
