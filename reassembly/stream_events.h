/* What is odd about a segment, in Suricata's words where they fit (EVE anomaly "stream" events and the rule keyword
 * stream-event), in our own where they don't. X(identifier, "name") */
#ifndef LOCKSTEP_STREAM_EVENTS_H
#define LOCKSTEP_STREAM_EVENTS_H

#define LOCKSTEP_STREAM_EVENTS(X)                                                   \
  X(whs_synack_with_wrong_ack, "3whs_synack_with_wrong_ack")                        \
  X(whs_synack_resend_with_diff_seq, "3whs_synack_resend_with_diff_seq")            \
  X(whs_synack_in_wrong_direction, "3whs_synack_in_wrong_direction")                \
  X(whs_synack_tfo_data_ignored, "3whs_synack_tfo_data_ignored")                    \
  X(whs_syn_resend_diff_seq_on_syn_recv, "3whs_syn_resend_diff_seq_on_syn_recv")    \
  X(whs_syn_toclient_on_syn_recv, "3whs_syn_toclient_on_syn_recv")                  \
  X(whs_syn_flood, "3whs_syn_flood")                                                \
  X(whs_right_seq_wrong_ack_evasion, "3whs_right_seq_wrong_ack_evasion")            \
  X(whs_ack_data_inject, "3whs_ack_data_inject")                                    \
  X(est_packet_out_of_window, "est_packet_out_of_window")                           \
  X(est_invalid_ack, "est_invalid_ack")                                             \
  X(est_pkt_before_last_ack, "est_pkt_before_last_ack")                             \
  X(est_syn_resend, "est_syn_resend")                                               \
  X(est_syn_resend_diff_seq, "est_syn_resend_diff_seq")                             \
  X(est_syn_toclient, "est_syn_toclient")                                           \
  X(est_synack_resend, "est_synack_resend")                                         \
  X(est_synack_resend_with_diff_seq, "est_synack_resend_with_diff_seq")             \
  X(est_synack_toserver, "est_synack_toserver")                                     \
  X(est_ack_zwp_data, "est_ack_zwp_data")                                           \
  X(fin_out_of_window, "fin_out_of_window")                                         \
  X(pkt_invalid_timestamp, "pkt_invalid_timestamp")                                 \
  X(pkt_invalid_ack, "pkt_invalid_ack")                                             \
  X(pkt_broken_ack, "pkt_broken_ack")                                               \
  X(pkt_retransmission, "pkt_retransmission")                                       \
  X(pkt_spurious_retransmission, "pkt_spurious_retransmission")                     \
  X(rst_invalid_ack, "rst_invalid_ack")                                             \
  X(rst_with_data, "rst_with_data")                                                 \
  X(rst_out_of_window, "rst_out_of_window")                                         \
  X(suspected_rst_inject, "suspected_rst_inject")                                   \
  X(shutdown_syn_resend, "shutdown_syn_resend")                                     \
  X(reassembly_seq_gap, "reassembly_seq_gap")                                       \
  X(reassembly_overlap_different_data, "reassembly_overlap_different_data")         \
  X(reassembly_segment_before_base_seq, "reassembly_segment_before_base_seq")       \
  X(reassembly_insert_memcap, "reassembly_insert_memcap")                           \
  X(reassembly_insert_limit, "reassembly_insert_limit")                             \
  X(urgent_data, "urgent_data")                                                     \
  X(timestamp_jump, "timestamp_jump")                                               \
  X(unasked_authentication, "unasked_authentication")                               \
  X(data_after_fin, "data_after_fin")                                               \
  X(mptcp, "mptcp")                                                                 \
  X(ambiguous, "ambiguous")                                                         \
  X(capture_gap, "capture_gap")                                                     \
  X(one_direction, "one_direction")

#endif
