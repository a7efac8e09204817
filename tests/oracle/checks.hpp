// What must hold of an outcome, in the words of the design's invariants, and the sums over many.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "tests/oracle/conversation.hpp"

namespace lockstep::oracle {

enum class Violation : std::uint8_t {
  blind_byte,      // L1, L2: the application read a byte that was not scanned there with that value
  signature_read,  // L1: it read the whole of what a drop rule knows
  honest_cut,      // L4: an honest stream did not arrive whole, or its peer never learnt so, though without
                   // the engine it does
  slow,            // L4: it took more rounds of repeats than without the engine, and a few
  meddling,        // L4: of the honest packets of a run more than one in a hundred did not leave as they came
  unclean,         // what no packet to the host may carry
  reset_untold,    // L3: the host was reset, and the engine thinks that it can't have been
  false_alarm,  // observing: the signature was found, of no other reading was told, and the host never read
                // it. A sum of these is bounded, one of them is no violation; counted where faults are looked
                // for
  missed,       // observing: it read what no reported reading had
};
[[nodiscard]] std::string_view name(Violation violation);

[[nodiscard]] std::optional<Violation> violation_of(const Scenario& scenario, Mode mode,
                                                    const Outcome& outcome, bool strict = false);

// Plays the scenario and judges it; `strict`: a false alarm is a violation. Honest scenarios are played
// without the engine first.
struct Judged {
  Outcome outcome;
  std::optional<Violation> violation;
  bool counts = true;  // false: an honest scenario that fails without the engine as well
};
[[nodiscard]] Judged judge(const Scenario& scenario, Mode mode, KernelHost& host, Rules& rules,
                           bool strict = false);

struct Sums {
  std::uint64_t scenarios = 0;
  std::uint64_t honest = 0;
  std::uint64_t left_out = 0;   // honest ones that fail without the engine
  std::uint64_t delivered = 0;  // the application read the whole signature
  // Observing, one of three: settled (all that was read is in a scanned reading), reported (it is not, and
  // the flow was told to be ambiguous), missed (the violation).
  std::uint64_t settled = 0;
  std::uint64_t reported = 0;
  std::uint64_t told = 0;  // observing: of those and the settled ones, how many were told to be ambiguous
  std::uint64_t false_alarms = 0;
  std::uint64_t gave_up = 0;
  std::uint64_t honest_packets = 0;
  std::map<Reason, std::uint64_t> honest_changed;
  std::map<Violation, std::uint64_t> violations;

  void add(const Scenario& scenario, const Judged& judged);
  // More than one honest packet in a hundred did not leave as it came. Of few packets nothing is said.
  [[nodiscard]] bool meddled() const;
  [[nodiscard]] std::string report(Mode mode) const;
};

}  // namespace lockstep::oracle
