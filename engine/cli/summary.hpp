// What a replay tells at its end.
#pragma once
#include <chrono>
#include <optional>
#include <span>
#include <string>

#include "engine/counters.hpp"
#include "signatures/rule.hpp"
#include "xdp/counts.hpp"

namespace lockstep {

struct Summary {
  const Counters& counters;
  std::span<const signatures::Rule> rules = {};  // for the messages of those that fired
  // What the replay itself took. Differs from run to run, so give it only where a person watches.
  std::optional<std::chrono::duration<double>> taken = {};
};

// Packets by fate, kind and reason, flows, alerts by rule, gaps; sums that do not hold stand at the end as
// errors.
[[nodiscard]] std::string to_string(const Summary& summary, bool colours);

// What came in by one interface of a pair: each frame in one way of the kernel's part of the wire (enum
// ls_way and ls_drop), and what the engine knows of those that it was given.
struct SideSummary {
  std::string_view interface;
  std::span<const ls_count, LS_COUNTED> kernel;
  std::uint64_t received = 0;
  std::uint64_t lost = 0;
  std::uint64_t refused = 0;  // of what was forwarded, by the kernel or the engine: see Wire::refused()

  // Given to the engine = received + lost; holds once nothing is on its way.
  [[nodiscard]] bool balanced() const { return kernel[LS_TO_ENGINE].packets == received + lost; }
};
// With an error at the end if it is not balanced.
[[nodiscard]] std::string to_string(const SideSummary& side, bool colours);

// "1,234,567"
[[nodiscard]] std::string grouped(std::uint64_t number);

}  // namespace lockstep
