// Parsed rules → a generation in force. Compiled databases are kept in a directory, if one is named: a file
// each, written beside and renamed, so that a reader never sees half of one.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "engine/load_rules.hpp"
#include "engine/rule_generation.hpp"
#include "engine/settings.hpp"

namespace lockstep {

// The names that `stream-event` knows: those that the reassembly raises.
[[nodiscard]] std::vector<std::string> stream_event_names();

// The error holds a line for each rule that could not be compiled, or what CompileOptions::objection said.
using Objection = std::function<std::optional<std::string>()>;
[[nodiscard]] tl::expected<std::shared_ptr<const RuleGeneration>, std::vector<std::string>> compile_rules(
    LoadedRules&& loaded, const Settings& settings, std::uint64_t generation, Objection objection = {});

}  // namespace lockstep
