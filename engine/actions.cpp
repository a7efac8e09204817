#include "engine/actions.hpp"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <tuple>

namespace lockstep {
namespace {

using RuleAction = signatures::Action;
using signatures::EffectScope;
using signatures::Match;
using signatures::MatchOn;

bool is_reject(RuleAction action) {
  return action == RuleAction::reject || action == RuleAction::reject_dst ||
         action == RuleAction::reject_both;
}

Reason reason_of(RuleAction action, bool rate_filtered) {
  if (rate_filtered) return Reason::rate_filter;
  return is_reject(action) ? Reason::signature_reject : Reason::signature;
}

// Equal rules: the stream first, so that the packet half of the same rule is seen to be its repeat.
auto rank(const Match& match) {
  return std::tuple(match.rule, match.on == MatchOn::stream ? 0 : 1, match.direction, match.to, match.from);
}

}  // namespace

std::string_view name(Effect effect) {
  switch (effect) {
    case Effect::none:
      return "none";
    case Effect::pass:
      return "pass";
    case Effect::drop:
      return "drop";
  }
  return "";
}

const Decision& ActionDecider::decide(std::span<const Match> matches, const RulePolicies& policies,
                                      const RatePacket& packet, bool already_dropped, HostTable& hosts) {
  auto alerts = std::move(decision_.alerts);
  alerts.clear();
  decision_ = {};
  decision_.alerts = std::move(alerts);
  put_in_order(matches);
  const Turn turn{matches, policies, packet, already_dropped, hosts};
  judge(turn, false);
  if (decision_.effect == Effect::drop) decision_.bypass = false;
  judge(turn, true);
  return decision_;
}

void ActionDecider::judge(const Turn& turn, bool shadows) {
  alerts_before_ = decision_.alerts.size();
  bool ended = false;
  const Match* previous = nullptr;
  for (const std::uint32_t index : order_) {
    const Match& match = turn.matches[index];
    assert(match.rule < turn.policies.size());
    const RulePolicy& policy = turn.policies[match.rule];
    if (policy.shadow != shadows) continue;
    // Like flowbits, `bypass` follows the match, whatever pass rules and thresholds say.
    decision_.bypass |= policy.bypass && !shadows;
    const bool repeat = previous != nullptr && previous->rule == match.rule &&
                        previous->on == MatchOn::stream && match.on == MatchOn::packet;
    if (ended || repeat) continue;
    previous = &match;
    const Counted counted = count(policy, turn.packet, turn.hosts);
    if (counted.answer == RateAnswer::neither) {
      ++decision_.suppressed;
      continue;
    }
    const EffectScope scope = match.on == MatchOn::stream ? policy.scope_on_stream : policy.scope_on_packet;
    const bool on_flow = scope == EffectScope::flow;
    if (!shadows) act(counted, index, on_flow, turn.already_dropped);
    log(counted, policy, index);
    ended = counted.action == RuleAction::pass;
  }
}

void ActionDecider::put_in_order(std::span<const Match> matches) {
  order_.resize(matches.size());
  std::iota(order_.begin(), order_.end(), 0U);
  std::sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) {
    const auto of_a = rank(matches[a]), of_b = rank(matches[b]);
    return of_a != of_b ? of_a < of_b : a < b;
  });
}

ActionDecider::Counted ActionDecider::count(const RulePolicy& policy, const RatePacket& packet,
                                            HostTable& hosts) {
  Counted counted;
  counted.action = policy.action;
  if (policy.suppressed(packet)) {
    counted.answer = RateAnswer::silent;
  } else if (policy.threshold) {
    counted.answer = hosts.hit(policy.counted_as(), *policy.threshold, packet);
  }
  if (counted.answer != RateAnswer::alert || !policy.rate_filter) return counted;
  if (hosts.exceeds(policy.counted_as(), *policy.rate_filter, packet)) {
    counted.rate_filtered = counted.action != policy.rate_filter->new_action;
    counted.action = policy.rate_filter->new_action;
  }
  return counted;
}

void ActionDecider::act(const Counted& counted, std::uint32_t match, bool on_flow, bool already_dropped) {
  Effect effect = Effect::none;
  if (counted.action == RuleAction::pass) {
    if (already_dropped || decision_.effect == Effect::drop) return;
    effect = Effect::pass;
  } else if (counted.action != RuleAction::alert && settings_.enforce) {
    effect = Effect::drop;
  }
  if (effect == Effect::none) return;
  if (!decision_.decided_by) {
    decision_.effect = effect;
    decision_.decided_by = match;
    if (effect == Effect::drop) decision_.reason = reason_of(counted.action, counted.rate_filtered);
  }
  if (on_flow && !decision_.decided_flow_by) {
    decision_.scope = EffectScope::flow;
    decision_.decided_flow_by = match;
  }
  decision_.resets.sender |=
      counted.action == RuleAction::reject || counted.action == RuleAction::reject_both;
  decision_.resets.receiver |=
      counted.action == RuleAction::reject_dst || counted.action == RuleAction::reject_both;
}

void ActionDecider::log(const Counted& counted, const RulePolicy& policy, std::uint32_t match) {
  if (counted.answer == RateAnswer::silent || (policy.no_alert && counted.action != RuleAction::pass)) {
    ++decision_.suppressed;
    return;
  }
  if (counted.action == RuleAction::pass && !policy.alert_on_pass) return;
  if (decision_.alerts.size() - alerts_before_ >= settings_.packet_alert_max) {
    ++decision_.discarded;
    return;
  }
  const bool acts = is_reject(counted.action) || (counted.action == RuleAction::drop && settings_.enforce);
  decision_.alerts.push_back({match, counted.action, acts && !policy.shadow, policy.shadow});
}

}  // namespace lockstep
