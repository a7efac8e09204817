#include "engine/actions.hpp"

#include <algorithm>
#include <set>

#include <rapidcheck.h>

#include "tests/engine/tables_support.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep;
using namespace lockstep::test;
using signatures::Action;
using signatures::EffectScope;
using signatures::Match;
using signatures::MatchOn;
using signatures::Threshold;
using std::chrono::seconds;

namespace {

RulePolicy rule(Action action) {
  RulePolicy policy;
  policy.action = action;
  return policy;
}

// Rules in their order of evaluation; each gets the sid 100 + number.
RulePolicies rules(std::vector<RulePolicy> policies) {
  for (std::size_t i = 0; i < policies.size(); ++i)
    policies[i].id = {1, static_cast<std::uint32_t>(100 + i), 1};
  return policies;
}

Match match(std::uint32_t number, MatchOn on = MatchOn::stream, std::uint64_t to = 10) {
  Match made;
  made.rule = number;
  made.on = on;
  made.to = to;
  return made;
}

RatePacket packet(double second = 0) {
  RatePacket made;
  made.now = at(second);
  made.source.bytes = {10, 0, 0, 1};
  made.destination.bytes = {10, 0, 0, 2};
  made.flow = 1;
  return made;
}

signatures::RateFilter rate_filter(std::uint32_t count, Action new_action) {
  signatures::RateFilter filter;
  filter.count = count;
  filter.seconds = seconds(10);
  filter.timeout = seconds(5);
  filter.new_action = new_action;
  return filter;
}

using Suppression = signatures::Suppression;

std::vector<std::shared_ptr<const Suppression>> suppression(Suppression::Track track) {
  constexpr std::array<std::uint8_t, 16> address{10, 0, 0, 1};
  Suppression made;
  made.target = {0, 0};
  made.track = track;
  made.addresses = signatures::AddressSet::build({{{4, {address, address}}}, {}});
  return {std::make_shared<const Suppression>(made)};
}

struct Bench {
  HostTable hosts{{}, replay_hash_seed};
  ActionDecider decider;
  explicit Bench(ActionSettings settings = {}) : decider(settings) {}

  const Decision& decide(const RulePolicies& policies, const std::vector<Match>& matches,
                         RatePacket at_packet = packet(), bool already_dropped = false) {
    return decider.decide(matches, policies, at_packet, already_dropped, hosts);
  }
};

// The numbers of the rules that alert, in their order.
std::vector<std::uint32_t> alerting(const Decision& decision, const std::vector<Match>& matches) {
  std::vector<std::uint32_t> numbers;
  for (const LoggedAlert& alert : decision.alerts) numbers.push_back(matches[alert.match].rule);
  return numbers;
}

}  // namespace

TEST_CASE("no match decides nothing", "[engine][actions]") {
  Bench bench;
  const Decision& decision = bench.decide(rules({}), {});
  CHECK(decision.effect == Effect::none);
  CHECK(decision.reason == Reason::none);
  CHECK(decision.alerts.empty());
}

TEST_CASE("matches act in the order of their rules, whatever order they came in", "[engine][actions]") {
  const RulePolicies set = rules({rule(Action::drop), rule(Action::alert), rule(Action::alert)});
  const std::vector<Match> matches{match(2), match(0), match(1)};
  Bench bench;
  const Decision& decision = bench.decide(set, matches);
  CHECK(alerting(decision, matches) == std::vector<std::uint32_t>{0, 1, 2});
  CHECK(decision.effect == Effect::drop);
  CHECK(decision.reason == Reason::signature);
  CHECK(decision.decided_by == 1U);
  CHECK(decision.alerts[0].blocked);
  CHECK_FALSE(decision.alerts[1].blocked);
}

TEST_CASE("a pass rule ends the list without an alert, and with one if it says alert", "[engine][actions]") {
  RulePolicies set = rules({rule(Action::pass), rule(Action::drop), rule(Action::alert)});
  const std::vector<Match> matches{match(0), match(1), match(2)};
  Bench bench;
  CHECK(bench.decide(set, matches).effect == Effect::pass);
  CHECK(bench.decide(set, matches).alerts.empty());
  CHECK(bench.decide(set, matches).reason == Reason::none);
  set[0].alert_on_pass = true;
  CHECK(alerting(bench.decide(set, matches), matches) == std::vector<std::uint32_t>{0});
}

