#include "tests/support/catch.hpp"
#include "tests/support/rules.hpp"

using namespace lockstep::signatures;
using namespace lockstep::test;

namespace {

template <typename Wanted>
Wanted state_option_of(std::string_view options) {
  const Rule rule = rule_of(with_options(options));
  const auto* found = first_of<Wanted>(rule.state);
  INFO(options);
  REQUIRE(found != nullptr);
  return *found;
}

}  // namespace

TEST_CASE("flow's words set one part each", "[signatures][flow]") {
  const FlowOption flow = rule_of(with_options("flow: from_client , established,no_stream,only_frag;")).flow;
  CHECK(flow.side == FlowOption::Side::to_server);
  CHECK(flow.state == FlowOption::State::established);
  CHECK(flow.scope == FlowOption::Scope::no_stream);
  CHECK(flow.fragments == FlowOption::Fragments::only);
  CHECK(rule_of(with_options("flow:from_server,not_established;")).flow.side == FlowOption::Side::to_client);
  CHECK(outcome(with_options("flow:to_server,to_client;")) ==
        "1:46: `to_client` repeats or contradicts a word before it");
  CHECK(outcome(with_options("flow:established,stateless;")) ==
        "1:48: `stateless` repeats or contradicts a word before it");
  CHECK(outcome(with_options("flow:establised;")) == "1:36: `establised` is no word of flow");
  CHECK(outcome(with_options("flow:established; flow:to_server;")) == "1:49: a rule has one flow option");
}

TEST_CASE("flowbits read their operation and names", "[signatures][flowbits]") {
  const ParsedRules parsed =
      load(with_options("flowbits:isset,a|b; flowbits:unset,a; flowbits:set,c; flowbits:noalert;"));
  REQUIRE(parsed.rules.size() == 1);
  CHECK(parsed.names.flowbits == std::vector<std::string>{"a", "b", "c"});
  CHECK(parsed.rules[0].no_alert);
  const auto& first = std::get<Flowbits>(parsed.rules[0].state[0]);
  CHECK((first.op == BitOp::is_set && first.bits == std::vector<std::uint32_t>{0, 1}));
  CHECK(state_option_of<Flowbits>("flowbits:toggle,x;").op == BitOp::toggle);
  CHECK(state_option_of<Flowbits>("flowbits:isnotset,x;").op == BitOp::is_not_set);
  CHECK(outcome(with_options("flowbits:raise,x;")) ==
        "1:40: the operation is set, unset, toggle, isset or isnotset");
  CHECK(outcome(with_options("flowbits:set;")) == "1:40: flowbits are `operation,name`");
  CHECK(outcome(with_options("flowbits:set,a|b;")) ==
        "1:44: only isset and isnotset take names joined by `|`");
  CHECK(outcome(with_options("flowbits:set,a b;")) ==
        "1:44: a flowbit's name has no blanks and is not empty");
  CHECK(outcome(with_options("flowbits:noalert,x;")) == "1:48: noalert stands alone");
}

TEST_CASE("names are numbered over the loaded rules alone", "[signatures][flowbits]") {
  const ParsedRules parsed = load(
      "alert sip any any -> any any (flowbits:set,skipped; sid:1;)\n"
      "alert tcp any any -> any any (flowbits:set,kept; flowint:n,+,m; sid:2;)\n"
      "alert tcp any any -> any any (flowbits:isset,kept; xbits:set,x,track ip_src; sid:3;)\n");
  CHECK(parsed.names.flowbits == std::vector<std::string>{"kept"});
  CHECK(parsed.names.flowints == std::vector<std::string>{"n", "m"});
  CHECK(parsed.names.xbits == std::vector<std::string>{"x"});
  REQUIRE(parsed.rules.size() == 2);
  CHECK(std::get<Flowbits>(parsed.rules[1].state[0]).bits.front() == 0);
}

TEST_CASE("a flowbit that no loaded rule sets is warned of once", "[signatures][flowbits][report]") {
  const ParsedRules parsed = load(
      "alert tcp any any -> any any (flowbits:isset,never; sid:1;)\n"
      "alert tcp any any -> any any (flowbits:isset,never; sid:2;)\n"
      "alert sip any any -> any any (flowbits:set,late; sid:3;)\n"
      "alert tcp any any -> any any (flowbits:isset,late; sid:4;)\n"
      "alert tcp any any -> any any (flowbits:isnotset,free; sid:5;)\n");
  REQUIRE(parsed.report.warnings.size() == 2);
  CHECK(parsed.report.warnings[0].message ==
        "the flowbit `never` is asked for and no loaded rule sets it: this can never match");
  CHECK(parsed.report.warnings[0].column == 46);
  CHECK(parsed.report.warnings[0].remedy.empty());
  CHECK(parsed.report.warnings[1].remedy == "the rules that set it were skipped");
}

