#include "signatures/parser.hpp"

#include "signatures/language/keywords.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rules.hpp"

using namespace lockstep::signatures;
using namespace lockstep::test;

TEST_CASE("a rule's header becomes its values", "[signatures][parser]") {
  const Rule rule = rule_of(
      "drop tcp-pkt 10.0.0.1 1024: <> [10.0.0.2,10.0.0.3] !80 (msg:\"a \\\"b\\\"\\; c\"; gid:3; "
      "sid:7; rev:2; classtype:trojan-activity; reference:cve,2024-1; reference:url,x.org/a; "
      "metadata:k v, created_at 2024_01_01; target:dest_ip; bypass; noalert; alert; prefilter;)");
  CHECK(rule.action == Action::drop);
  CHECK(rule.protocol == RuleProtocol::tcp_pkt);
  CHECK(rule.bidirectional);
  CHECK(rule.source.contains(Address{{10, 0, 0, 1}, 4}));
  CHECK_FALSE(rule.destination.contains(Address{{10, 0, 0, 1}, 4}));
  CHECK(rule.source_ports.contains(1024));
  CHECK_FALSE(rule.destination_ports.contains(80));
  CHECK(rule.message == "a \"b\"; c");
  CHECK(rule.id == RuleId{3, 7, 2});
  CHECK(rule.category == "A Network Trojan was detected");
  CHECK(rule.priority == 1);
  REQUIRE(rule.references.size() == 2);
  CHECK(rule.references[0].url == "https://cve.mitre.org/cgi-bin/cvename.cgi?name=2024-1");
  CHECK(rule.references[1].url == "https://x.org/a");
  REQUIRE(rule.metadata.size() == 2);
  CHECK(rule.metadata[1] == std::pair<std::string, std::string>{"created_at", "2024_01_01"});
  CHECK(rule.target == Rule::Target::destination);
  CHECK((rule.bypass && rule.no_alert && rule.alert_on_pass && rule.prefilter));
}

TEST_CASE("every action and protocol of the language is known", "[signatures][parser]") {
  const auto action = [](std::string_view name) {
    return rule_of(std::string(name) + " tcp any any -> any any (sid:1;)").action;
  };
  CHECK(action("alert") == Action::alert);
  CHECK(action("PASS") == Action::pass);
  CHECK(action("drop") == Action::drop);
  CHECK(action("reject") == Action::reject);
  CHECK(action("rejectsrc") == Action::reject);
  CHECK(action("rejectdst") == Action::reject_dst);
  CHECK(action("rejectboth") == Action::reject_both);
  for (const std::string_view name : {"ip", "IP", "ipv4", "ip4", "ipv6", "ip6", "tcp", "tcp-pkt",
                                      "tcp-stream", "udp", "icmp", "icmpv4", "icmpv6", "sctp"}) {
    INFO(name);
    CHECK(outcome(with_options("", name)) == "loaded");
  }
  for (const std::string_view name :
       {"http", "http1", "HTTP2", "tls", "ssh", "smb", "dcerpc", "telnet", "pgsql"}) {
    INFO(name);
    CHECK(outcome(with_options("", name)) == "loaded");
  }
  CHECK(outcome(with_options("", "ftp-data")) == "skipped: protocol ftp-data");
  CHECK(outcome(with_options("", "arp")) == "skipped: protocol arp");
  CHECK(outcome(with_options("", "tcp:all")) == "skipped: rule hook");
  CHECK(outcome("accept:hook tcp any any -> any any (sid:1;)") == "skipped: action scope action accept");
  CHECK(outcome("alert http any any => any any (sid:1;)") == "skipped: direction =>");
  ParserSettings tcp_alone;
  tcp_alone.other_transports = false;
  CHECK(outcome(with_options("", "udp"), tcp_alone) == "skipped: protocol udp");
}

TEST_CASE("a broken header fails at the column of its fault", "[signatures][parser]") {
  CHECK(outcome("alrt tcp any any -> any any (sid:1;)") == "1:1: `alrt` is no action");
  CHECK(outcome("alert tpc any any -> any any (sid:1;)") == "1:7: `tpc` is no protocol");
  CHECK(outcome("alert tcp any any <- any any (sid:1;)") == "1:19: `<-` is no direction");
  CHECK(outcome("alert tcp any any -> any 1:2:3 (sid:1;)") ==
        "1:26: `1:2:3` is not a port (0 to 65535) or a range of ports");
  CHECK(outcome("alert tcp any any -> $NOWHERE any (sid:1;)") ==
        "1:22: the address variable $NOWHERE is not defined");
  CHECK(outcome("alert tcp any any -> any (sid:1;)") == "1:26: the destination port is missing");
  CHECK(outcome("alert tcp any any -> any any sid:1;") == "1:30: the options' opening `(` is missing");
  CHECK(outcome("alert") == "1:6: the protocol is missing");
  CHECK(outcome("alert tcp [any any -> any any (sid:1;)") == "1:31: the source port is missing");
}

