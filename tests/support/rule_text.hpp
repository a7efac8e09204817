// A rule value in the language, so that a failing test can be pasted into a rule file.
#pragma once
#include <string>
#include <vector>

#include "signatures/rule.hpp"

namespace lockstep::signatures {

// Header `tcp any any -> any any` or tcp-stream; payload options and flowbits. Flowbit n is called by
// `flowbits[n]`.
[[nodiscard]] std::string rule_text(const Rule& rule, const std::vector<std::string>& flowbits);

}  // namespace lockstep::signatures
