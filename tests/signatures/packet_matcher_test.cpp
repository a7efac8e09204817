#include "signatures/packet_matcher.hpp"

#include "tests/signatures/matching.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep::signatures;

namespace {

using Sids = std::vector<std::uint32_t>;

Comparison is(std::uint64_t value) {
  return {Comparison::Op::equal, value, 0};
}

Rule packet_rule(std::uint32_t sid, std::vector<PacketOption> options,
                 std::vector<PayloadOption> payload = {}) {
  Rule rule = make_rule(sid, std::move(payload));
  rule.packet = std::move(options);
  rule.inspection = rule.payload.empty() ? Inspection::header_only : Inspection::packet;
  return rule;
}

// Whether one packet option holds on the packet as `change` leaves it.
template <typename Change>
bool holds(PacketOption option, Change change) {
  Matching matching({packet_rule(1, {std::move(option)})});
  change(matching.packet);
  return matching.judge("payload") == Sids{1};
}

}  // namespace

TEST_CASE("a packet rule sees one payload and never the stream", "[signatures][packet]") {
  Matching matching({packet_rule(1, {Dsize{{Comparison::Op::greater, 4, 0}}}, {content("attack")})});
  CHECK(matching.judge("attack") == Sids{1});
  CHECK(matching.judge("atta").empty());
  CHECK(matching.judge("ck").empty());
  CHECK(matching.group != nullptr);
  CHECK_FALSE(scans_stream(*matching.group));
}

TEST_CASE("dsize:!N asks for a payload, dsize:<N does not", "[signatures][packet]") {
  Matching matching({packet_rule(1, {Dsize{{Comparison::Op::not_equal, 4, 0}}}),
                     packet_rule(2, {Dsize{{Comparison::Op::less, 4, 0}}})});
  CHECK(matching.judge("") == Sids{2});
  CHECK(matching.judge("abc") == Sids{1, 2});
  CHECK(matching.judge("abcd").empty());
}

TEST_CASE("anchored contents of tcp rules are judged on packet and stream", "[signatures][packet]") {
  Rule rule = make_rule(1, {content("attack", {.depth = number(6)})});
  rule.inspection = Inspection::packet_and_stream;
  Matching matching({rule});
  matching.feed("xx");
  CHECK(matching.feed("attack").matches.empty());
  CHECK(matching.judge("attack") == Sids{1});
}

TEST_CASE("a stream rule falls back to the payload of a packet outside any stream", "[signatures][packet]") {
  Matching matching({make_rule(1, {content("attack")})});
  CHECK(matching.judge("attack").empty());
  matching.packet.in_stream = false;
  CHECK(matching.judge("an attack") == Sids{1});
}

TEST_CASE("in a packet endswith and isdataat:! are decided at its end", "[signatures][packet]") {
  Matching matching(
      {packet_rule(1, {Dsize{{Comparison::Op::less, 90, 0}}}, {content("end", {.ends_with = true})}),
       packet_rule(2, {Dsize{{Comparison::Op::less, 90, 0}}},
                   {content("head"), IsDataAt{number(2), true, true}})});
  CHECK(matching.judge("the end") == Sids{1});
  CHECK(matching.judge("the end.").empty());
  CHECK(matching.judge("head1") == Sids{2});
  CHECK(matching.judge("head12").empty());
}

TEST_CASE("tcp flags compare exactly, all, any or not all", "[signatures][packet][flags]") {
  constexpr std::uint8_t syn = 2;
  constexpr std::uint8_t ack = 16;
  constexpr std::uint8_t ece_cwr = 0xc0;
  using Mode = TcpFlagsMatch::Mode;
  const auto flags = [](Mode mode, std::uint8_t bits, std::uint8_t ignored, int seen) {
    return holds(TcpFlagsMatch{mode, bits, ignored},
                 [&](PacketFields& packet) { packet.tcp_flags = static_cast<std::uint8_t>(seen); });
  };
  CHECK(flags(Mode::exact, syn, 0, syn));
  CHECK_FALSE(flags(Mode::exact, syn, 0, syn | ece_cwr));
  CHECK(flags(Mode::exact, syn, ece_cwr, syn | ece_cwr));
  CHECK(flags(Mode::all, syn, 0, syn | ack));
  CHECK_FALSE(flags(Mode::all, syn | ack, 0, syn));
  CHECK(flags(Mode::any, syn | ack, 0, syn));
  CHECK_FALSE(flags(Mode::any, syn | ack, 0, 1));
  CHECK(flags(Mode::not_all, syn | ack, 0, syn));
  CHECK_FALSE(flags(Mode::not_all, syn | ack, 0, syn | ack));
  CHECK(flags(Mode::exact, 0, 0, 0));
}

