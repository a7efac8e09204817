// Shadow rules: a second set that is evaluated beside the one in force, in the same pass over the bytes, and
// told of, but never acted on. Its flowbits, xbits and flowints are its own, and it may have rules with the
// sids of acting ones. Values; one thread.
#pragma once
#include <vector>

#include "signatures/rule.hpp"
#include "signatures/rule_set.hpp"

namespace lockstep::signatures {

// Makes shadows of rules that were parsed over `names`, and gives what they remember names of its own.
void make_shadows(std::vector<Rule>& rules, Names& names);
// The other way: they act.
void make_acting(std::vector<Rule>& shadows, Names& names);

// Copies of the rules of a set that are shadows, or that are not.
[[nodiscard]] std::vector<Rule> rules_of(const RuleSet& set, bool shadows);

}  // namespace lockstep::signatures
