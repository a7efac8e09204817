#include "signatures/load_report.hpp"

#include "signatures/rate_control.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rules.hpp"

using namespace lockstep::signatures;
using namespace lockstep::test;

TEST_CASE("the account shows each fault with its place, line and caret, and ends with the sums",
          "[signatures][report]") {
  const ParsedRules parsed = load(
      "alert tcp any any -> any any (content:\"a\"; sid:1;)\n"
      "alert tcp any any -> any any (dept:4; sid:2;)\n"
      "alert tcp any any -> any any (classtype:odd; sid:3;)\n"
      "alert sip any any -> any any (http.uri; content:\"/\"; sid:4;)\n"
      "alert tcp any any -> any any (content:\"b\"; sid:1;)\n");
  CHECK(parsed.report.account(LoadReport::Detail::every_rule) ==
        "test.rules:2:31: error: `dept` is no keyword\n"
        "  alert tcp any any -> any any (dept:4; sid:2;)\n"
        "                                ^\n"
        "  did you mean `depth`?\n"
        "test.rules:3:41: warning: the classtype `odd` is not in the classification; its priority is 3\n"
        "  alert tcp any any -> any any (classtype:odd; sid:3;)\n"
        "                                          ^\n"
        "  add it to classification.config\n"
        "test.rules:4: skipped: sid 4: needs http.uri, protocol sip\n"
        "test.rules:5: skipped: sid 1 rev 0: superseded by another rule of this sid\n"
        "skipped rules by what they need (a rule may need several):\n"
        "        1  http.uri\n"
        "        1  protocol sip\n"
        "        1  (superseded by another rule of the same sid)\n"
        "2 rules loaded, 1 failed, 2 skipped\n");
  CHECK(parsed.report.found() == 5);
}

TEST_CASE("a fault far inside a long line is shown with what stands around it", "[signatures][report]") {
  const ParsedRules parsed = load(with_options("msg:\"" + std::string(500, 'm') + "\"; dept:4;"));
  REQUIRE(parsed.report.failed.size() == 1);
  const Diagnostic& failure = parsed.report.failed.front();
  CHECK(failure.excerpt.size() <= kExcerptLength);
  CHECK(failure.excerpt.substr(failure.caret, 4) == "dept");
}

TEST_CASE("bytes that a terminal would act on are not shown", "[signatures][report]") {
  const ParsedRules parsed = load("alert tcp \x1b[31m any -> any any (sid:1;)");
  REQUIRE(parsed.report.failed.size() == 1);
  CHECK(parsed.report.failed.front().excerpt.find('\x1b') == std::string::npos);
}

TEST_CASE("classification.config adds to and replaces the defaults", "[signatures][config]") {
  Classification table = Classification::defaults();
  const std::size_t before = table.size();
  const auto problems = table.add(
      "# comment\n"
      "config classification: my-class,What, a description, 2\n"
      "config classification: Trojan-Activity,Renamed,5\n"
      "config classification: broken,no priority\n"
      "config classification: bad,x,0\n"
      "config reference: cve https://x\n");
  REQUIRE(problems.size() == 3);
  CHECK(problems[0].place.line == 4);
  CHECK(problems[1].column == 30);
  CHECK(problems[2].message == "a line here begins with `config classification:`");
  CHECK(table.size() == before + 1);
  REQUIRE(table.find("MY-class") != nullptr);
  CHECK(table.find("my-class")->description == "What, a description");
  CHECK(table.find("trojan-activity")->priority == 5);
  CHECK(table.find("none") == nullptr);
}

TEST_CASE("reference.config gives a type its prefix", "[signatures][config]") {
  References table = References::defaults();
  REQUIRE(table.find("CVE") != nullptr);
  CHECK(table.add("config reference: ours   https://example.org/?id=\n").empty());
  REQUIRE(table.find("ours") != nullptr);
  CHECK(*table.find("ours") == "https://example.org/?id=");
  CHECK(table.add("config reference: alone\n").size() == 1);
}

TEST_CASE("threshold.config suppresses, limits and turns actions", "[signatures][config][rate]") {
  RateControl control;
  const Variables variables = Variables::defaults();
  const auto problems = control.add(
      "suppress gen_id 1, sig_id 2\n"
      "suppress gen_id 0, sig_id 0, track by_either, ip [10.0.0.0/8,!10.1.1.1]\n"
      "threshold gen_id 1, sig_id 3, type limit, track by_src, count 1, seconds 60\n"
      "event_filter gen_id 1, sig_id 3, type both, track by_rule, count 5, seconds 10\n"
      "rate_filter gen_id 1, sig_id 4, track by_rule, count 100, seconds 60, new_action drop, timeout 30\n",
      variables);
  CHECK(problems.empty());
  REQUIRE(control.suppressions.size() == 2);
  const Address inside{{10, 2, 3, 4}, 4};
  const Address spared{{10, 1, 1, 1}, 4};
  const Address outside{{192, 0, 2, 1}, 4};
  CHECK(control.suppressions[0].covers({1, 2, 9}, outside, outside));
  CHECK_FALSE(control.suppressions[0].covers({1, 3, 9}, outside, outside));
  CHECK(control.suppressions[1].covers({5, 77, 1}, outside, inside));
  CHECK_FALSE(control.suppressions[1].covers({5, 77, 1}, outside, spared));
  REQUIRE(control.threshold_of({1, 3, 1}) != nullptr);
  CHECK(control.threshold_of({1, 3, 1})->type == Threshold::Type::both);
  CHECK(control.threshold_of({1, 4, 1}) == nullptr);
  REQUIRE(control.rate_filters.size() == 1);
  CHECK(control.rate_filters[0].new_action == Action::drop);
  CHECK(control.rate_filters[0].timeout == std::chrono::seconds(30));
}

TEST_CASE("a broken line of threshold.config is told and costs only itself", "[signatures][config][rate]") {
  RateControl control;
  const auto problems = control.add(
      "limit gen_id 1, sig_id 2\n"
      "suppress gen_id x, sig_id 2\n"
      "suppress gen_id 1\n"
      "suppress gen_id 1, sig_id 2, track by_src, ip 1.2.3\n"
      "event_filter gen_id 1, sig_id 2\n"
      "event_filter gen_id 1, sig_id 2, type limit, track by_src, count 1\n"
      "rate_filter gen_id 1, sig_id 2, track by_src, count 1, seconds 1, new_action sing, timeout 1\n"
      "suppress gen_id 1, sig_id 2\n",
      Variables::defaults());
  REQUIRE(problems.size() == 7);
  CHECK(problems[0].column == 1);
  CHECK(problems[1].column == 17);
  CHECK(problems[3].column == 47);
  CHECK(problems[3].place.line == 4);
  CHECK(problems[6].message == "new_action is alert, drop, pass or reject");
  CHECK(control.suppressions.size() == 1);
}
