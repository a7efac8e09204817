#include "engine/rule_policy.hpp"

#include <algorithm>

namespace lockstep {
namespace {

RulePolicy policy_of(const signatures::Rule& rule) {
  RulePolicy policy;
  policy.id = rule.id;
  policy.action = rule.action;
  signatures::Match match;
  match.on = signatures::MatchOn::packet;
  policy.scope_on_packet = signatures::scope_of(rule, match);
  match.on = signatures::MatchOn::stream;
  policy.scope_on_stream = signatures::scope_of(rule, match);
  policy.no_alert = rule.no_alert;
  policy.alert_on_pass = rule.alert_on_pass;
  policy.bypass = rule.bypass;
  policy.shadow = rule.shadow;
  policy.threshold = rule.threshold;
  return policy;
}

}  // namespace

bool RulePolicy::suppressed(const RatePacket& packet) const {
  return std::any_of(suppressions.begin(), suppressions.end(), [&](const auto& suppression) {
    return suppression->covers(id, packet.source, packet.destination);
  });
}

RulePolicies make_policies(std::span<const signatures::Rule* const> rules,
                           const signatures::RateControl& control) {
  std::vector<std::shared_ptr<const signatures::Suppression>> suppressions;
  suppressions.reserve(control.suppressions.size());
  for (const auto& suppression : control.suppressions) {
    suppressions.push_back(std::make_shared<const signatures::Suppression>(suppression));
  }
  RulePolicies policies;
  policies.reserve(rules.size());
  for (const signatures::Rule* rule : rules) {
    RulePolicy& policy = policies.emplace_back(policy_of(*rule));
    if (const auto* threshold = control.threshold_of(rule->id)) policy.threshold = *threshold;
    for (const auto& filter : control.rate_filters) {
      if (filter.target.covers(rule->id)) policy.rate_filter = filter;
    }
    for (const auto& suppression : suppressions) {
      if (suppression->target.covers(rule->id)) policy.suppressions.push_back(suppression);
    }
  }
  return policies;
}

}  // namespace lockstep
