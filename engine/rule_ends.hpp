// The headers of a set's rules as the kernel's part of the wire needs them, to tell which connections are for
// the engine.
#pragma once
#include <vector>

#include "engine/rule_generation.hpp"
#include "xdp/suspicion.hpp"

namespace lockstep {

// Each different header once.
[[nodiscard]] std::vector<xdp::RuleEnds> rule_ends(const RuleGeneration& rules);

}  // namespace lockstep
