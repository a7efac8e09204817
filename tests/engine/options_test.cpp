#include <set>

#include <rapidcheck.h>

#include "engine/host_policies.hpp"
#include "engine/options/assign.hpp"
#include "engine/options/configuration.hpp"
#include "engine/options/suggest.hpp"
#include "engine/options/value.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep;
using namespace std::chrono_literals;

namespace {

std::string errors_of(std::string_view text) {
  Configuration configuration;
  std::string all;
  for (const Diagnostic& trouble : read_config(configuration, text, "lockstep.toml"))
    all += to_string(trouble);
  return all;
}

Configuration config_of(std::string_view text) {
  Configuration configuration;
  for (const Diagnostic& trouble : read_config(configuration, text, "conf/lockstep.toml"))
    FAIL(to_string(trouble));
  return configuration;
}

}  // namespace

TEST_CASE("host-os-policy takes addresses and prefixes, each for one kind of host", "[engine][options]") {
  CHECK(parse_prefix("10.0.0.0/8")->bits == 8);
  CHECK(parse_prefix("192.0.2.7")->bits == 32);
  CHECK(parse_prefix("2001:db8::/32")->address.version == 6);
  for (const std::string_view wrong :
       {"", "10.0.0.0/33", "10.0.0/8", "2001:db8::/129", "10.0.0.0/", "linux"}) {
    INFO(wrong);
    CHECK_FALSE(parse_prefix(wrong));
  }
  using reassembly::OverlapPolicy;
  HostPolicySettings settings;
  settings[static_cast<std::size_t>(OverlapPolicy::windows)] = {"0.0.0.0/0", "10.0.0.0/8"};
  settings[static_cast<std::size_t>(OverlapPolicy::bsd)] = {"10.1.0.0/16", "10.1.2.0/23"};
  settings[static_cast<std::size_t>(OverlapPolicy::linux)] = {"10.1.2.3", "2001:db8::/33"};
  const auto policies = HostPolicies::make(settings);
  REQUIRE(policies);
  const auto of = [&](std::string_view host) { return policies->of(parse_prefix(host)->address); };
  CHECK(of("192.0.2.1") == OverlapPolicy::windows);
  CHECK(of("10.2.0.1") == OverlapPolicy::windows);
  CHECK(of("10.1.3.255") == OverlapPolicy::bsd);
  CHECK(of("10.1.2.3") == OverlapPolicy::linux);
  CHECK(of("2001:db8:7fff::1") == OverlapPolicy::linux);
  CHECK_FALSE(of("2001:db8:8000::1"));
  settings[static_cast<std::size_t>(OverlapPolicy::vista)] = {"10.1.0.0/16"};
  CHECK(HostPolicies::make(settings).error() == "host-os-policy: '10.1.0.0/16' is both bsd and vista");
}

TEST_CASE("sizes and times are read with their units and shown in the largest that fits",
          "[engine][options]") {
  CHECK(parse_size("64mb") == 64ULL << 20);
  CHECK(parse_size("64 MiB") == 64ULL << 20);
  CHECK(parse_size("8k") == 8192);
  CHECK(parse_size("1500") == 1500);
  CHECK_FALSE(parse_size("64mbit"));
  CHECK_FALSE(parse_size("-1"));
  CHECK_FALSE(parse_size(""));
  CHECK_FALSE(parse_size("mb"));
  CHECK_FALSE(parse_size("18446744073709551615tb"));
  CHECK(parse_time("250ms") == 250ms);
  CHECK(parse_time("30") == 30s);
  CHECK(parse_time("5d") == 120h);
  CHECK_FALSE(parse_time("1 year"));
  CHECK_FALSE(parse_time("9223372037s"));
  CHECK(show_size(3ULL << 20) == "3mb");
  CHECK(show_size(1537) == "1537b");
  CHECK(show_time(90s) == "90s");
  CHECK(show_time(120h) == "5d");
  CHECK(show_size(0) == "0b");
  CHECK(show_time(0s) == "0s");
}

TEST_CASE("what is shown as a size or time reads back as the same", "[engine][options][property]") {
  CHECK(rc::check("sizes", [](std::uint64_t n) { RC_ASSERT(parse_size(show_size(n)) == n); }));
  CHECK(rc::check("times", [] {
    const auto n = *rc::gen::inRange<std::int64_t>(0, std::numeric_limits<std::int64_t>::max());
    RC_ASSERT(parse_time(show_time(Nanoseconds{n})) == Nanoseconds{n});
  }));
}

TEST_CASE("each row of the option table is whole and stands there once", "[engine][options]") {
  std::set<std::string_view> keys, flags;
  for (const Option& option : option_table()) {
    INFO(option.key << " " << option.flags);
    CHECK_FALSE((option.key.empty() && option.flags.empty()));
    CHECK_FALSE(option.text.empty());
    CHECK(option.text.back() == '.');
    CHECK((option.flags.empty() == (option.commands == 0)));
    CHECK((option.kind == Kind::choice) == !option.choices.empty());
    if (!option.key.empty()) {
      CHECK(keys.insert(option.key).second);
      CHECK(find_option(option.key) == &option);
    }
    if (!option.flags.empty()) CHECK(flags.insert(option.flags).second);
    if (option.takes_argument()) CHECK_FALSE(option.argument.empty());
  }
}

