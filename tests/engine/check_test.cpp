#include <algorithm>

#include "engine/cli/commands.hpp"
#include "engine/load_rules.hpp"
#include "tests/engine/program.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep;
using test::run_lockstep;

namespace {

std::string last_line(const std::string& text) {
  const auto end = text.rfind('\n');
  const auto start = end == 0 || end == std::string::npos ? end : text.rfind('\n', end - 1);
  return text.substr(start + 1, end - start - 1);
}

constexpr const char* good =
    "alert tcp any any -> $HOME_NET any (msg:\"good\"; content:\"evil\"; sid:1; rev:1;)\n";

}  // namespace

TEST_CASE("check gives the whole account and ends with the counts", "[engine][cli][check]") {
  const test::Directory dir;
  const std::string rules =
      dir.write("a.rules", std::string(good) +
                               "alert tcp any any -> any any (msg:\"bad\"; contents:\"x\"; sid:2;)\n"
                               "alert sip any any -> any any (msg:\"later\"; sid:3;)\n");
  const auto outcome = run_lockstep({"check", "-S", rules});
  INFO(outcome.out << outcome.err);
  CHECK(outcome.code == exit_ok);
  CHECK(last_line(outcome.out) == "1 rules loaded, 1 failed, 1 skipped");
  CHECK_THAT(outcome.out, Catch::Contains(rules + ":2:42: ") && Catch::Contains("^"));
  CHECK_THAT(outcome.out, Catch::Contains("sip"));
  CHECK_THAT(outcome.out, !Catch::Contains("flow.max-flows"));
  CHECK_THAT(outcome.out, !Catch::Contains(rules + ":3"));
  CHECK_THAT(run_lockstep({"check", "-v", "-S", rules}).out, Catch::Contains(rules + ":3"));
  CHECK(run_lockstep({"check", "--strict", "-S", rules}).code == exit_bad_input);
}

TEST_CASE("check --strict is content with rules that all load", "[engine][cli][check]") {
  const test::Directory dir;
  const auto outcome = run_lockstep({"check", "--strict", "-S", dir.write("a.rules", good)});
  CHECK(outcome.code == exit_ok);
  CHECK(last_line(outcome.out) == "1 rules loaded, 0 failed, 0 skipped");
}

TEST_CASE("a rule for a stream event that is never raised is skipped by name and stops nothing",
          "[engine][cli][check]") {
  const test::Directory dir;
  const std::string rules =
      dir.write("a.rules", std::string(good) +
                               "alert tcp any any -> any any (stream-event:3whs_synack_flood; sid:2;)\n"
                               "alert tcp any any -> any any (stream-event:pkt_retransmission; sid:3;)\n");
  const auto outcome = run_lockstep({"check", "-S", rules});
  CHECK_THAT(outcome.out, Catch::Contains("stream-event:3whs_synack_flood"));
  CHECK(last_line(outcome.out) == "2 rules loaded, 0 failed, 1 skipped");
  CHECK(run_lockstep({"replay", "tests/pcaps/http-get-v4.pcap", "-S", rules}).code == exit_ok);
}

TEST_CASE("check without rules says that none are named", "[engine][cli][check]") {
  const auto outcome = run_lockstep({"check"});
  CHECK(outcome.code == exit_ok);
  CHECK(outcome.out ==
        "no rules are named, by -S or the key rules.files\n0 rules loaded, 0 failed, 0 skipped\n");
}

TEST_CASE("rules for packets that are not inspected are skipped by name, those for ip and tcp are not",
          "[engine][cli][check]") {
  const test::Directory dir;
  const auto outcome = run_lockstep({"check", "-S",
                                     dir.write("a.rules",
                                               "alert udp any any -> any 53 (sid:1;)\n"
                                               "alert icmp any any -> any any (sid:2;)\n"
                                               "alert sctp any any -> any any (sid:3;)\n"
                                               "alert ip any any -> any any (itype:8; sid:4;)\n"
                                               "alert ip any any -> any any (ip_proto:17; sid:5;)\n"
                                               "alert ip any any -> any any (ip_proto:6; sid:6;)\n"
                                               "alert ip any any -> any any (content:\"x\"; sid:7;)\n"
                                               "alert tcp any any -> any any (sid:8;)\n")});
  CHECK(outcome.code == exit_ok);
  for (const std::string reason :
       {"1  protocol udp", "2  protocol icmp", "1  protocol sctp", "1  ip_proto other than TCP"}) {
    CHECK_THAT(outcome.out, Catch::Contains(reason));
  }
  CHECK(last_line(outcome.out) == "3 rules loaded, 0 failed, 5 skipped");
}

