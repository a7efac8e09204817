// Whether a transfer ended with the engine as it does without.
#pragma once
#include <optional>
#include <string>

#include "tests/honest/transfer.hpp"

namespace lockstep::honest {

struct Pair {
  std::optional<Outcome> plain;  // none: it would not end so without the engine
  Outcome engine;
};

// A transfer with the engine may take so long: the kernels' timers double with each loss, and other frames
// are lost.
[[nodiscard]] std::chrono::milliseconds time_bound(const Outcome& plain);

struct Violation {
  std::string text;
  bool integrity;  // bytes were read that no application may read: no second try
};
[[nodiscard]] std::optional<Violation> violation_of(const Scenario& scenario, const Pair& pair);

}  // namespace lockstep::honest
