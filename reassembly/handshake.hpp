// A connection of which only SYNs were seen. What the server acknowledges settles which of them counts
// (EVASIONS H08), so a small set of candidates is kept; none of them binds anything. A value; no thread
// rules.
#pragma once
#include <array>
#include <cstdint>

#include "reassembly/direction.hpp"
#include "reassembly/ruling.hpp"
#include "reassembly/segment.hpp"

namespace lockstep::reassembly {

// What a SYN or SYN-ACK says about its sender.
struct SynOffer {
  Seq iss;
  std::uint32_t timestamp = 0;        // the latest, of a SYN that came more than once
  std::uint16_t window = 0;           // never scaled (RFC 7323 §2.2)
  std::uint16_t payload = 0;          // bytes that came with it
  std::uint16_t timestamp_span = 0;   // since the first; the highest value: that much or more
  std::uint8_t window_shift : 4 = 0;  // at most 14
  bool scales : 1 = false;
  bool timestamps : 1 = false;
  bool sack : 1 = false;
  bool md5 : 1 = false;
  bool ao : 1 = false;
  Side side : 2 = Side::unknown;
  bool returned : 1 = false;  // a router sent it back to the side where it came from: both ends are there

  static SynOffer of(const Segment& segment);
  // What a SYN-ACK tells of the SYN that it answers, where that was not kept (observing).
  static SynOffer answered_by(const Segment& syn_ack);

  // The same SYN again: both are under way.
  void came_again(const SynOffer& again);
  // Could one of its SYNs have been echoed so (RFC 7323 §3.2)?
  [[nodiscard]] bool echoed_by(const Segment& answer) const;
};

class HalfOpen {
 public:
  static constexpr std::size_t max_candidates = 4;

  // Rules on a segment of a connection without SYN-ACK so far; `from_client`: sent by the side that sent the
  // SYN.
  [[nodiscard]] Ruling judge(const Segment& segment, bool from_client, bool enforcing = true) const;
  void commit(const Ruling& ruling, const Segment& segment, bool from_client);
  // Observing: there were more SYNs than are kept.
  [[nodiscard]] bool overflowed() const { return overflowed_; }
  // A SYN that went out came back on the other side.
  void came_back(const Segment& syn);

  // The candidate that a SYN-ACK answers; nullptr if none.
  [[nodiscard]] const SynOffer* answered_by(const Segment& syn_ack) const;
  // Observing: the candidate that a bare SYN of the server answers (a split handshake, EVASIONS H14).
  [[nodiscard]] const SynOffer& latest() const { return offers_[count_ - 1U]; }
  // Observing: the candidate whose payload, or the front of it, the SYN-ACK acknowledges (RFC 7413; EVASIONS
  // H02); nullptr if none.
  [[nodiscard]] const SynOffer* fast_opened_by(const Segment& syn_ack) const;
  // The candidate behind whose SYN a segment of the client goes on; nullptr if none. The server's answer must
  // have gone another way.
  [[nodiscard]] const SynOffer* continued_by(const Segment& segment) const;
  [[nodiscard]] std::size_t candidates() const { return count_; }

 private:
  [[nodiscard]] Ruling judge_client(const Segment& segment, bool enforcing) const;
  [[nodiscard]] Ruling judge_server(const Segment& segment, bool enforcing) const;
  [[nodiscard]] bool echoes_amiss(const Segment& segment) const;

  std::array<SynOffer, max_candidates> offers_{};
  Seq challenged_;  // acknowledgment number of a bare ACK that answered the SYN: a half-open peer (RFC 9293
                    // §3.5.1)
  std::uint8_t count_ = 0;
  bool was_challenged_ = false;
  bool overflowed_ = false;
};

// The edits that a SYN or SYN-ACK needs before it may go out (DESIGN: no payload, no Fast Open, no MPTCP, no
// unknown options, no stray numbers), the reason that names them, and MP_JOIN's refusal.
// Observing none of them is refused: the host decides.
[[nodiscard]] Ruling sanitized_syn(const Segment& segment, bool enforcing);

}  // namespace lockstep::reassembly
