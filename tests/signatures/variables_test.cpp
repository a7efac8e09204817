#include "signatures/variables.hpp"

#include "tests/support/catch.hpp"

using namespace lockstep::signatures;

namespace {

struct Fault {
  std::size_t at;
  std::string message;
};

template <typename Parse>
Fault fault(Parse parse, std::string_view text, const Variables& variables = Variables::defaults()) {
  const auto set = parse(text, variables);
  if (set) return {std::string_view::npos, "parsed"};
  return {static_cast<std::size_t>(set.error().where.data() - text.data()), set.error().message};
}

PortSet ports(std::string_view text, const Variables& variables = Variables::defaults()) {
  const auto set = parse_ports(text, variables);
  REQUIRE(set.has_value());
  return *set;
}

using PortRanges = std::vector<PortSet::Range>;

}  // namespace

TEST_CASE("every default variable has a value that can be read", "[signatures][variables]") {
  CHECK(Variables::defaults().check().has_value());
  CHECK(ports("$FILE_DATA_PORTS").ranges() == PortRanges{{80, 80}, {110, 110}, {143, 143}});
  CHECK(ports("$SHELLCODE_PORTS").ranges() == PortRanges{{0, 79}, {81, 65535}});
  CHECK(ports("$SIP_PORTS").ranges() == PortRanges{{5060, 5061}});
}

TEST_CASE("ports are written as numbers, ranges and groups", "[signatures][variables]") {
  CHECK(ports("any").is_any());
  CHECK(ports("1024:").ranges() == PortRanges{{1024, 65535}});
  CHECK(ports(":1023").ranges() == PortRanges{{0, 1023}});
  CHECK(ports("[80:90,![82,84:86]]").ranges() == PortRanges{{80, 81}, {83, 83}, {87, 90}});
  CHECK(ports("!445,!139").ranges() == ports("[!445,!139]").ranges());  // the outer brackets may be left out
  CHECK(ports("![!22]").ranges() == PortRanges{{22, 22}});
}

TEST_CASE("a faulty port points at itself", "[signatures][variables]") {
  const auto check = [](std::string_view text, std::size_t at, std::string_view message) {
    const Fault found = fault(parse_ports, text);
    INFO(text);
    CHECK(found.at == at);
    CHECK(found.message == message);
  };
  check("[80,65536]", 4, "`65536` is not a port (0 to 65535) or a range of ports");
  check("[80,90:80]", 4, "this port range ends before it begins");
  check("[80,:]", 4, "`:` is not a port (0 to 65535) or a range of ports");
  check("[80,,81]", 4, "a port is missing here");
  check("[80,[81]", 0, "this `[` is never closed");
  check("[80]1", 4, "unexpected text behind `]`");
  check("!any", 1, "`!any` covers nothing");
  check("[80,!80]", 0, "this group covers no port: all it names is taken away again");
  check("$NO_PORTS", 0, "the port variable $NO_PORTS is not defined");
}

TEST_CASE("a faulty address points at itself", "[signatures][variables]") {
  const auto check = [](std::string_view text, std::size_t at, std::string_view message) {
    const Fault found = fault(parse_addresses, text);
    INFO(text);
    CHECK(found.at == at);
    CHECK(found.message == message);
  };
  check("[1.2.3.4,1.2.3]", 9, "`1.2.3` is not an IP address, network or range");
  check("1.2.3.4/33", 8, "a prefix of IPv4 has at most 32 bits");
  check("::1/129", 4, "a prefix of IPv6 has at most 128 bits");
  check("1.2.3.4/255.0.255.0", 8, "`255.0.255.0` is neither a prefix length nor a netmask");
  check("1.2.3.9-1.2.3.4", 0, "this address range ends before it begins");
  check("1.2.3.4-::1", 8, "the end of an address range is an address of the same IP version");
  check("[10.0.0.0/8,!0.0.0.0/0]", 0, "this group covers no address: all it names is taken away again");
}

TEST_CASE("excluding a variable that is any names the chain that leads there", "[signatures][variables]") {
  Variables variables = Variables::defaults();
  variables.set_addresses("EXTERNAL_NET", "!$HOME_NET");
  const Fault found = fault(parse_addresses, "[10.0.0.1,$EXTERNAL_NET]", variables);
  CHECK(found.at == 10);
  CHECK(found.message == "`!any` covers nothing ($EXTERNAL_NET -> $HOME_NET -> any)");
  const Parsed checked = variables.check();
  REQUIRE_FALSE(checked.has_value());
  CHECK(checked.error().message.find("$HOME_NET -> any") != std::string::npos);
}

TEST_CASE("a variable that leads back to itself is refused, not followed", "[signatures][variables]") {
  Variables variables;
  variables.set_ports("A", "[80,$B]");
  variables.set_ports("B", "!$C");
  variables.set_ports("C", "$A");
  const Fault found = fault(parse_ports, "$A", variables);
  CHECK(found.at == 0);
  CHECK(found.message.rfind("the variable $A is defined by itself", 0) == 0);
}

TEST_CASE("hostile groups end at their bounds", "[signatures][variables]") {
  Variables variables;
  variables.set_ports("X0", "80");
  for (int i = 1; i <= 30; ++i) {
    const std::string below = "$X" + std::to_string(i - 1);
    variables.set_ports("X" + std::to_string(i), "[" + below + "," + below + "]");
  }
  CHECK(fault(parse_ports, "$X12", variables).message == "parsed");
  CHECK(fault(parse_ports, "$X30", variables).message.rfind("groups nest deeper than 32", 0) == 0);
  CHECK_FALSE(fault(parse_ports, "$X15", variables).message.empty());
  const std::string deep(5000, '[');
  CHECK(fault(parse_ports, deep).message == "this `[` is never closed");
  CHECK(fault(parse_ports, deep + "80" + std::string(5000, ']')).message == "groups nest deeper than 32");
  std::string wide = "[1";
  for (int i = 0; i < 70000; ++i) wide += ",1";
  CHECK(fault(parse_ports, wide + "]").message == "the group has more than 65536 members");
}