TEST_CASE("broken options fail at the column of their fault", "[signatures][parser]") {
  const std::string head = "alert tcp any any -> any any (";  // 30 bytes
  CHECK(outcome(head + "conten:\"x\"; sid:1;)") == "1:31: `conten` is no keyword");
  CHECK(load(head + "conten:\"x\"; sid:1;)").report.failed.front().remedy == "did you mean `content`?");
  CHECK(outcome(head + "content:\"x\"; sid:1)") == "1:44: this option does not end with `;`");
  CHECK(outcome(head + "content:\"x\";)") == "1:1: the rule has no sid");
  CHECK(outcome(head + "sid:0;)") == "1:35: sid is a number from 1 to 4294967295");
  CHECK(outcome(head + "sid:1; sid:2;)") == "1:38: a rule has one sid");
  CHECK(outcome(head + "sid:4294967296;)") == "1:35: sid is a number from 1 to 4294967295");
  CHECK(outcome(head + "msg:x; sid:1;)") == "1:35: the value of msg stands in quotes");
  CHECK(outcome(head + "msg:\"a;b\"; sid:1;)") ==
        "1:35: this quote is not closed before the `;` that ends the option");
  CHECK(outcome(head + "msg:\"\"; sid:1;)") == "1:35: the value of msg is empty");
  CHECK(outcome(head + "sid:\"1\";)") == "1:35: sid takes no quotes");
  CHECK(outcome(head + "msg; sid:1;)") == "1:31: msg needs a value");
  CHECK(outcome(head + "noalert:x; sid:1;)") == "1:39: noalert takes no value");
  CHECK(outcome(head + "; sid:1;)") == "1:31: an option is missing before this `;`");
  CHECK(outcome(head + "priority:0; sid:1;)") == "1:40: priority is a number from 1 to 255");
  CHECK(outcome(head + "target:both; sid:1;)") == "1:38: target is src_ip or dest_ip");
  CHECK(outcome(head + "reference:cve; sid:1;)") ==
        "1:41: a reference is `type,id`, for example `cve,2024-1234`");
  CHECK(outcome(head + "msg:\"a\"; msg:\"b\"; sid:1;)") == "1:40: a rule has one msg");
}

TEST_CASE("text that can't be written to an event is refused", "[signatures][parser]") {
  CHECK(outcome(with_options("msg:\"caf\xc3\xa9\";")) == "loaded");
  CHECK(outcome(with_options("msg:\"caf\xe9\";")) == "1:39: this is not UTF-8");
  CHECK(outcome(with_options("msg:\"\xed\xa0\x80\";")) == "1:36: this is not UTF-8");
  CHECK(outcome(with_options("msg:\"a\x01\";")) == "1:37: a control character");
}

TEST_CASE("lines that end in a backslash are one rule, faults keep their own line", "[signatures][parser]") {
  CHECK(outcome("alert tcp any any -> any any ( \\\n  content:\"a\"; \\  \n  sid:1;)") == "loaded");
  CHECK(outcome("\n# a comment \\\nalert tcp any any -> any any ( \\\r\n  depth:4; \\\r\n  sid:1;)\r\n") ==
        "4:3: depth needs a content before it");
  CHECK(outcome("  # indented comment\n\t\n") == "nothing");
  CHECK(outcome(with_options("content:\"a\";") + " \\") == "loaded");
}

TEST_CASE("a rule without its last parenthesis loads with a warning", "[signatures][parser]") {
  const ParsedRules parsed = load("alert tcp any any -> any any (sid:1;");
  CHECK(parsed.rules.size() == 1);
  REQUIRE(parsed.report.warnings.size() == 1);
  CHECK(parsed.report.warnings[0].column == 37);
}

TEST_CASE("a keyword that is not built skips the rule and is named once", "[signatures][parser]") {
  CHECK(outcome(with_options("http.uri; content:\"a\"; http.uri; content:\"b\"; bsize:1;")) ==
        "skipped: http.uri bsize");
  CHECK(outcome(with_options("content:\"a\"; http_uri; uricontent:\"b\"; nocase;")) ==
        "skipped: http_uri uricontent");
  CHECK(outcome(with_options("pcre:\"/a/U\";")) == "skipped: http.uri");
  CHECK(outcome(with_options("pcre:\"/(a)/i, flow:name\";")) == "skipped: pcre:capture");
  CHECK(outcome(with_options("xbits:set,a,track tx;")) == "skipped: xbits:tx");
  // What is wrong with the rest is a fault all the same.
  CHECK(outcome(with_options("http.uri; content:\"|4|\";")) == "1:51: an odd number of hexadecimal digits");
}

