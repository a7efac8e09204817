// What becomes different when one rule set takes another's place.
#pragma once
#include <cstddef>
#include <vector>

#include "signatures/rule_set.hpp"

namespace lockstep {

struct RuleChanges {
  std::vector<signatures::RuleId> added, removed, changed;  // by gid and sid; changed: as they are now
  std::size_t same = 0;

  [[nodiscard]] bool any() const { return !added.empty() || !removed.empty() || !changed.empty(); }
};

// A rule has changed if its text has, or its action (rules.drop), or the addresses or ports that variables
// stand for. Shadow rules are not asked. Linear in the rules, apart from sorting.
[[nodiscard]] RuleChanges compare(const signatures::RuleSet& before, const signatures::RuleSet& after);

}  // namespace lockstep