TEST_CASE("flowint reads its operation and its value", "[signatures][flowint]") {
  CHECK(state_option_of<Flowint>("flowint:n,+,7;").value == 7);
  CHECK(state_option_of<Flowint>("flowint: n , >= , 7;").op == Flowint::Op::greater_equal);
  CHECK(state_option_of<Flowint>("flowint:n,=,other;").other == 1);
  CHECK(state_option_of<Flowint>("flowint:n,notset;").op == Flowint::Op::is_not_set);
  CHECK(outcome(with_options("flowint:n,*,7;")) ==
        "1:41: the operation is =, +, -, ==, !=, <, <=, >, >=, isset or notset");
  CHECK(outcome(with_options("flowint:n,+;")) == "1:39: this operation needs a value");
  CHECK(outcome(with_options("flowint:n,isset,1;")) == "1:47: this operation takes no value");
  CHECK(outcome(with_options("flowint:n,+,4294967296;")) ==
        "1:43: a value is a number up to 4294967295 or the name of a flowint");
}

TEST_CASE("xbits and hostbits read whom they are kept for", "[signatures][xbits]") {
  const auto pair = state_option_of<Xbits>("xbits:set,x,track ip_pair,expire 60;");
  CHECK((pair.track == Xbits::Track::pair && pair.expire == std::chrono::seconds(60) && !pair.host));
  CHECK(state_option_of<Xbits>("xbits:isset,x,track ip_src;").expire == std::chrono::seconds(30));
  const auto host = state_option_of<Xbits>("hostbits:toggle,x,dst;");
  CHECK((host.track == Xbits::Track::destination && host.host && host.expire == std::chrono::seconds(300)));
  CHECK(outcome(with_options("xbits:set,x;")) ==
        "1:37: xbits are `operation,name,track ip_src|ip_dst|ip_pair[,expire seconds]`");
  CHECK(outcome(with_options("xbits:set,x,expire 5;")) ==
        "1:37: xbits need `track ip_src`, `track ip_dst` or `track ip_pair`");
  CHECK(outcome(with_options("xbits:set,x,track ip_any;")) ==
        "1:49: xbits track ip_src, ip_dst, ip_pair or tx");
  CHECK(outcome(with_options("xbits:set,x,track ip_src,expire 0;")) ==
        "1:63: expire is a number of seconds from 1");
  CHECK(outcome(with_options("hostbits:set,x,both;")) == "1:46: hostbits are kept for src or dst");
}

TEST_CASE("stream_size and the flow's counters compare", "[signatures][state]") {
  const auto size = state_option_of<StreamSize>("stream_size:either, >= ,100;");
  CHECK((size.side == StreamSize::Side::either && size.size.op == Comparison::Op::greater_equal &&
         size.size.a == 100));
  CHECK(state_option_of<FlowCounter>("flow.age:>60;").what == FlowCounter::What::age);
  const auto packets = state_option_of<FlowCounter>("flow.pkts:toclient,>5;");
  CHECK((packets.what == FlowCounter::What::packets && packets.side == FlowCounter::Side::to_client));
  CHECK(state_option_of<FlowCounter>("flow.bytes_toserver:<9;").side == FlowCounter::Side::to_server);
  CHECK(state_option_of<FlowCounter>("flow.bytes:both,18446744073709551615;").value.a == ~std::uint64_t{0});
  CHECK(outcome(with_options("stream_size:peer,>,1;")) == "1:43: the side is server, client, both or either");
  CHECK(outcome(with_options("stream_size:both,1;")) == "1:43: stream_size is `side,operator,bytes`");
  CHECK(outcome(with_options("stream_size:both,>,x;")) == "1:50: the size is a number up to 4294967295");
  CHECK(outcome(with_options("flow.pkts:up,>1;")) ==
        "1:41: flow.pkts is `side,comparison`, the side one of toserver, toclient, both, either");
}