TEST_CASE("every default lies in its own range and reads back as itself", "[engine][options]") {
  for (const Option& option : option_table()) {
    if (option.key.empty() || option.kind == Kind::names) continue;
    INFO(option.key);
    Configuration configuration;
    const std::string line = std::string(option.key) + " = " + show_value(Invocation{}, option);
    CHECK(read_config(configuration, line, "x.toml").empty());
    CHECK(show_value(configuration.invocation, option) == show_value(Invocation{}, option));
  }
}

TEST_CASE("a config file sets typed fields", "[engine][options]") {
  const auto c = config_of(R"(
mode = "observe"
[vars.address-groups]
HOME_NET = ["10.0.0.0/8", "!10.1.0.0/16"]
DMZ = "192.0.2.0/24"
[vars.port-groups]
WEB = [80, "8000:8100"]
ONE = 25
[rules]
files = ["a.rules", "/etc/b.rules"]
drop = ["classtype:trojan-activity", 2008983]
threshold-file = "threshold.config"
[flow]
max-flows = 1000
timeouts.tcp = {new = "20s", established = 3600}
[stream]
checksum-validation = "none"
memory = "64mb"
inspect-window = "16kb"
drop-silent = true
[outputs]
eve-log = {enabled = false, types = ["alert"]}
)");
  const Settings& s = c.invocation.settings;
  CHECK(s.mode == Mode::observe);
  CHECK(s.vars.address_groups.at("HOME_NET") == "[10.0.0.0/8,!10.1.0.0/16]");
  CHECK(s.vars.address_groups.at("DMZ") == "192.0.2.0/24");
  CHECK(s.vars.address_groups.at("EXTERNAL_NET") == "any");
  CHECK(s.vars.port_groups.at("WEB") == "[80,8000:8100]");
  CHECK(s.vars.port_groups.at("ONE") == "25");
  CHECK(s.rules.files == std::vector<std::string>{"conf/a.rules", "/etc/b.rules"});
  CHECK(s.rules.drop == std::vector<std::string>{"classtype:trojan-activity", "2008983"});
  CHECK(s.rules.threshold_file == "conf/threshold.config");
  CHECK(s.flow.max_flows == 1000);
  CHECK(s.flow.tcp.fresh == 20s);
  CHECK(s.flow.tcp.established == 1h);
  CHECK(s.flow.tcp.closed == 60s);
  CHECK(s.stream.checksum_validation == ChecksumValidation::none);
  CHECK(s.stream.memory == 64ULL << 20);
  CHECK(s.stream.inspect_window == 16ULL << 10);
  CHECK(s.stream.drop_silent);
  CHECK_FALSE(s.outputs.eve.enabled);
  CHECK(s.outputs.eve.types == std::vector<std::string>{"alert"});
  CHECK(to_string(c.origin("flow.max-flows")) == "conf/lockstep.toml:14");
  CHECK(to_string(c.origin("vars.address-groups.DMZ")) == "conf/lockstep.toml:5");
  CHECK(to_string(c.origin("vars.address-groups.SQL_SERVERS")) == "default");
}

TEST_CASE("an unknown key names file, line, column and what was probably meant", "[engine][options]") {
  CHECK(errors_of("[flow]\nmax-flow = 1000\n") ==
        "lockstep.toml:2:1: unknown key 'flow.max-flow'; did you mean 'flow.max-flows'?\n  max-flow = 1000\n "
        " ^\n");
  CHECK_THAT(errors_of("max-flows = 1"),
             Catch::Contains("lockstep.toml:1:1: unknown key 'max-flows'; did you mean "
                             "'flow.max-flows'?"));
  CHECK_THAT(errors_of("[streem]\nmemory = 1"),
             Catch::Contains("unknown key 'streem'; did you mean 'stream'?"));
  CHECK_THAT(errors_of("[stream]\nmax_holes = 1"), Catch::Contains("did you mean 'stream.max-holes'?"));
  CHECK(errors_of("zzzzzzzz = 1") == "lockstep.toml:1:1: unknown key 'zzzzzzzz'\n  zzzzzzzz = 1\n  ^\n");
}