TEST_CASE("header keywords read the packet's fields", "[signatures][packet]") {
  const auto unchanged = [](PacketFields&) {};
  CHECK(holds(Ttl{is(5)}, [](PacketFields& packet) { packet.ttl = 5; }));
  CHECK_FALSE(holds(Ttl{is(5)}, [](PacketFields& packet) { packet.ttl = 6; }));
  CHECK(holds(Tos{is(8)}, [](PacketFields& packet) { packet.tos = 8; }));
  CHECK(holds(IpId{is(7)}, [](PacketFields& packet) { packet.ip_id = 7; }));
  CHECK(holds(IpProto{is(6)}, unchanged));
  CHECK_FALSE(holds(SameIp{}, unchanged));
  CHECK(holds(SameIp{}, [](PacketFields& packet) { packet.destination = packet.source; }));
  CHECK(holds(FragBits{FragBits::Mode::exact, false, true, false},
              [](PacketFields& packet) { packet.dont_fragment = true; }));
  CHECK_FALSE(holds(FragBits{FragBits::Mode::exact, true, true, false},
                    [](PacketFields& packet) { packet.dont_fragment = true; }));
  CHECK(holds(FragBits{FragBits::Mode::any, true, true, false},
              [](PacketFields& packet) { packet.dont_fragment = true; }));
  CHECK(holds(FragOffset{is(3)}, [](PacketFields& packet) { packet.fragment_offset = 3; }));
  CHECK(holds(IpOpts{7}, [](PacketFields& packet) { packet.ip_options = 1U << 7; }));
  CHECK_FALSE(holds(IpOpts{-1}, unchanged));
  CHECK(holds(TcpSeq{9}, [](PacketFields& packet) { packet.seq = 9; }));
  CHECK(holds(TcpAck{9}, [](PacketFields& packet) { packet.ack = 9; }));
  CHECK(holds(TcpWindow{0, true}, [](PacketFields& packet) { packet.window = 1; }));
  CHECK_FALSE(holds(TcpMss{is(536)}, unchanged));
  CHECK(holds(TcpMss{is(536)}, [](PacketFields& packet) { packet.mss = std::uint16_t{536}; }));
  CHECK(holds(TcpWscale{is(14)}, [](PacketFields& packet) { packet.window_scale = std::uint8_t{14}; }));
  CHECK(holds(ChecksumMatch{ChecksumMatch::Layer::tcpv4, false},
              [](PacketFields& packet) { packet.checksum_valid = false; }));
  CHECK_FALSE(holds(IcmpNumber{IcmpNumber::Field::type, is(0)}, unchanged));
}

TEST_CASE("a stream event is looked at only when the packet has one", "[signatures][packet][events]") {
  CompileOptions options;
  options.stream_events = {"rst_invalid_ack", "pkt_broken_ack"};
  Matching matching({packet_rule(1, {StreamEvent{"pkt_broken_ack"}})}, options);
  CHECK(matching.judge("").empty());
  matching.packet.events = 1;
  CHECK(matching.judge("").empty());
  matching.packet.events = 2;
  CHECK(matching.judge("") == Sids{1});

  const auto failed = RuleSet::compile({packet_rule(7, {StreamEvent{"no_such_event"}})}, {}, options);
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error()[0].id.sid == 7);
}

TEST_CASE("flow asks for direction and state", "[signatures][flow]") {
  Rule rule = packet_rule(1, {});
  rule.flow.side = FlowOption::Side::to_server;
  rule.flow.state = FlowOption::State::established;
  Matching matching({rule});
  CHECK(matching.judge("") == Sids{1});
  matching.packet.established = false;
  CHECK(matching.judge("").empty());
  matching.packet.established = true;
  matching.packet.direction = Direction::to_client;
  CHECK(matching.judge("").empty());
  matching.packet.direction = Direction::to_server;
  matching.packet.has_flow = false;
  CHECK(matching.judge("").empty());
}

TEST_CASE("rules of addresses alone are judged on the first packet and act on the flow",
          "[signatures][packet]") {
  Rule rule = packet_rule(1, {});
  rule.inspection = Inspection::ip_only;
  Matching matching({rule});
  CHECK(matching.judge("").empty());
  CHECK(matching.judge("", true) == Sids{1});
  CHECK(scope_of(rule, Match{}) == EffectScope::flow);
  Match on_packet;
  on_packet.on = MatchOn::packet;
  CHECK(scope_of(rule, on_packet) == EffectScope::flow);
  CHECK(scope_of(packet_rule(2, {}), on_packet) == EffectScope::flow);  // of ports
  CHECK(scope_of(packet_rule(2, {Dsize{is(3)}}), on_packet) == EffectScope::packet);
}

TEST_CASE("flowints are compared once they exist and counted by matches", "[signatures][flowint]") {
  Rule counter = packet_rule(1, {Dsize{is(3)}});
  counter.state.emplace_back(Flowint{Flowint::Op::add, 0, 1, -1});
  Rule reader = packet_rule(2, {Dsize{is(3)}});
  reader.state.emplace_back(Flowint{Flowint::Op::greater, 0, 2, -1});
  Rule unset = packet_rule(3, {Dsize{is(5)}});
  unset.state.emplace_back(Flowint{Flowint::Op::is_not_set, 0, 0, -1});
  Matching matching({reader, counter, unset}, {}, {{}, {}, {"count"}});
  CHECK(matching.judge("12345") == Sids{3});
  CHECK(matching.judge("abc") == Sids{1});
  CHECK(matching.judge("abc") == Sids{1});
  CHECK(matching.judge("abc") == Sids{1, 2});
  CHECK(matching.judge("12345").empty());
}

TEST_CASE("stream_size counts each side, 32 bits wide", "[signatures][stream_size]") {
  const auto size = [](StreamSize::Side side, Comparison::Op op, std::uint64_t value) {
    Rule rule = packet_rule(1, {});
    rule.state.emplace_back(StreamSize{side, {op, value, 0}});
    Matching matching({rule});
    matching.packet.stream_size_client = 10;
    matching.packet.stream_size_server = (1ULL << 32) + 20;
    return matching.judge("") == Sids{1};
  };
  CHECK(size(StreamSize::Side::client, Comparison::Op::equal, 10));
  CHECK(size(StreamSize::Side::server, Comparison::Op::equal, 20));
  CHECK_FALSE(size(StreamSize::Side::both, Comparison::Op::greater, 10));
  CHECK(size(StreamSize::Side::both, Comparison::Op::greater_equal, 10));
  CHECK(size(StreamSize::Side::either, Comparison::Op::greater, 10));
}