TEST_CASE("threshold and detection_filter read their words in any order", "[signatures][threshold]") {
  const auto threshold = [](std::string_view options) { return rule_of(with_options(options)).threshold; };
  const auto limit = threshold("threshold: type limit, seconds 60, count 2, track by_both;");
  REQUIRE(limit.has_value());
  CHECK((limit->type == Threshold::Type::limit && limit->track == Threshold::Track::by_both &&
         limit->count == 2));
  CHECK(limit->seconds == std::chrono::seconds(60));
  const auto backoff = threshold("threshold:type backoff,track by_flow,count 1,multiplier 10;");
  REQUIRE(backoff.has_value());
  CHECK((backoff->type == Threshold::Type::backoff && backoff->multiplier == 10));
  const auto filter = threshold("detection_filter:track by_src,count 30,seconds 60,unique_on dst_port;");
  REQUIRE(filter.has_value());
  CHECK((filter->type == Threshold::Type::detection_filter &&
         filter->unique_on == Threshold::UniqueOn::dst_port));
  CHECK(outcome(with_options("threshold:type some,track by_src,count 1,seconds 1;")) ==
        "1:46: type is limit, threshold, both or backoff");
  CHECK(outcome(with_options("threshold:type limit,track by_src,count 1;")) ==
        "1:41: track, count and seconds are all needed");
  CHECK(outcome(with_options("threshold:type limit,track by_hat,count 1,seconds 1;")) ==
        "1:58: track is by_src, by_dst, by_both, by_rule or by_flow");
  CHECK(outcome(with_options("threshold:type limit,type limit,track by_src,count 1,seconds 1;")) ==
        "1:52: `type` stands twice");
  CHECK(outcome(with_options("threshold:type backoff,track by_src,count 1,multiplier 2;")) ==
        "1:41: type backoff needs `track by_flow`");
  CHECK(outcome(with_options("detection_filter:track by_src,count 0,seconds 1;")) ==
        "1:48: count and seconds of a detection_filter are at least 1");
  CHECK(outcome(with_options("detection_filter:track by_src,count 1,seconds 1; threshold:type limit,track "
                             "by_src,count 1,seconds 1;")) ==
        "1:80: a rule has one threshold or detection_filter");
}

TEST_CASE("app-layer-protocol names protocols and a side", "[signatures][parser][protocol]") {
  using Of = AppLayerProtocol::Of;
  const auto option = [](std::string_view text) {
    const Rule rule = rule_of(with_options(text));
    REQUIRE(rule.protocols.size() == 1);
    return rule.protocols.front();
  };
  const AppLayerProtocol plain = option("app-layer-protocol:http|tls;");
  CHECK(plain.protocols == (ProtocolSet(AppProtocol::http1) | AppProtocol::http2 | AppProtocol::tls));
  CHECK((plain.of == Of::direction && !plain.negated));
  CHECK((option("app-layer-protocol:!http,final;").of == Of::flow));
  CHECK(option("app-layer-protocol:!http,final;").negated);
  CHECK(option("app-layer-protocol:ssh,to_client;").of == Of::to_client);
  CHECK(option("app-layer-protocol:dcerpc,either;").protocols.contains(AppProtocol::smb));
  CHECK_FALSE(option("app-layer-protocol:dcerpc,exact;").protocols.contains(AppProtocol::smb));
  CHECK(option("app-layer-protocol:failed;").protocols == AppProtocol::failed);
  CHECK(rule_of(with_options("app-layer-protocol:tls;")).inspection == Inspection::protocol_only);
  CHECK(rule_of(with_options("app-layer-protocol:tls; flow:to_server;")).inspection ==
        Inspection::header_only);
  CHECK(rule_of(with_options("content:\"a\";", "http")).inspection == Inspection::stream);
  CHECK(outcome(with_options("app-layer-protocol:sip|http;")) == "skipped: protocol sip");
  CHECK(outcome(with_options("app-layer-protocol:!dns;")) == "skipped: protocol doh2");
  CHECK(outcome(with_options("app-layer-protocol:!dns,exact;")) == "loaded");
  CHECK(outcome(with_options("app-layer-protocol:tls,original;")) == "skipped: app-layer-protocol:original");
  CHECK(outcome(with_options("app-layer-protocol:!unknown;")) ==
        "1:51: a negation never holds while the protocol is unknown");
  CHECK(outcome(with_options("app-layer-protocol:htp;")) == "1:50: `htp` is no application protocol");
  CHECK(outcome(with_options("app-layer-protocol:tls,final,either;")) ==
        "1:60: app-layer-protocol looks at one side or at both, not at several");
}
