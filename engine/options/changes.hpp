// What a reload may take along, and what it may not.
#pragma once
#include <string>
#include <vector>

#include "engine/settings.hpp"

namespace lockstep {

// A line for each setting that differs and can't change without a restart: "stream.memory can't change
// without a restart (\"256mb\" -> \"512mb\")". Option::reloads tells the others.
[[nodiscard]] std::vector<std::string> changes_for_restart(const Settings& before, const Settings& after);

}  // namespace lockstep
