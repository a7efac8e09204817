#include "engine/reload/rule_changes.hpp"

#include <algorithm>
#include <tuple>

namespace lockstep {
namespace {

using signatures::Rule;
using signatures::RuleSet;

auto key(const Rule* rule) {
  return std::tuple(rule->id.gid, rule->id.sid);
}

std::vector<const Rule*> by_sid(const RuleSet& set) {
  std::vector<const Rule*> rules;
  for (std::uint32_t i = 0; i < set.size(); ++i) {
    if (!set.rule(i).shadow) rules.push_back(&set.rule(i));
  }
  std::sort(rules.begin(), rules.end(), [](const Rule* a, const Rule* b) { return key(a) < key(b); });
  return rules;
}

bool same(const Rule& a, const Rule& b) {
  return a.text == b.text && a.action == b.action && a.source == b.source && a.destination == b.destination &&
         a.source_ports == b.source_ports && a.destination_ports == b.destination_ports;
}

}  // namespace

RuleChanges compare(const RuleSet& before, const RuleSet& after) {
  RuleChanges changes;
  const auto old_rules = by_sid(before);
  const auto new_rules = by_sid(after);
  auto old_rule = old_rules.begin();
  for (const Rule* rule : new_rules) {
    for (; old_rule != old_rules.end() && key(*old_rule) < key(rule); ++old_rule)
      changes.removed.push_back((*old_rule)->id);
    if (old_rule == old_rules.end() || key(*old_rule) != key(rule)) {
      changes.added.push_back(rule->id);
    } else if (!same(**old_rule++, *rule)) {
      changes.changed.push_back(rule->id);
    } else {
      ++changes.same;
    }
  }
  for (; old_rule != old_rules.end(); ++old_rule) changes.removed.push_back((*old_rule)->id);
  return changes;
}

}  // namespace lockstep
