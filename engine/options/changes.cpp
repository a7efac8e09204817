#include "engine/options/changes.hpp"

#include <fmt/format.h>

#include "engine/options/assign.hpp"
#include "engine/options/option.hpp"

namespace lockstep {

std::vector<std::string> changes_for_restart(const Settings& before, const Settings& after) {
  Invocation old_call, new_call;
  old_call.settings = before;
  new_call.settings = after;
  std::vector<std::string> changes;
  for (const Option& option : option_table()) {
    if (option.key.empty() || option.reloads || option.kind == Kind::names) continue;
    const std::string was = show_value(old_call, option);
    const std::string is = show_value(new_call, option);
    if (was != is)
      changes.push_back(fmt::format("{} can't change without a restart ({} -> {})", option.key, was, is));
  }
  return changes;
}

}  // namespace lockstep
