// The rules that a replay or an inline run starts with, and what the user is told of them.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "engine/rule_generation.hpp"
#include "engine/settings.hpp"

namespace lockstep {

inline constexpr std::string_view no_rules = "no rules are loaded: name some by -S or the key rules.files";

// Loads and compiles what the settings name as generation 1; the summary goes to stdout, what failed to
// stderr. Without rule files an empty set. The errors are lines for the user; none: told already.
[[nodiscard]] tl::expected<std::shared_ptr<const RuleGeneration>, std::vector<std::string>> first_generation(
    const Settings& settings);

}  // namespace lockstep