TEST_CASE("once the packet is dropped a later pass is ignored, but still ends the list",
          "[engine][actions]") {
  const RulePolicies set = rules({rule(Action::drop), rule(Action::pass), rule(Action::alert)});
  const std::vector<Match> matches{match(0), match(1), match(2)};
  Bench bench;
  const Decision& decision = bench.decide(set, matches);
  CHECK(decision.effect == Effect::drop);
  CHECK(alerting(decision, matches) == std::vector<std::uint32_t>{0});
  const RulePolicies pass_only = rules({rule(Action::pass)});
  CHECK(bench.decide(pass_only, {match(0)}, packet(), true).effect == Effect::none);
}

TEST_CASE("the effect is the flow's for a match in the stream and for rules of addresses only",
          "[engine][actions]") {
  const Action action = GENERATE(Action::drop, Action::pass, Action::reject);
  RulePolicies set = rules({rule(action)});
  Bench bench;
  CHECK(bench.decide(set, {match(0, MatchOn::stream)}).scope == EffectScope::flow);
  CHECK(bench.decide(set, {match(0, MatchOn::packet)}).scope == EffectScope::packet);
  CHECK_FALSE(bench.decide(set, {match(0, MatchOn::packet)}).decided_flow_by);
  set[0].scope_on_packet = EffectScope::flow;  // a rule of addresses only
  CHECK(bench.decide(set, {match(0, MatchOn::packet)}).scope == EffectScope::flow);
}

TEST_CASE("the widest scope that acted counts, and both causes are named", "[engine][actions]") {
  const RulePolicies set = rules({rule(Action::drop), rule(Action::reject)});
  Bench bench;
  const Decision& decision = bench.decide(set, {match(0, MatchOn::packet), match(1, MatchOn::stream)});
  CHECK(decision.scope == EffectScope::flow);
  CHECK(decision.decided_by == 0U);
  CHECK(decision.decided_flow_by == 1U);
  CHECK(decision.reason == Reason::signature);
  CHECK(decision.resets == ResetTargets{true, false});
}

TEST_CASE("the kinds of reject reset the ends that they name", "[engine][actions]") {
  Bench bench;
  const auto resets = [&](Action action) {
    const Decision& decision = bench.decide(rules({rule(action)}), {match(0)});
    CHECK(decision.effect == Effect::drop);
    CHECK(decision.reason == Reason::signature_reject);
    CHECK(decision.alerts.at(0).blocked);
    return decision.resets;
  };
  CHECK(resets(Action::reject) == ResetTargets{true, false});
  CHECK(resets(Action::reject_dst) == ResetTargets{false, true});
  CHECK(resets(Action::reject_both) == ResetTargets{true, true});
}

TEST_CASE("observing, drop rules alert as allowed and pass rules still pass", "[engine][actions]") {
  Bench bench({.enforce = false, .packet_alert_max = 15});
  const Decision& dropped = bench.decide(rules({rule(Action::drop)}), {match(0)});
  CHECK(dropped.effect == Effect::none);
  CHECK(dropped.reason == Reason::none);
  REQUIRE(dropped.alerts.size() == 1);
  CHECK_FALSE(dropped.alerts[0].blocked);
  CHECK(dropped.alerts[0].action == Action::drop);
  CHECK(bench.decide(rules({rule(Action::pass)}), {match(0)}).effect == Effect::pass);
  const Decision& rejected = bench.decide(rules({rule(Action::reject)}), {match(0)});
  CHECK(rejected.effect == Effect::none);
  CHECK(rejected.alerts.at(0).blocked);
}

TEST_CASE("more alerts than packet_alert_max are discarded, the drop among them still drops",
          "[engine][actions]") {
  std::vector<RulePolicy> policies(20, rule(Action::alert));
  policies.push_back(rule(Action::drop));  // an order of actions in which drop comes last
  const RulePolicies set = rules(policies);
  std::vector<Match> matches;
  for (std::uint32_t i = 0; i < 21; ++i) matches.push_back(match(20 - i));
  Bench bench;
  const Decision& decision = bench.decide(set, matches);
  CHECK(decision.alerts.size() == 15);
  CHECK(decision.discarded == 6);
  CHECK(alerting(decision, matches).back() == 14);
  CHECK(decision.effect == Effect::drop);
}

