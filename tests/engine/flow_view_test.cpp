// What the control socket tells of one connection.
#include "engine/control/flow_view.hpp"

#include "tests/support/wire.hpp"

using namespace lockstep;
using namespace lockstep::test;
using nlohmann::json;

namespace {

json sids(const Wire& wire) {
  json all = json::array();
  const json flow = to_json(FlowView(wire.flow()), "a:b");
  for (const json& rule : flow["matched"]) all.push_back(rule["sid"]);
  return all;
}

}  // namespace

TEST_CASE("a connection tells each rule that has matched on it, and which one dropped it",
          "[engine][control]") {
  auto wire = Wire::established(
      with_rules("alert tcp any any -> any any (content:\"one\"; sid:1;)\n"
                 "alert tcp any any -> any any (content:\"two\"; flowbits:set,two; noalert; sid:2;)\n"
                 "alert tcp any any -> any any (content:\"never\"; sid:3;)\n"
                 "drop tcp any any -> any any (content:\"four\"; flowbits:isset,two; sid:4;)\n"));
  CHECK(sids(wire) == json::array());
  wire.client.sends("two one one ").passes();
  CHECK(sids(wire) == json({2, 1}));
  wire.client.sends("one four").drops_flow(Reason::signature);
  CHECK(sids(wire) == json({2, 1, 4}));
  CHECK(to_json(FlowView(wire.flow()), "a:b")["dropped_by"] == 4);
}

TEST_CASE("of many rules that matched on a connection the first ones are told", "[engine][control]") {
  std::string rules;
  for (int sid = 1; sid <= 40; ++sid)
    rules += "alert tcp any any -> any any (content:\"x" + std::to_string(sid) +
             "-\"; sid:" + std::to_string(sid) + ";)\n";
  auto wire = Wire::established(with_rules(rules));
  for (int sid = 40; sid >= 1; --sid) wire.client.sends("x" + std::to_string(sid) + "-").passes();
  const json told = sids(wire);
  CHECK(told.size() == Inspection::most_matched);
  CHECK(told.front() == 40);
}
