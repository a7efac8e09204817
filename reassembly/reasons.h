/* Why a packet is not forwarded unchanged, as far as this folder decides it. Plain C, one line a reason:
 *   X(name, suricata, text)
 * `name` is the counter, the log field and the manual's entry; `suricata` is the class that Suricata's users know
 * from drop.reason and ips.drop_reason.*; `text` is the manual's sentence. */
#ifndef LOCKSTEP_REASSEMBLY_REASONS_H
#define LOCKSTEP_REASSEMBLY_REASONS_H

/* Found by the decoder: one frame alone shows it. All are drops. */
#define LOCKSTEP_WIRE_REASONS(X)                                                                              \
  X(truncated_frame, decode_error, "the frame ends before a header that it announces, or was cut by the capture") \
  X(vlan_too_deep, decode_error, "more VLAN tags on the frame than a flow key holds")                         \
  X(ip_bad_header, decode_error, "IP version, header length or total length can't be true")                   \
  X(ip_bad_checksum, decode_error, "the IPv4 header checksum is wrong")                                       \
  X(ip_source_route, decode_error, "an IPv4 source route option or IPv6 routing header steers the packet")    \
  X(ip_bad_options, decode_error, "IPv4 options or an IPv6 extension header chain do not parse")              \
  X(land, decode_error, "source and destination are the same")                                                \
  X(tcp_bad_header, decode_error, "the TCP data offset is below 5 or beyond the packet")                      \
  X(tcp_bad_checksum, decode_error, "the TCP checksum is wrong; the end host would discard the segment")      \
  X(tcp_bad_options, decode_error, "TCP options do not parse cleanly to their end (hosts differ)")            \
  X(tcp_bad_flags, decode_error, "SYN together with FIN or RST: hosts differ, no honest sender does it")      \
  X(fragment_overlap, defrag_error, "IP fragments overlap; the whole datagram is discarded")                  \
  X(fragment_duplicate, defrag_error, "an exact copy of an IP fragment that is held already")                 \
  X(fragment_bad, defrag_error, "an IP fragment's place can't be true, or the first one lacks the TCP header") \
  X(fragment_timeout, defrag_error, "the datagram was not complete in time")                                  \
  X(fragment_limit, defrag_memcap, "no room to hold another fragment")