TEST_CASE("noalert silences the alert, never the action", "[engine][actions]") {
  RulePolicies set = rules({rule(Action::drop)});
  set[0].no_alert = true;
  Bench bench;
  const Decision& decision = bench.decide(set, {match(0)});
  CHECK(decision.effect == Effect::drop);
  CHECK(decision.alerts.empty());
  CHECK(decision.suppressed == 1);
}

TEST_CASE("a threshold decides between alert and action, action alone, and neither",
          "[engine][actions][threshold]") {
  RulePolicies set = rules({rule(Action::drop)});
  set[0].threshold.emplace();
  set[0].threshold->count = 1;
  Bench bench;
  const auto outcome = [&](Threshold::Type type, double second) {
    set[0].threshold->type = type;
    const Decision& decision = bench.decide(set, {match(0)}, packet(second));
    return std::pair(decision.alerts.size(), decision.effect == Effect::drop);
  };
  CHECK(outcome(Threshold::Type::limit, 0) == std::pair(std::size_t{1}, true));
  CHECK(outcome(Threshold::Type::limit, 1) == std::pair(std::size_t{0}, true));
  set[0].id.sid = 2;
  CHECK(outcome(Threshold::Type::detection_filter, 0) == std::pair(std::size_t{0}, false));
  CHECK(outcome(Threshold::Type::detection_filter, 1) == std::pair(std::size_t{1}, true));
}

TEST_CASE("a pass below its detection_filter does not end the list, a silent one does", "[engine][actions]") {
  RulePolicies set = rules({rule(Action::pass), rule(Action::drop)});
  set[0].threshold.emplace();
  set[0].threshold->type = Threshold::Type::detection_filter;
  const std::vector<Match> matches{match(0), match(1)};
  Bench bench;
  CHECK(bench.decide(set, matches).effect == Effect::drop);
  CHECK(bench.decide(set, matches).effect == Effect::pass);
  set[0].threshold.reset();
  set[0].suppressions = suppression(Suppression::Track::all);
  CHECK(bench.decide(set, matches).effect == Effect::pass);
}

TEST_CASE("a suppressed rule acts without an alert, and its threshold does not count",
          "[engine][actions][suppress]") {
  RulePolicies set = rules({rule(Action::drop)});
  set[0].threshold.emplace();
  set[0].threshold->type = Threshold::Type::detection_filter;
  set[0].threshold->count = 1000;
  set[0].suppressions = suppression(Suppression::Track::by_src);
  Bench bench;
  const Decision& decision = bench.decide(set, {match(0)});
  CHECK(decision.effect == Effect::drop);
  CHECK(decision.alerts.empty());
  CHECK(decision.suppressed == 1);
  RatePacket back = packet();
  std::swap(back.source, back.destination);
  CHECK(bench.decide(set, {match(0)}, back).effect == Effect::none);
  set[0].suppressions = suppression(Suppression::Track::by_dst);
  CHECK(bench.decide(set, {match(0)}, back).effect == Effect::drop);
  CHECK(bench.decide(set, {match(0)}).effect == Effect::none);
  set[0].suppressions = suppression(Suppression::Track::by_either);
  CHECK(bench.decide(set, {match(0)}, back).effect == Effect::drop);
  CHECK(bench.decide(set, {match(0)}).effect == Effect::drop);
}

TEST_CASE("a rate_filter turns alerts into drops with a reason of their own",
          "[engine][actions][rate_filter]") {
  RulePolicies set = rules({rule(Action::alert)});
  set[0].rate_filter = rate_filter(2, Action::drop);
  Bench bench;
  for (int i = 0; i < 2; ++i) CHECK(bench.decide(set, {match(0)}).effect == Effect::none);
  const Decision& decision = bench.decide(set, {match(0)});
  CHECK(decision.effect == Effect::drop);
  CHECK(decision.scope == EffectScope::flow);
  CHECK(decision.reason == Reason::rate_filter);
  REQUIRE(decision.alerts.size() == 1);
  CHECK(decision.alerts[0].action == Action::drop);
  CHECK(decision.alerts[0].blocked);
}

