#include "engine/rule_policy.hpp"

#include "tests/support/catch.hpp"

using namespace lockstep;
using signatures::Action;
using signatures::Rule;

namespace {

Rule rule(std::uint32_t gid, std::uint32_t sid) {
  Rule made;
  made.id = {gid, sid, 1};
  return made;
}

signatures::EventFilter event_filter(std::uint32_t gid, std::uint32_t sid, std::uint32_t count) {
  signatures::EventFilter filter;
  filter.target = {gid, sid};
  filter.threshold.count = count;
  return filter;
}

RulePolicies policies(const std::vector<Rule>& rules, const signatures::RateControl& control) {
  std::vector<const Rule*> pointers;
  for (const Rule& each : rules) pointers.push_back(&each);
  return make_policies(pointers, control);
}

}  // namespace

TEST_CASE("a policy takes over what the rule says", "[engine][rule_policy]") {
  Rule made = rule(3, 9);
  made.action = Action::reject_both;
  made.inspection = signatures::Inspection::ip_only;
  made.no_alert = made.bypass = made.alert_on_pass = true;
  made.threshold.emplace();
  made.threshold->count = 5;
  const RulePolicies all = policies({made, rule(1, 1)}, {});
  REQUIRE(all.size() == 2);
  CHECK(all[0].id == made.id);
  CHECK(all[0].action == Action::reject_both);
  CHECK(all[0].scope_on_packet == signatures::EffectScope::flow);
  CHECK((all[0].no_alert && all[0].bypass && all[0].alert_on_pass));
  REQUIRE(all[0].threshold);
  CHECK(all[0].threshold->count == 5);
  CHECK(all[1].scope_on_packet == signatures::EffectScope::packet);
  CHECK(all[1].scope_on_stream == signatures::EffectScope::flow);
  CHECK_FALSE(all[1].threshold);
}

TEST_CASE("the last event_filter that covers a rule takes the place of its threshold",
          "[engine][rule_policy]") {
  std::vector<Rule> rules{rule(1, 1), rule(1, 2), rule(2, 1)};
  for (Rule& each : rules) each.threshold.emplace().count = 99;
  signatures::RateControl control;
  control.event_filters = {event_filter(1, 1, 7), event_filter(1, 1, 8), event_filter(2, 5, 9)};
  const RulePolicies all = policies(rules, control);
  CHECK(all[0].threshold->count == 8);
  CHECK(all[1].threshold->count == 99);
  CHECK(all[2].threshold->count == 99);
}

TEST_CASE("rate filters and suppressions reach the rules that they cover", "[engine][rule_policy]") {
  signatures::RateControl control;
  control.rate_filters.resize(2);
  control.rate_filters[0].target = {1, 1};
  control.rate_filters[0].count = 10;
  control.rate_filters[1].target = {1, 1};
  control.rate_filters[1].count = 20;
  control.suppressions.resize(2);
  control.suppressions[0].target = {0, 0};
  control.suppressions[0].track = signatures::Suppression::Track::by_src;
  control.suppressions[0].addresses = signatures::AddressSet();
  control.suppressions[1].target = {1, 2};
  const RulePolicies all = policies({rule(1, 1), rule(1, 2), rule(2, 1)}, control);
  REQUIRE(all[0].rate_filter);
  CHECK(all[0].rate_filter->count == 20);
  CHECK_FALSE(all[1].rate_filter);
  CHECK(all[0].suppressions.size() == 1);
  CHECK(all[1].suppressions.size() == 2);
  CHECK_FALSE(all[0].suppressed({}));  // an entry for no address
  CHECK(all[1].suppressed({}));
  CHECK_FALSE(all[2].suppressed({}));
}
