/* Why a packet is not forwarded unchanged, as far as signatures decide it: X(name, suricata, text), plain C. */
#ifndef LOCKSTEP_SIGNATURES_REASONS_H
#define LOCKSTEP_SIGNATURES_REASONS_H

#define LOCKSTEP_SIGNATURE_REASONS(X)                                                                   \
  X(signature, rules, "a drop rule matched; the event names it")                                        \
  X(signature_reject, rules, "a reject rule matched; the sender or both ends are reset")                \
  X(rate_filter, threshold_detection_filter, "a rate_filter of threshold.config turned an alert into a drop")

#endif
