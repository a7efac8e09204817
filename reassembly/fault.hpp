// Faults that a test build can switch on, one at a time: each breaks one rule of acceptance, of the store, of
// FIN or RST. The oracle proves itself by finding each of them (tests/oracle). Every further rule gets its
// fault here. In all other builds faulty() is the constant false, and the compiler leaves nothing of it.
#pragma once
#include <cstdint>
#include <string_view>

namespace lockstep::reassembly {

#define LOCKSTEP_FAULTS_LIST(X)                                                          \
  X(reset_in_window_ends_tracking, "a RST in the window, not exact, ends tracking")      \
  X(first_syn_binds, "the first of several SYNs is taken for the answered one")          \
  X(echo_unchecked, "the echo of the handshake's last ACK is not checked")               \
  X(right_edge_untrimmed, "bytes right of the window stay")                              \
  X(fin_ahead_forwarded, "a FIN ahead of a hole goes out and pins the end")              \
  X(last_copy_wins, "a differing repeat goes out as it came")                            \
  X(urgent_kept, "the urgent pointer stays")                                             \
  X(ackless_stored, "data without ACK is stored and forwarded")                          \
  X(hole_skipped, "with too many holes the first is skipped")                            \
  X(sack_edge_reset_ignored, "a RST at the SACK edge is thought harmless")               \
  X(fragment_overlap_accepted, "an overlapping fragment does not end its datagram")      \
  X(store_freed_on_any_ack, "any ACK frees all that is stored")                          \
  X(mp_join_passed, "MP_JOIN passes")                                                    \
  X(repeat_dropped, "a repeat left of the ACK is dropped")                               \
  X(sides_unknown, "an ACK counts whichever side it comes from")                         \
  X(tcp_checksum_unchecked, "a wrong TCP checksum is taken")                             \
  X(ip_checksum_unchecked, "a wrong IPv4 header checksum is taken")                      \
  X(source_route_taken, "an IPv4 source route is taken")                                 \
  X(options_unchecked, "TCP options that do not parse are taken")                        \
  X(syn_flags_unchecked, "SYN together with FIN or RST is taken")                        \
  X(syn_payload_kept, "what comes with a SYN goes out")                                  \
  X(syn_urgent_kept, "the urgent pointer of a SYN goes out")                             \
  X(syn_ack_number_kept, "the stray number of a SYN without ACK goes out")               \
  X(fast_open_kept, "TCP Fast Open is left on a SYN")                                    \
  X(mp_capable_kept, "MP_CAPABLE is left on a SYN")                                      \
  X(unknown_option_kept, "an unknown option is left on a SYN")                           \
  X(window_scale_kept, "a window scale above 14 goes out")                               \
  X(synack_number_unchecked, "a SYN-ACK need not acknowledge a SYN")                     \
  X(synack_echo_unchecked, "what a SYN-ACK echoes is not checked")                       \
  X(listener_syn_passed, "a SYN of the side that was asked passes")                      \
  X(second_synack_forgotten, "of two SYN-ACKs only the first can be answered")           \
  X(early_data_taken, "data before the handshake's last ACK are taken")                  \
  X(handshake_ack_unchecked, "what the last ACK acknowledges is not checked")            \
  X(handshake_paws_unchecked, "the timestamp of the last ACK is not checked")            \
  X(handshake_reset_untold, "a RST before the last ACK is thought harmless")             \
  X(reset_ends_tracking, "a RST that goes out ends tracking")                            \
  X(reset_payload_kept, "a RST keeps its payload")                                       \
  X(reset_flags_kept, "a RST keeps its other flags")                                     \
  X(fin_edge_reset_ignored, "a RST at the number of the FIN is thought harmless")        \
  X(reuse_unnoticed, "a SYN-ACK for a new SYN starts no new connection")                 \
  X(md5_unchecked, "an MD5 signature that was not agreed on is taken")                   \
  X(paws_unchecked, "an old timestamp is taken")                                         \
  X(timestamp_ahead_taken, "a timestamp ahead of a hole counts")                         \
  X(ack_of_unsent_taken, "an ACK of what was not sent is taken")                         \
  X(ack_too_old_taken, "an ACK that is far too old is taken")                            \
  X(urgent_repeat_kept, "the urgent pointer of a repeat stays")                          \
  X(stray_urgent_kept, "an urgent pointer without URG stays")                            \
  X(beyond_window_stored, "data right of the window are stored and forwarded")           \
  X(probe_dropped, "at a closed window the first byte is dropped")                       \
  X(window_update_ignored, "the window stays where the handshake put it")                \
  X(window_unscaled, "windows are not scaled")                                           \
  X(data_after_fin_taken, "data behind the FIN are taken")                               \
  X(fin_over_data_taken, "a FIN where data went out already counts")                     \
  X(ahead_conflict_passed, "a copy that differs ahead of a hole goes out")               \
  X(held_bytes_unscanned, "what waited ahead of a hole is not scanned")                  \
  X(fast_open_unnoticed, "observing, TCP Fast Open goes unnoticed")                      \
  X(split_handshake_unnoticed, "observing, a split handshake goes unnoticed")            \
  X(timestamp_unproved, "observing, a timestamp counts without an echo")                 \
  X(fin_never_erased, "observing, data never erase a FIN")                               \
  X(reset_sender_reads_on, "observing, who sent a RST reads on")                         \
  X(prediction_ignored, "observing, header prediction is ignored")                       \
  X(conflict_untold, "observing, differing repeats are not told")                        \
  X(ahead_conflict_untold, "observing, copies that differ ahead of a hole are not told") \
  X(push_cleared, "every segment loses its PSH")                                         \
  X(segments_halved, "only the front half of a segment goes out")

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