TEST_CASE("a rate_filter can take a drop rule's teeth", "[engine][actions][rate_filter]") {
  RulePolicies set = rules({rule(Action::drop)});
  set[0].rate_filter = rate_filter(1, Action::alert);
  Bench bench;
  CHECK(bench.decide(set, {match(0)}).effect == Effect::drop);
  const Decision& decision = bench.decide(set, {match(0)});
  CHECK(decision.effect == Effect::none);
  CHECK_FALSE(decision.alerts.at(0).blocked);
}

TEST_CASE("a rule that matched the stream does not alert for the packet again", "[engine][actions]") {
  const RulePolicies set = rules({rule(Action::alert), rule(Action::alert)});
  const std::vector<Match> matches{match(0, MatchOn::packet, 4), match(0, MatchOn::stream, 30),
                                   match(1, MatchOn::packet), match(0, MatchOn::stream, 20)};
  Bench bench;
  const Decision& decision = bench.decide(set, matches);
  REQUIRE(decision.alerts.size() == 3);
  CHECK(decision.alerts[0].match == 3);  // offset 20, then 30
  CHECK(decision.alerts[1].match == 1);
  CHECK(decision.alerts[2].match == 2);
}

TEST_CASE("bypass follows the match, pass and thresholds notwithstanding, but no drop", "[engine][actions]") {
  RulePolicies set = rules({rule(Action::pass), rule(Action::alert), rule(Action::drop)});
  set[1].bypass = true;
  set[1].threshold.emplace();
  set[1].threshold->type = Threshold::Type::detection_filter;
  Bench bench;
  CHECK(bench.decide(set, {match(0), match(1)}).bypass);
  CHECK_FALSE(bench.decide(set, {match(1), match(2)}).bypass);
}

namespace {

struct Expected {
  Effect effect = Effect::none;
  std::vector<std::uint32_t> alerts;
};

// The rules of the language, read straight down, for rules without rates.
Expected model(const RulePolicies& set, std::set<std::uint32_t> matched, bool already_dropped) {
  Expected expected;
  bool dropped = already_dropped;
  for (const std::uint32_t number : matched) {
    const RulePolicy& policy = set[number];
    if (policy.action == Action::pass) {
      if (!dropped) expected.effect = Effect::pass;
      if (policy.alert_on_pass && expected.alerts.size() < 15) expected.alerts.push_back(number);
      break;
    }
    if (policy.action != Action::alert) {
      dropped = true;
      expected.effect = Effect::drop;
    }
    if (!policy.no_alert && expected.alerts.size() < 15) expected.alerts.push_back(number);
  }
  return expected;
}

}  // namespace

TEST_CASE("effects and alerts are those of a straightforward reading", "[engine][actions][property]") {
  CHECK(rc::check([] {
    std::vector<RulePolicy> policies;
    for (int i = 0; i < 24; ++i) {
      RulePolicy policy = rule(*rc::gen::weightedElement<Action>(
          {{1, Action::pass}, {2, Action::drop}, {1, Action::reject}, {8, Action::alert}}));
      policy.no_alert = *rc::gen::inRange(0, 8) == 0;
      policy.alert_on_pass = *rc::gen::arbitrary<bool>();
      policies.push_back(policy);
    }
    const RulePolicies set = rules(policies);
    const auto numbers = *rc::gen::container<std::set<std::uint32_t>>(rc::gen::inRange(0U, 24U));
    std::vector<std::uint32_t> shuffled(numbers.begin(), numbers.end());
    for (std::size_t i = shuffled.size(); i > 1; --i) {
      std::swap(shuffled[i - 1], shuffled[*rc::gen::inRange<std::size_t>(0, i)]);
    }
    std::vector<Match> matches;
    for (const auto number : shuffled) matches.push_back(match(number));
    const bool already_dropped = *rc::gen::arbitrary<bool>();
    Bench bench;
    const Decision& decision = bench.decide(set, matches, packet(), already_dropped);
    const Expected expected = model(set, numbers, already_dropped);
    RC_ASSERT(decision.effect == expected.effect);
    RC_ASSERT(alerting(decision, matches) == expected.alerts);
    RC_ASSERT((decision.reason != Reason::none) == (expected.effect == Effect::drop));
    RC_ASSERT(decision.decided_by.has_value() == (expected.effect != Effect::none));
  }));
}
