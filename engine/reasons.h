/* Why a packet is not forwarded unchanged, as far as the engine itself decides it: X(name, suricata, text). */
#ifndef LOCKSTEP_ENGINE_REASONS_H
#define LOCKSTEP_ENGINE_REASONS_H

#define LOCKSTEP_ENGINE_REASONS(X)                                                                          \
  X(flow_dropped, flow_drop, "an earlier packet of this flow was dropped for good; the event names the rule") \
  X(flow_table_full, flow_memcap, "no room for another flow and none that may be given up")                 \
  X(diverged, stream_error, "replay only: the captured host took bytes that were not forwarded here")       \
  X(midstream, stream_midstream, "a connection met in its middle, and stream.midstream = false refuses those") \
  X(flow_expired, stream_error, "a hole in the flow was not filled in time: it was reset at both ends")      \
  X(source_over_share, stream_memcap, "the pool was full and the flow's source held most of it: it was reset at both ends") \
  X(blocked, rules, "an operator blocked an address of it, or its connection")                                \
  X(socket_queue_full, kernel_drop, "inline: the engine was behind, and the ring of received frames was full") \
  X(frame_too_long, kernel_drop, "inline: a frame larger than the interface's MTU, merged by an offload")     \
  X(handover_full, kernel_drop, "inline: the worker that has the flow was behind")                           \
  X(forwarded_past, kernel_drop, "inline: later packets had been forwarded while the engine stood still")    \
  X(egress_refused, kernel_drop, "inline: the interface that it should have left by took nothing")

#endif
