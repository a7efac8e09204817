// A rule set in force: the compiled rules and what their matches lead to. Immutable; shared by all workers
// and by the flows that were opened under it.
#pragma once
#include <memory>

#include "engine/rule_policy.hpp"
#include "signatures/rule_set.hpp"

namespace lockstep {

struct RuleGeneration {
  std::shared_ptr<const signatures::RuleSet> set;
  RulePolicies policies;
};

}  // namespace lockstep
