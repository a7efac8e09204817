/* Why the kernel program drops a packet by itself, beside what its look at one frame shows (the decoder's
 * reasons, reassembly/reasons.h): X(name, suricata, text). */
#ifndef LOCKSTEP_XDP_REASONS_H
#define LOCKSTEP_XDP_REASONS_H

#define LOCKSTEP_XDP_REASONS(X)                                                                              \
  X(blocked_prefix, rules, "one of its addresses is in a blocked prefix")                                    \
  X(blocked_flow, flow_drop, "an earlier packet of this flow was dropped for good, and the kernel was told") \
  X(syn_rate, stream_error, "more SYNs from this source prefix than wire.syn-rate allows")                   \
  X(engine_absent, kernel_drop, "wire.fail is closed, and the engine is gone or stands still")

#endif
