// Faults that a test build can switch on, one at a time: each breaks one rule of acceptance, of the store, of
// FIN or RST. The oracle proves itself by finding each of them (tests/oracle). Every further rule gets its
// fault here. In all other builds faulty() is the constant false, and the compiler leaves nothing of it.
#pragma once
#include <cstdint>
#include <string_view>

namespace lockstep::reassembly {

#define LOCKSTEP_FAULTS_LIST(X)                                                     \
  X(reset_in_window_ends_tracking, "a RST in the window, not exact, ends tracking") \
  X(first_syn_binds, "the first of several SYNs is taken for the answered one")     \
  X(echo_unchecked, "the echo of the handshake's last ACK is not checked")          \
  X(right_edge_untrimmed, "bytes right of the window stay")                         \
  X(fin_ahead_forwarded, "a FIN ahead of a hole goes out and pins the end")         \
  X(last_copy_wins, "a differing repeat goes out as it came")                       \
  X(urgent_kept, "the urgent pointer stays")                                        \
  X(ackless_stored, "data without ACK is stored and forwarded")                     \
  X(hole_skipped, "with too many holes the first is skipped")                       \
  X(sack_edge_reset_ignored, "a RST at the SACK edge is thought harmless")          \
  X(fragment_overlap_accepted, "an overlapping fragment does not end its datagram") \
  X(store_freed_on_any_ack, "any ACK frees all that is stored")                     \
  X(mp_join_passed, "MP_JOIN passes")                                               \
  X(repeat_dropped, "a repeat left of the ACK is dropped")                          \
  X(sides_unknown, "an ACK counts whichever side it comes from")

enum class Fault : std::uint8_t {
  none,
#define X(name, text) name,
  LOCKSTEP_FAULTS_LIST(X)
#undef X
};

#ifdef LOCKSTEP_FAULTS
inline Fault fault = Fault::none;  // the one that is switched on
inline bool faulty(Fault which) {
  return fault == which;
}
#else
constexpr bool faulty(Fault) {
  return false;
}
#endif

}  // namespace lockstep::reassembly