TEST_CASE("check with a config shows every setting with its origin", "[engine][cli][check]") {
  const test::Directory dir;
  dir.write("a.rules", good);
  const std::string file = dir.write(
      "l.toml", "[rules]\nfiles = [\"a.rules\"]\n[vars.address-groups]\nHOME_NET = \"10.0.0.0/8\"\n");
  const auto outcome = run_lockstep({"check", "-c", file, "--set", "flow.max-flows=99", "--mode", "observe"});
  CHECK(outcome.code == exit_ok);
  for (const std::string& line : std::vector<std::string>{"mode = \"observe\"", "flow.max-flows = 99",
                                                          "rules.files = [\"" + dir.path("a.rules") + "\"]",
                                                          "vars.address-groups.HOME_NET = \"10.0.0.0/8\""}) {
    CHECK_THAT(outcome.out, Catch::Contains(line));
  }
  CHECK_THAT(outcome.out, Catch::Contains("# --set\n") && Catch::Contains("# --mode\n") &&
                              Catch::Contains("# " + file + ":4\n") && Catch::Contains("# default\n"));
  CHECK(last_line(outcome.out) == "1 rules loaded, 0 failed, 0 skipped");
}

TEST_CASE("files that can't be read, bad variables and unanswered words of --drop are exit 1",
          "[engine][cli][check]") {
  const test::Directory dir;
  const std::string rules = dir.write("a.rules", good);
  const auto refused = [&](std::vector<std::string> arguments, const std::string& part) {
    arguments.insert(arguments.begin(), "check");
    const auto outcome = run_lockstep(arguments);
    INFO(outcome.err);
    CHECK(outcome.code == exit_bad_input);
    CHECK_THAT(outcome.err, Catch::StartsWith("lockstep: ") && Catch::Contains(part));
  };
  refused({"-S", dir.path("none.rules")},
          "none.rules: can't be read: No such file or directory; check the path");
  refused({"-S", rules, "--drop", "77"}, "rules.drop: no loaded rule answers to '77'");
  refused({"-S", rules, "--set", "vars.address-groups.HOME_NET=10.0.0.0/99"}, "HOME_NET");
  refused({"-S", rules, "--set", "vars.address-groups.EXTERNAL_NET=!$HOME_NET"}, "EXTERNAL_NET");
}

TEST_CASE("settings reach the rules: variables, tables and --drop", "[engine][load-rules]") {
  const test::Directory dir;
  Settings settings;
  settings.rules.files = {dir.write("a.rules",
                                    "alert tcp $DMZ any -> any any (msg:\"m\"; content:\"x\"; classtype:own; "
                                    "reference:wiki,page; sid:1;)\n")};
  settings.vars.address_groups["DMZ"] = "192.0.2.0/24";
  settings.rules.drop = {"classtype:own"};
  dir.write("classification.config", "config classification: own,Our own,2\nconfig nonsense\n");
  dir.write("reference.config", "config reference: wiki https://wiki/\n");
  settings.rules.threshold_file = dir.write("t.config", "suppress gen_id 1, sig_id 1\n");
  const auto loaded = load_rules(settings);
  REQUIRE(loaded);
  REQUIRE(loaded->parsed.rules.size() == 1);
  const signatures::Rule& rule = loaded->parsed.rules.front();
  CHECK(rule.action == signatures::Action::drop);
  CHECK(rule.category == "Our own");
  CHECK(rule.priority == 2);
  REQUIRE(rule.references.size() == 1);
  CHECK(rule.references[0].url == "https://wiki/page");
  CHECK(rule.source.contains({{192, 0, 2, 7}, 4}));
  CHECK_FALSE(rule.source.contains({{192, 0, 3, 7}, 4}));
  CHECK(loaded->rates.suppressions.size() == 1);
  REQUIRE(loaded->parsed.report.warnings.size() == 1);
  const signatures::Diagnostic& warning = loaded->parsed.report.warnings.front();
  CHECK(loaded->parsed.report.files.at(warning.place.file) == dir.path("classification.config"));
  CHECK(warning.place.line == 2);
}

TEST_CASE("the default variables are those that the rule parser knows", "[engine][load-rules]") {
  const auto known = signatures::Variables::defaults();
  for (const auto& [name, value] : default_address_groups()) {
    INFO(name);
    REQUIRE(known.addresses(name) != nullptr);
    CHECK(*known.addresses(name) == value);
  }
  for (const auto& [name, value] : default_port_groups()) {
    INFO(name);
    REQUIRE(known.ports(name) != nullptr);
    CHECK(*known.ports(name) == value);
  }
}

TEST_CASE("a replay of nothing is a mistake of usage", "[program][replay]") {
  CHECK(run_lockstep({"replay"}).code == exit_usage);
}
