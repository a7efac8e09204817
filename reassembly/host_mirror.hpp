// What is known of one host as the receiver of its peer's stream. We see its packets, not its memory: its
// true rcv_nxt is some value in [rcv_nxt_min, rcv_nxt_max()], and every decision must be safe for each of
// them. Offsets are those of the peer's stream (seq.hpp). A value but for the assembler; no thread rules of
// its own.
#pragma once
#include <algorithm>
#include <cstdint>

#include "reassembly/assembler.hpp"
#include "reassembly/seq.hpp"
#include "reassembly/time.hpp"

namespace lockstep::reassembly {

struct HostMirror {
  static constexpr StreamOffset none = INT64_MIN;
  static constexpr std::uint32_t no_edge = UINT32_MAX;

  explicit HostMirror(BytePool& pool) : bytes(pool) {}

  Assembler bytes;                     // the peer's stream, as forwarded to this host
  StreamOffset rcv_nxt_min = 0;        // its highest ACK, set by acknowledge(): all before was surely taken
  StreamOffset sack_edge = none;       // right edge of the highest block that it SACKed
  StreamOffset fin = none;             // where the peer's stream ends, once the FIN went out
  Seq first;                           // number of the peer's stream byte 0 (its ISS + 1)
  std::uint32_t ts_recent = 0;         // last TSval taken (RFC 7323 §4.3), valid if `timed`
  std::uint32_t ts_recent_at = 0;      // when, in seconds
  std::uint32_t max_window = 0;        // largest window that it offered
  std::uint32_t edge_ahead = no_edge;  // from rcv_nxt_min to rcv_edge(): at most the largest window, 2^30
  std::uint8_t window_shift = 0;       // its Rcv.Wind.Shift
  bool timed : 1 = false;              // ts_recent holds a value
  bool known : 1 = false;              // rcv_nxt_min is its own word, not a guess of an adopted session
  bool heard : 1 = true;        // its peer has spoken; adopted sessions: not before the peer's first segment
  bool holds_more : 1 = false;  // adopted: it may have bytes ahead of a hole that went by before we looked
  bool reset_possible : 1 = false;  // a RST went out to it that it may have taken
  bool gone : 1 = false;            // observing: it sent a RST itself, and that came from its side

  // rcv_nxt + rcv_wnd at their furthest, for the right edge never moves left; none: it offered no window yet.
  [[nodiscard]] StreamOffset rcv_edge() const {
    return edge_ahead == no_edge ? none : rcv_nxt_min + edge_ahead;
  }
  void offer_edge(StreamOffset edge) {
    if (edge > rcv_edge()) edge_ahead = static_cast<std::uint32_t>(edge - rcv_nxt_min);
  }
  // Its highest ACK is now `ack`, not left of rcv_nxt_min if there is an edge. The edge stays where it is.
  void acknowledge(StreamOffset ack) {
    const StreamOffset edge = rcv_edge();
    rcv_nxt_min = ack;
    if (edge != none) edge_ahead = static_cast<std::uint32_t>(std::max<StreamOffset>(edge - ack, 0));
  }
  // The most it can have: the in-order end of what was forwarded, the FIN included.
  [[nodiscard]] StreamOffset rcv_nxt_max() const { return bytes.in_order() + (fin_in_order() ? 1 : 0); }
  [[nodiscard]] bool fin_in_order() const { return fin != none && fin <= bytes.in_order(); }
  [[nodiscard]] bool fin_acked() const { return fin != none && rcv_nxt_min > fin; }
  [[nodiscard]] StreamOffset to_offset(Seq seq) const {
    return reassembly::to_offset(seq, first, bytes.in_order());
  }
  [[nodiscard]] Seq to_seq(StreamOffset offset) const { return reassembly::to_seq(offset, first); }
};

}  // namespace lockstep::reassembly
