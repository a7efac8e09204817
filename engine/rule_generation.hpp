// A rule set in force: the compiled rules and what their matches lead to. Immutable; shared by all workers
// and by the flows that were opened under it, and gone with the last of them.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/rule_policy.hpp"
#include "signatures/rule_set.hpp"

namespace lockstep {

struct EveSettings;

// What became of the rules of its files.
struct RuleCounts {
  std::uint64_t loaded = 0;
  std::uint64_t failed = 0;
  std::uint64_t skipped = 0;
};

// A rule that could not be used.
struct FailedRule {
  std::string file;
  std::uint32_t line = 0;
  std::string text;  // the beginning of its line
  std::string error;
};

struct RuleGeneration {
  std::shared_ptr<const signatures::RuleSet> set;
  RulePolicies policies;
  RuleCounts counts;
  std::vector<FailedRule> failed;
  signatures::RateControl rates;           // what the policies came from
  std::shared_ptr<const EveSettings> log;  // what is written of its matches and of all else; never null

  // Events name it. Sets count from 1 in the order in which they were loaded.
  [[nodiscard]] std::uint64_t number() const { return set->generation(); }
};

}  // namespace lockstep
