// What happens when a rule has matched, as far as its options and threshold.config say: action, threshold,
// suppressions, rate filter. Resolved once a rule set; immutable afterwards.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/host_table.hpp"
#include "signatures/match.hpp"
#include "signatures/rate_control.hpp"
#include "signatures/rule.hpp"

namespace lockstep {

struct RulePolicy {
  signatures::RuleId id;
  signatures::Action action = signatures::Action::alert;
  // What a match on a packet, or in the stream, lets pass and drop apply to (signatures::scope_of).
  signatures::EffectScope scope_on_packet = signatures::EffectScope::packet;
  signatures::EffectScope scope_on_stream = signatures::EffectScope::flow;
  bool no_alert = false;
  bool alert_on_pass = false;
  bool bypass = false;
  bool shadow = false;                             // told, never acted on
  std::optional<signatures::Threshold> threshold;  // the rule's own, or the event_filter that overrides it
  std::optional<signatures::RateFilter> rate_filter;
  // Shared, because an entry for all rules stands in every policy.
  std::vector<std::shared_ptr<const signatures::Suppression>> suppressions;

  // By which its hits are counted: shadows apart from the acting rules of the same sid.
  [[nodiscard]] signatures::RuleId counted_as() const {
    return shadow ? signatures::RuleId{id.gid | 0x8000'0000U, id.sid, id.rev} : id;
  }
  // The rule acts without an alert on this packet.
  [[nodiscard]] bool suppressed(const RatePacket& packet) const;
};

// [n] belongs to the rule with the number n (Match::rule).
using RulePolicies = std::vector<RulePolicy>;

// `rules` in the order of their numbers. Of several event_filters or rate_filters that cover a rule the last
// counts; suppressions add up.
[[nodiscard]] RulePolicies make_policies(std::span<const signatures::Rule* const> rules,
                                         const signatures::RateControl& control);

}  // namespace lockstep
