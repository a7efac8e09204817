// Suricata's order of evaluation: action, then use of flowbits, flowints and xbits (rules that write come
// before those that read, and those before rules without), then priority, then the order in which the rules
// were given.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "signatures/rule.hpp"

namespace lockstep::signatures {

// Reject in any direction counts as `reject`. An action that the order does not name comes last.
[[nodiscard]] std::vector<std::uint32_t> evaluation_order(const std::vector<Rule>& rules,
                                                          const std::array<Action, 4>& action_order);

}  // namespace lockstep::signatures