TEST_CASE("a rule for another engine is skipped without reading the rest", "[signatures][parser][requires]") {
  CHECK(outcome(with_options("nonsense; requires: feature ja4;")) == "skipped: feature ja4");
  CHECK(outcome(with_options("requires: keyword ttl, version >= 7.0.3 < 9;")) == "loaded");
  CHECK(outcome(with_options("requires: keyword http.uri;")) == "skipped: keyword http.uri");
  CHECK(outcome(with_options("requires: version < 7;")) == "skipped: version < 7");
  CHECK(outcome(with_options("requires: version < 7 | >= 8.0.0;")) == "loaded");
  CHECK(outcome(with_options("requires: version > 8;")) == "skipped: version > 8");
  CHECK(outcome(with_options("requires: moon full;")) == "skipped: moon full");
  CHECK(outcome(with_options("requires: version ~ 8;")) ==
        "1:49: a version requirement is `version >= 7.0.3 < 8 | >= 8.0.1`");
}

TEST_CASE("of a sid that comes twice the higher rev stays", "[signatures][parser]") {
  const std::string head = "alert tcp any any -> any any (content:\"";
  const ParsedRules parsed =
      load(head + "a\"; sid:1; rev:1;)\n" + head + "b\"; sid:1; rev:3;)\n" + head + "c\"; sid:1; rev:2;)\n" +
           head + "d\"; sid:1; rev:3;)\n" + head + "e\"; sid:1; gid:2;)\n");
  REQUIRE(parsed.rules.size() == 2);
  CHECK(parsed.rules[0].place.line == 2);
  CHECK(parsed.rules[1].id.gid == 2);
  REQUIRE(parsed.report.skipped.size() == 3);
  for (const SkippedRule& rule : parsed.report.skipped) CHECK(rule.why == SkippedRule::Why::superseded);
  CHECK(parsed.report.summary() == "2 rules loaded, 0 failed, 3 skipped");
}

TEST_CASE("the options settle on what a rule is judged", "[signatures][parser][inspection]") {
  const auto inspection = [](std::string_view options, std::string_view protocol = "tcp") {
    return rule_of(with_options(options, protocol)).inspection;
  };
  CHECK(inspection("content:\"a\";") == Inspection::stream);
  CHECK(inspection("content:\"a\"; distance:1;") == Inspection::stream);
  CHECK(inspection("pcre:\"/a/\";") == Inspection::stream);
  CHECK(inspection("content:\"a\"; depth:4;") == Inspection::packet_and_stream);
  CHECK(inspection("content:\"a\"; offset:4;") == Inspection::packet_and_stream);
  CHECK(inspection("content:\"a\"; startswith;") == Inspection::packet_and_stream);
  CHECK(inspection("content:\"a\"; stream_size:both,>,9;") == Inspection::packet_and_stream);
  CHECK(inspection("content:\"a\"; depth:4;", "tcp-stream") == Inspection::stream);
  CHECK(inspection("content:\"a\"; flow:only_stream;") == Inspection::stream);
  CHECK(inspection("content:\"a\"; flow:no_stream;") == Inspection::packet);
  CHECK(inspection("content:\"a\";", "tcp-pkt") == Inspection::packet);
  CHECK(inspection("content:\"a\";", "udp") == Inspection::packet);
  CHECK(inspection("content:\"a\"; dsize:>4;") == Inspection::packet);
  CHECK(inspection("content:\"a\"; ttl:4;") == Inspection::packet);
  CHECK(inspection("content:\"a\"; flow.pkts_toserver:>4;") == Inspection::packet);
  CHECK(inspection("flow:established;") == Inspection::header_only);
  CHECK(inspection("flags:S;") == Inspection::header_only);
  CHECK(inspection("flowbits:isset,a;") == Inspection::header_only);
  CHECK(inspection("") == Inspection::ip_only);
  CHECK(inspection("ip_proto:47; flowbits:set,a; threshold:type limit,track by_src,count 1,seconds 1;",
                   "ip") == Inspection::ip_only);
  CHECK(rule_of("alert tcp any any -> any 80 (sid:1;)").inspection == Inspection::header_only);
}

