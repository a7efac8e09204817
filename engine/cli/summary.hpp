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

// What the kernel's part of a wire did, both sides together.
[[nodiscard]] std::string kernel_summary(const xdp::Counts& counts, bool colours);

// "1,234,567"
[[nodiscard]] std::string grouped(std::uint64_t number);

}  // namespace lockstep