TEST_CASE("a wrong type or a value out of range names file, line and column", "[engine][options]") {
  CHECK(
      errors_of("[flow]\n  max-flows = \"many\"\n") ==
      "lockstep.toml:2:15: flow.max-flows is an integer, not a string\n    max-flows = \"many\"\n           "
      "     ^\n");
  CHECK_THAT(errors_of("flow.max-flows = 1"),
             Catch::Contains("lockstep.toml:1:18: flow.max-flows: 1 is out of range 16..67108864"));
  CHECK_THAT(errors_of("stream.memory = \"64 apples\""),
             Catch::Contains("'64 apples' is not a size, as in 64mb"));
  CHECK_THAT(errors_of("defrag.timeout = \"2h\""), Catch::Contains("2h is out of range 1s..1h"));
  CHECK_THAT(errors_of("mode = \"enforced\""),
             Catch::Contains("'enforced' is not enforce or observe; did you mean 'enforce'?"));
  CHECK_THAT(errors_of("stream.drop-silent = 1"), Catch::Contains("is a boolean, not an integer"));
  CHECK_THAT(errors_of("flow.max-flows = -5"), Catch::Contains("'-5' is not an integer"));
  CHECK_THAT(errors_of("flow.max-flows = 1.5"), Catch::Contains("not a number with a fraction"));
  CHECK_THAT(errors_of("[rules]\ndrop = [\"all\",\n  \"some\"]"),
             Catch::Contains("lockstep.toml:3:3: rules.drop: 'some' is not all, a sid or classtype:NAME"));
  CHECK_THAT(errors_of("[outputs.eve-log]\ntypes = [\"http\"]"),
             Catch::Contains("'http' is not one of alert"));
  CHECK_THAT(errors_of("flow = 3"), Catch::Contains("unknown key 'flow'"));
  CHECK_THAT(errors_of("mode = 1979-05-27"), Catch::Contains("mode is a string, not a date or time"));
}

TEST_CASE("all that is wrong is reported at once, in the order of the text", "[engine][options]") {
  const std::string all = errors_of("b = 1\na = 2\n[flow]\nmax-flows = 1\n");
  CHECK(all.find(":1:1:") < all.find(":2:1:"));
  CHECK(all.find(":2:1:") < all.find(":4:13:"));
  CHECK(all.find(":4:13:") != std::string::npos);
}

TEST_CASE("text that is not TOML names the place", "[engine][options]") {
  CHECK_THAT(errors_of("[flow\nx = 1"), Catch::Contains("lockstep.toml:1:"));
  CHECK_THAT(errors_of("mode = \"enforce\"\nmode = \"observe\""), Catch::Contains("lockstep.toml:2:"));
  CHECK_FALSE(errors_of(std::string_view("\0\xff\xfe", 3)).empty());
}

TEST_CASE("a setting is overridden by any key, lists by comma and names one by one", "[engine][options]") {
  Configuration c;
  REQUIRE(override_setting(c, "stream.max-holes=8"));
  REQUIRE(override_setting(c, "rules.files=a,b"));
  REQUIRE(override_setting(c, "vars.address-groups.HOME_NET=[10.0.0.0/8,::1]"));
  CHECK(c.invocation.settings.stream.max_holes == 8);
  CHECK(c.invocation.settings.rules.files == std::vector<std::string>{"a", "b"});
  CHECK(c.invocation.settings.vars.address_groups.at("HOME_NET") == "[10.0.0.0/8,::1]");
  CHECK(to_string(c.origin("stream.max-holes")) == "--set");
  CHECK(override_setting(c, "stream.max-hole=8").error() ==
        "unknown key 'stream.max-hole'; did you mean 'stream.max-holes'?");
  CHECK(override_setting(c, "stream.max-holes=0").error() == "stream.max-holes: 0 is out of range 1..65535");
  CHECK_FALSE(override_setting(c, "stream.max-holes"));
  CHECK_FALSE(override_setting(c, "vars.port-groups=1"));
  CHECK_FALSE(override_setting(c, "vars.port-groups.A B=1"));
  CHECK(c.invocation.settings.stream.max_holes == 8);
}

TEST_CASE("the dump of the settings is a config file that gives the same settings", "[engine][options]") {
  Configuration first =
      config_of("flow.max-flows = 77\nrules.drop = [\"all\"]\n[outputs]\nlog-dir = '/a \"b\\'\n");
  REQUIRE(override_setting(first, "vars.port-groups.MINE=!80"));
  const std::string dump = dump_config(first);
  CHECK_THAT(dump, Catch::Contains("# conf/lockstep.toml:1"));
  CHECK_THAT(dump, Catch::Contains("# --set"));
  const Configuration second = config_of(dump);
  for (const Option& option : option_table()) {
    if (option.key.empty()) continue;
    CHECK(show_value(first.invocation, option, "MINE") == show_value(second.invocation, option, "MINE"));
  }
}

TEST_CASE("suggestions are near or none", "[engine][options]") {
  const std::vector<std::string_view> names{"replay", "check", "version"};
  CHECK(suggest("chekc", names) == "check");
  CHECK(suggest("reply", names) == "replay");
  CHECK(suggest("xyz", names).empty());
  CHECK(suggest(std::string(100'000, 'a'), names).empty());
}

TEST_CASE("no text makes the config reader throw or crash", "[engine][options][property]") {
  CHECK(rc::check("any text", [] {
    const auto pieces = *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
        "[", "]", "flow", ".", "max-flows", "=", "\n", "\"", "5", "-", "{", "}", ",", "rules", "drop", "vars",
        "address-groups", "#", "\t", "\\", "\xc3", "mode", "[[", "]]", "1e5", "true", " "));
    std::string text;
    for (const auto& piece : pieces) text += piece;
    Configuration c;
    for (const Diagnostic& trouble : read_config(c, text, "x")) RC_ASSERT(!to_string(trouble).empty());
  }));
}