TEST_CASE("options that exclude each other fail", "[signatures][parser]") {
  CHECK(outcome(with_options("content:\"a\"; ttl:3;", "tcp-stream")) ==
        "1:51: this option judges a packet; the rule asks for the stream alone");
  CHECK(outcome(with_options("flow:only_stream; dsize:3;")) ==
        "1:49: this option judges a packet; the rule asks for the stream alone");
  CHECK(outcome(with_options("dsize:3; http.uri; content:\"a\";")) ==
        "1:31: this option judges a packet; `http.uri` is a buffer of an application protocol, which has no "
        "packets");
  CHECK(outcome(with_options("dsize:3; content:\"abcd\";")) ==
        "1:49: this content ends at byte 4, dsize allows 3: the rule could never match");
}

TEST_CASE("hostile lengths fail their own rule only", "[signatures][parser]") {
  const std::string good = with_options("content:\"a\";") + "\n";
  CHECK(outcome(with_options("msg:\"" + std::string(kMaxRuleLength, 'a') + "\";")) ==
        "1:65537: a rule has at most 65536 bytes");
  std::string many;
  for (int i = 0; i < 1100; ++i) many += "nocase;";
  CHECK(load(with_options("content:\"a\"; " + many)).report.failed.front().message ==
        "a rule has at most 1024 options");
  const ParsedRules parsed = load("(((((((((\n" + good + std::string(100000, '\\') + "\n\n");
  CHECK(parsed.rules.size() == 1);
  CHECK(parsed.report.failed.size() == 2);
}

TEST_CASE("the keyword table holds each keyword once and finds it in any case", "[signatures][keywords]") {
  for (const Keyword& keyword : built_keywords()) {
    INFO(keyword.name);
    REQUIRE(find_keyword(keyword.name) != nullptr);
    CHECK(find_keyword(keyword.name)->built());
  }
  for (const std::string_view name : unbuilt_keywords()) {
    INFO(name);
    REQUIRE(find_keyword(name) != nullptr);
    CHECK_FALSE(find_keyword(name)->built());
  }
  CHECK(std::is_sorted(unbuilt_keywords().begin(), unbuilt_keywords().end()));
  CHECK(find_keyword("CONTENT") == find_keyword("content"));
  CHECK(find_keyword("") == nullptr);
  CHECK(find_keyword(std::string(100, 'a')) == nullptr);
}

TEST_CASE("drop words turn alert rules into drop rules", "[signatures][parser][drop]") {
  const std::string text =
      "alert tcp any any -> any any (sid:1; classtype:trojan-activity;)\n"
      "alert tcp any any -> any any (sid:2; classtype:misc-attack;)\n"
      "pass tcp any any -> any any (sid:3; classtype:trojan-activity;)\n"
      "alert tcp any any -> any any (sid:4; flowbits:set,a; noalert;)\n";
  const auto turned = [&](const std::vector<std::string>& words) {
    std::vector<Rule> rules = load(text).rules;
    const auto count = turn_into_drop(rules, words);
    if (!count) return "refused " + count.error();
    std::string out = std::to_string(*count) + ":";
    for (const Rule& rule : rules) {
      if (rule.action == Action::drop) out += " " + std::to_string(rule.id.sid);
    }
    return out;
  };
  CHECK(turned({"all"}) == "2: 1 2");
  CHECK(turned({"2"}) == "1: 2");
  CHECK(turned({"classtype:Trojan-Activity"}) == "1: 1");
  CHECK(turned({"2", "classtype:trojan-activity"}) == "2: 1 2");
  CHECK(turned({"9"}) == "refused 9");
  CHECK(turned({"sid:2"}) == "refused sid:2");
  CHECK(turned({}) == "0:");
}

TEST_CASE("names keep their numbers in the set that follows", "[signatures][parser][reload]") {
  const auto first = load(
      "alert tcp any any -> any any (flowbits:set,a; flowint:n,=,1; sid:1;)\n"
      "alert tcp any any -> any any (flowbits:set,b; xbits:set,x,track ip_src; sid:2;)\n");
  REQUIRE(first.names.flowbits == std::vector<std::string>{"a", "b"});
  ParserSettings settings;
  settings.names = first.names;
  const auto second = load(
      "alert tcp any any -> any any (flowbits:set,c; xbits:set,y,track ip_src; sid:3;)\n"
      "alert tcp any any -> any any (flowbits:isset,b; flowbits:set,a; xbits:set,x,track ip_src; sid:4;)\n",
      settings);
  CHECK(second.names.flowbits == std::vector<std::string>{"a", "b", "c"});
  CHECK(second.names.xbits == std::vector<std::string>{"x", "y"});
  CHECK(second.names.flowints == std::vector<std::string>{"n"});
  CHECK(std::get<Flowbits>(second.rules[1].state[0]).bits == std::vector<std::uint32_t>{1});
  CHECK(std::get<Xbits>(second.rules[1].state[2]).bit == 0);
}
