// Observing: which bytes did the host read where copies of the same sequence numbers differ? Nothing can be
// rewritten here, so the answer is the host's: its out-of-order queue decides segment by segment, and two
// kinds of host decide differently. This file holds the models of such queues and the small set of readings
// that they can produce.
//
// Every model sees whole segments in order of arrival, because no rule for single bytes predicts a queue (for
// three segments the answer depends on their bounds and their order; EVASIONS O02, O06). Bytes that were
// delivered in order are never replaced.
//
// Functions of their arguments; safe to call from any thread. They are called only when copies differ, and
// allocate (vectors sized by the number of arrivals and the length of the runs). Nothing throws on hostile
// input; work is bounded by (number of models) x (number of arrivals)^2, so callers bound the arrivals
// (SegmentLog does).
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "reassembly/seq.hpp"

#ifdef linux
#error "GNU dialects define `linux`, which is a name here: compile with -std=c++20"
#endif

namespace lockstep::reassembly {

// Names as Suricata's host-os-policy has them, and `first` and `last`. Several hosts share a queue:
//   bsd, hpux10, irix, macos, windows, windows2k3   the segment that starts earlier, the older one at a tie
//   bsd_right, old_solaris, vista, first            the older one
//   solaris, hpux11                                 the one that reaches further right, the newer at equal
//   bounds old_linux                                       the one that starts earlier; at a tie the newer,
//   unless shorter linux                                           Linux since 4.9: the kernel's queue, see
//   linux_queue.hpp last                                            the newer one
// (Novak and Sturges, Target-Based TCP Stream Reassembly, 2007; Suricata, stream-tcp-list.c.)
#define LOCKSTEP_OVERLAP_POLICIES(X) \
  X(bsd, "bsd")                      \
  X(bsd_right, "bsd-right")          \
  X(old_linux, "old-linux")          \
  X(linux, "linux")                  \
  X(old_solaris, "old-solaris")      \
  X(solaris, "solaris")              \
  X(hpux10, "hpux10")                \
  X(hpux11, "hpux11")                \
  X(irix, "irix")                    \
  X(macos, "macos")                  \
  X(vista, "vista")                  \
  X(windows, "windows")              \
  X(windows2k3, "windows2k3")        \
  X(first, "first")                  \
  X(last, "last")

enum class OverlapPolicy : std::uint8_t {
#define X(policy, text) policy,
  LOCKSTEP_OVERLAP_POLICIES(X)
#undef X
};

inline constexpr std::array overlap_policy_names{
#define X(policy, text) std::string_view(text),
    LOCKSTEP_OVERLAP_POLICIES(X)
#undef X
};
inline constexpr std::size_t overlap_policy_count = overlap_policy_names.size();
[[nodiscard]] std::string_view name(OverlapPolicy policy);
[[nodiscard]] std::optional<OverlapPolicy> overlap_policy_from_name(std::string_view name);

// A segment that the host took: [begin, end) of the stream.
struct Arrival {
  StreamOffset begin = 0;
  StreamOffset end = 0;
  StreamOffset in_order =
      0;  // the in-order end just before it came; never falls from one arrival to the next
  // Its bytes from bytes_at on. They may be a part of it, if that part holds all of it that is in a run which
  // readings() is asked about.
  std::span<const std::uint8_t> bytes;
  StreamOffset bytes_at = 0;
};

// What a host does with segments in its queue.
enum class HostQueue : std::uint8_t {
  linux_coalescing,  // Linux, adjacent segments merge whenever they meet (what 6.18 does with small ones)
  linux_tail,        // Linux, segments merge only with the last one of the queue (before 4.9)
  linux_plain,       // Linux, segments never merge (buffers that can't be merged)
  first,
  last,
  bsd,        // a segment that lost bytes counts with the bounds of what is left of it, as hosts trim
  bsd_whole,  // ... with its bounds on the wire, as Suricata compares
  old_linux,
  old_linux_whole,
  linux_rule,  // Suricata's rule for `linux`: the earlier start; at a tie the longer; else the older
  linux_rule_whole,
  solaris,
  solaris_whole,
};
[[nodiscard]] std::string_view name(HostQueue queue);

struct HostModel {
  HostQueue queue = HostQueue::linux_coalescing;
  // Bytes in order leave the queue at once. false: the segment at the in-order end reached the host last,
  // whenever we saw it, so that everything met in the queue.
  bool delivers = true;
  bool operator==(const HostModel&) const = default;
};

// All models that are asked; a ModelSet has bit i for all_host_models()[i].
[[nodiscard]] std::span<const HostModel> all_host_models();
using ModelSet = std::uint32_t;
[[nodiscard]] HostModel host_model(OverlapPolicy policy);
// Whether hosts of one kind may behave as either model.
[[nodiscard]] bool same_kind(const HostModel& a, const HostModel& b);

// [begin, end) is read from arrivals[arrival].
struct Piece {
  StreamOffset begin = 0;
  StreamOffset end = 0;
  std::uint32_t arrival = 0;
  bool operator==(const Piece&) const = default;
};

// Who supplies each byte that the host has once everything has arrived: ascending, disjoint, and together
// every byte that some arrival covers (what was delivered before that arrival came may be missing).
[[nodiscard]] std::vector<Piece> read_as(HostModel model, std::span<const Arrival> arrivals);

// Bytes [begin, end) of the stream.
struct Run {
  StreamOffset begin = 0;
  StreamOffset end = 0;
  bool operator==(const Run&) const = default;
};

// One thing that a host may have read in a run.
struct Reading {
  std::vector<std::uint8_t> bytes;
  ModelSet models = 0;  // who reads it so. One host is one model: readings of two runs go together only if
                        // their sets share a model.
};

struct RunReadings {
  Run run;
  std::vector<Reading> readings;  // distinct; the named policy's own first
  bool too_many = false;  // more than `most` of them, or the run is too long: those listed are not all
};

struct ReadingLimits {
  std::size_t most = 16;              // readings of a run; at least 1
  StreamOffset longest_run = 262144;  // bytes; of a longer one only the policy's own reading is listed
  bool named = false;                 // the host is of the policy's kind: how other kinds read does not count
};

// The readings of each run. Every byte of a run must be covered by an arrival (one that is not reads as 0).
[[nodiscard]] std::vector<RunReadings> readings(std::span<const Arrival> arrivals, std::span<const Run> runs,
                                                OverlapPolicy policy, ReadingLimits limits = {});

}  // namespace lockstep::reassembly