/* Decided by the session, from what the end host can know. Drops. */
#define LOCKSTEP_SESSION_DROP_REASONS(X)                                                                      \
  X(rst_not_at_rcv_nxt, stream_error, "a RST in the window, but not at the next number: the host stays open (RFC 5961 3.2)") \
  X(rst_out_of_window, stream_error, "a RST outside the receive window (RFC 5961 3.2)")                       \
  X(rst_bad_ack, stream_error, "a RST that acknowledges what the host can't have sent")                       \
  X(rst_bad_timestamp, stream_error, "a RST with a timestamp from the past: hosts differ (RFC 7323 5.2)")     \
  X(rst_held, stream_error, "stream.rst is probe: a RST waits until its claimed sender has answered for it")  \
  X(rst_in_handshake, stream_error, "a RST that the host ignores while the handshake is under way")           \
  X(syn_in_connection, stream_error, "a SYN inside a connection, beyond the rate at which they may pass (RFC 5961 4)") \
  X(syn_from_listener, stream_error, "a SYN from the side that was asked: split handshakes are not needed")   \
  X(syn_limit, stream_error, "more different SYNs than are kept for one connection")                          \
  X(synack_without_syn, stream_error, "a SYN-ACK that answers no SYN")                                        \
  X(synack_bad_ack, stream_error, "a SYN-ACK that acknowledges no SYN that was forwarded")                    \
  X(synack_bad_echo, stream_error, "a SYN-ACK that echoes no timestamp that the client sent")               \
  X(synack_changed, stream_error, "another SYN-ACK after the one that the client took")                       \
  X(handshake_bad_ack, stream_error, "the handshake's last ACK acknowledges no SYN-ACK that was forwarded")   \
  X(handshake_bad_echo, stream_error, "the handshake's last ACK echoes no timestamp that the server sent")    \
  X(data_before_handshake, stream_error, "data before the handshake is complete")                             \
  X(wrong_side, stream_error, "from the side on which its receiver is; the connection was opened across the pair") \
  X(no_ack_flag, stream_error, "a segment without ACK inside a connection (RFC 9293 3.10.7.4)")               \
  X(ack_of_unsent, stream_error, "acknowledges what was never forwarded (RFC 5961 5)")                        \
  X(ack_too_old, stream_error, "acknowledges far less than what is acknowledged already (RFC 5961 5)")        \
  X(paws_old, stream_error, "the timestamp is older than the last one taken (RFC 7323 5)")                    \
  X(timestamp_missing, stream_error, "no timestamp on a connection that negotiated them (RFC 7323 3.2)")      \
  X(md5_unasked, stream_error, "a TCP-MD5 option on a connection that did not negotiate it (RFC 2385)")       \
  X(ao_unasked, stream_error, "a TCP-AO option on a connection that did not negotiate it (RFC 5925)")         \
  X(beyond_window, stream_error, "the segment starts right of the receive window")                            \
  X(data_after_fin, stream_error, "data behind the end of the stream")                                        \
  X(fin_ahead_of_hole, stream_error, "a FIN without data ahead of a hole; the sender repeats it")             \
  X(fin_conflict, stream_error, "a FIN where data or another FIN was forwarded already")                      \
  X(out_of_order_limit, stream_reassembly, "out-of-order data beyond the budget; the sender repeats it")      \
  X(left_of_store, stream_reassembly, "bytes left of those kept: an ACK went out in their place, which asks the receiver what it has") \
  X(unknown_connection, stream_error, "no known connection, and none that can have been open before the start: its sender is reset") \
  X(not_confirmed, stream_error, "adopted by a segment of other numbers less than a second ago; the sender repeats it") \
  X(one_direction, stream_error, "the other direction was never seen, and stream.async-oneside refuses such connections") \
  X(store_full, stream_memcap, "no room to keep a copy of the data; the sender repeats it")                   \
  X(overlap_conflict, stream_error, "in-order data contradicts a copy that went out ahead of a hole: both ends are reset") \
  X(mptcp_join, stream_error, "MP_JOIN: a stream split over connections can't be inspected (RFC 8684)")

/* Forwarded, but not as it came. One packet may need several edits: the first in this order names it. */
#define LOCKSTEP_SESSION_EDIT_REASONS(X)                                                                      \
  X(rst_challenged, stream_error, "a RST in the window went out as an ACK that asks its claimed sender")      \
  X(rst_confirmed, stream_error, "the answer of a closed host, with the number of the RST that was held")     \
  X(overlap_rewritten, stream_error, "a differing retransmission went out with the bytes first forwarded")    \
  X(rst_stripped, stream_error, "a RST lost its payload or its other flags")                                  \
  X(syn_stripped, stream_error, "a SYN lost payload, a TCP Fast Open or unknown option, a stray number or flag") \
  X(mptcp_stripped, stream_error, "MP_CAPABLE was removed, so that the stream stays on one connection")       \
  X(urgent_cleared, stream_urgent, "the urgent pointer was cleared, so that no byte leaves the stream")       \
  X(fin_cleared, stream_error, "a FIN ahead of a hole was cleared; the sender repeats it")                    \
  X(trimmed_after_fin, stream_error, "bytes behind the end of the stream were cut off")                       \
  X(trimmed_right, stream_error, "bytes right of the receive window were cut off")                            \
  X(trimmed_left, stream_error, "bytes left of what the host acknowledged were cut off")

#define LOCKSTEP_SESSION_REASONS(X) LOCKSTEP_SESSION_DROP_REASONS(X) LOCKSTEP_SESSION_EDIT_REASONS(X)

#endif
