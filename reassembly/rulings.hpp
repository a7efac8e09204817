// Rulings that several judges give, built in one place.
#pragma once
#include <optional>

#include "reassembly/ruling.hpp"
#include "reassembly/segment.hpp"

namespace lockstep::reassembly {

[[nodiscard]] inline Ruling drop(Reason reason) {
  Ruling ruling;
  ruling.kind = Ruling::Kind::drop;
  ruling.reason = reason;
  return ruling;
}

[[nodiscard]] inline Ruling drop(Reason reason, StreamEvent event) {
  Ruling ruling = drop(reason);
  ruling.events.add(event);
  return ruling;
}

// RFC 9293 §3.10.7.4: inside a connection a segment without ACK counts for nothing.
[[nodiscard]] inline Ruling drop_without_ack(const Segment& segment) {
  Ruling ruling = drop(Reason::no_ack_flag);
  if (segment.ack.value() != 0) ruling.events.add(StreamEvent::pkt_broken_ack);
  return ruling;
}

// Where the connection's numbers are not known: of a RST, which ends what is not there and carries no byte,
// and of what acknowledges nothing. Nothing: the segment tells numbers to begin with.
[[nodiscard]] std::optional<Ruling> without_numbers(const Segment& segment);

// A RST that may go out: a plain one, whatever came with it (EVASIONS R16, R18; RFC 9293 §3.10.7.4: RST
// wins).
[[nodiscard]] Ruling stripped_reset(const Segment& segment);

// No segment goes out with an urgent pointer.
void clear_urgent(const Segment& segment, Ruling& ruling);

}  // namespace lockstep::reassembly
