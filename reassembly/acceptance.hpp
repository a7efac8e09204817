// The rules by which a host takes or refuses a segment, as free functions of a few numbers. Strict: where
// hosts differ, or where we can't know, a segment that some host would refuse is refused (it must not enter
// the store).
#pragma once
#include <cstdint>

#include "reassembly/host_mirror.hpp"
#include "reassembly/segment.hpp"

namespace lockstep::reassembly {

// RFC 7323 §5.3 R1, with the window of one tick that Linux grants (TCP_PAWS_WINDOW, EVASIONS D04).
[[nodiscard]] constexpr bool paws_old(std::uint32_t value, std::uint32_t recent) {
  return static_cast<std::int32_t>(value - recent) < -1;
}

// Does PAWS refuse this segment? RFC 7323 §5.5: a ts_recent older than 24 days says nothing.
[[nodiscard]] bool paws_refuses(const HostMirror& receiver, const Segment& segment);

enum class ResetPlace : std::uint8_t {
  possible,   // the receiver may take it: rcv_nxt for some value that rcv_nxt can have, SACK edge, FIN cases
  in_window,  // it would answer with a challenge ACK (RFC 5961 §3.2)
  outside,    // it ignores it
};
[[nodiscard]] ResetPlace place_of_reset(const HostMirror& receiver, StreamOffset offset);

enum class AckPlace : std::uint8_t {
  good,     // up to what was forwarded
  old,      // older than the highest one, yet near enough: the data counts, the ACK does not
  too_old,  // RFC 5961 §5: challenge ACK, discarded
  unsent,   // acknowledges what was never forwarded
};
// `acker` is the mirror of the segment's sender, as the receiver of the stream that `offset` acknowledges.
[[nodiscard]] AckPlace place_of_ack(const HostMirror& acker, StreamOffset offset);

}  // namespace lockstep::reassembly
