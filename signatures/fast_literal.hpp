// Which literal of a rule is looked for in all traffic (the "fast pattern"). The choice never changes what
// matches, only what it costs: an explicit fast_pattern is followed unless it is short or noisy where a
// better content exists.
#pragma once
#include <cstddef>
#include <optional>

#include "signatures/compiled.hpp"
#include "signatures/rule.hpp"

namespace lockstep::signatures {

// Literals below this length spoil a large set and go into one of their own.
inline constexpr std::size_t short_literal = 4;

// Fills `literal`, `lookback` and the contents' `gated`. A rule without a positive content is left without a
// literal.
void choose_literal(const Rule& rule, CompiledRule& compiled);

}  // namespace lockstep::signatures
