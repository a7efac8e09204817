// What the session says of a segment: what the end host will do with it, what must therefore leave the
// device, and how the mirrors move if it leaves. A value; judging changes nothing (judge is const, commit
// follows the verdict).
#pragma once
#include <cstdint>
#include <string>

#include "reassembly/edits.hpp"
#include "reassembly/reason.hpp"
#include "reassembly/seq.hpp"
#include "reassembly/stream_event.hpp"

namespace lockstep::reassembly {

enum class Transition : std::uint8_t {
  none,
  complete_handshake,  // the client's ACK of the SYN-ACK numbered `candidate`
  another_synack,      // a SYN-ACK that the client may take instead
  another_syn,         // a SYN inside the connection went out; its SYN-ACK will tell
  reincarnate,         // the SYN-ACK for that SYN: this session has ended, a new one starts
  reset_possible,      // a RST went out that the receiver may have taken
  ask_sender,          // a RST is held: its sender gets a bare ACK of edits.bare_seq and .bare_ack
};

struct Ruling {
  enum class Kind : std::uint8_t {
    forward,     // as it came, or with `edits`
    drop,        // `reason` says why
    reset_both,  // drop it, and reset both ends of the connection
    gap,  // bytes up to `gap_to` will never be seen: skip_gap(), scan, judge again (replay, adopted sessions)
    start,     // adopted: the first segment of its sender; the stream starts at `gap_to`: start_at(), judge
               // again
    anew,      // adopted by a segment that nothing confirmed: adopt the connection again, from this one
    diverged,  // replay: the captured host took bytes that were dropped here
  };

  Kind kind = Kind::forward;
  Reason reason = Reason::none;
  Transition transition = Transition::none;
  std::uint8_t candidate = 0;
  Edits edits;
  StreamEvents events;

  bool accepted = false;    // the receiver processes it: ACK, window and timestamp count on commit
  bool old_ack = false;     // its ACK is older than others: not taken
  bool overlay = false;     // the payload must be overwritten by the kept values before it is scanned or sent
  StreamOffset offset = 0;  // of the first payload byte left after the edits
  std::uint32_t length = 0;  // payload bytes that enter the stream (0: none, or a repeat)
  bool fin = false;          // the FIN goes out and ends the stream at offset + length
  StreamOffset ack = 0;      // acknowledged offset of the reverse direction
  StreamOffset readable_to =
      0;  // the in-order end once this is forwarded; scan from the current one up to here
  StreamOffset gap_to = 0;
  bool gap_in_reverse = false;  // the gap is in the stream that this segment acknowledges, not in its own

  [[nodiscard]] bool forwards() const { return kind == Kind::forward; }
};

[[nodiscard]] std::string to_string(const Ruling& ruling);

}  // namespace lockstep::reassembly
