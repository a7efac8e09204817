// From settings to parsed rules: finds and reads the files, fills in variables and tables, turns rules into
// drop rules as asked.
#pragma once
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "engine/settings.hpp"
#include "signatures/parser.hpp"
#include "signatures/rate_control.hpp"

namespace lockstep {

struct LoadedRules {
  signatures::ParsedRules parsed;  // with the report; what failed or was skipped stops nothing
  signatures::RateControl rates;   // threshold.config
};

// The error holds a line for each thing that stops the whole: a file that can't be read, a variable that
// makes no sense, a word of --drop that no rule answers to. `earlier`: the names of the set that this one is
// to follow; they keep their numbers.
[[nodiscard]] tl::expected<LoadedRules, std::vector<std::string>> load_rules(
    const Settings& settings, const signatures::Names& earlier = {});

}  // namespace lockstep
