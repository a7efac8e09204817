// Queues that decide by a rule on the bounds of two segments: the newcomer and one that is there already.
// Which bytes a host holds is a list of pieces; a newcomer takes those of its bytes that no segment before it
// defends.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "reassembly/overlap.hpp"

namespace lockstep::reassembly {

// Who keeps the bytes that two segments share. Named after hosts; see overlap.hpp.
enum class OverlapRule : std::uint8_t { first, last, bsd, old_linux, linux_rule, solaris };

[[nodiscard]] bool newcomer_wins(OverlapRule rule, Run newcomer, Run present);

// One use: take(0), take(1), ... for all arrivals; then pieces().
class RuleQueue {
 public:
  // `trimmed`: segments that are there already count with the bounds of what is left of them, and the
  // newcomer with what is beyond the in-order end; else all with their bounds on the wire.
  RuleQueue(std::span<const Arrival> arrivals, OverlapRule rule, bool trimmed, bool delivers)
      : arrivals_(arrivals), rule_(rule), trimmed_(trimmed), delivers_(delivers) {}

  void take(std::uint32_t arrival);
  [[nodiscard]] const std::vector<Piece>& pieces() const { return pieces_; }

 private:
  void defend(Run newcomer, Run present);
  void overwrite(std::uint32_t arrival, StreamOffset begin, StreamOffset end);
  void advance();
  std::vector<Piece>::iterator first_ending_after(StreamOffset offset);

  std::span<const Arrival> arrivals_;
  OverlapRule rule_;
  bool trimmed_;
  bool delivers_;
  std::vector<Piece> pieces_;  // ascending, disjoint
  std::vector<Run> defended_;  // scratch: what the newcomer does not get
  StreamOffset in_order_ = INT64_MIN;
};

}  // namespace lockstep::reassembly
