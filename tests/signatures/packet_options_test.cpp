#include "tests/support/catch.hpp"
#include "tests/support/rules.hpp"

using namespace lockstep::signatures;
using namespace lockstep::test;

namespace {

template <typename Wanted>
Wanted packet_option_of(std::string_view options, std::string_view protocol = "tcp") {
  const Rule rule = rule_of(with_options(options, protocol));
  const auto* found = first_of<Wanted>(rule.packet);
  INFO(options);
  REQUIRE(found != nullptr);
  return *found;
}

using Op = Comparison::Op;

bool same(const Comparison& x, const Comparison& y) {
  return x.op == y.op && x.a == y.a && x.b == y.b;
}

}  // namespace

TEST_CASE("an integer is compared in every way the language writes", "[signatures][packet]") {
  const auto dsize = [](std::string_view text) {
    return packet_option_of<Dsize>("dsize:" + std::string(text) + ";").size;
  };
  CHECK(same(dsize("10"), {Op::equal, 10, 0}));
  CHECK(same(dsize("=10"), {Op::equal, 10, 0}));
  CHECK(same(dsize("!10"), {Op::not_equal, 10, 0}));
  CHECK(same(dsize("!=10"), {Op::not_equal, 10, 0}));
  CHECK(same(dsize("> 10"), {Op::greater, 10, 0}));
  CHECK(same(dsize(">=10"), {Op::greater_equal, 10, 0}));
  CHECK(same(dsize("<0x10"), {Op::less, 16, 0}));
  CHECK(same(dsize("<=10"), {Op::less_equal, 10, 0}));
  CHECK(same(dsize("10<>20"), {Op::between, 10, 20}));
  CHECK(same(dsize("10-20"), {Op::between, 10, 20}));
  CHECK(same(dsize("&0xf0=0x40"), {Op::masked, 0xf0, 0x40}));
}

TEST_CASE("a faulty comparison points at its fault", "[signatures][packet]") {
  CHECK(outcome(with_options("dsize:x;")) == "1:37: `x` is not a number");
  CHECK(outcome(with_options("dsize:65536;")) == "1:37: this number is at most 65535");
  CHECK(outcome(with_options("dsize:10<>11;")) ==
        "1:37: no number lies between these: both ends are excluded");
  CHECK(outcome(with_options("dsize:20<>10;")) ==
        "1:37: no number lies between these: both ends are excluded");
  CHECK(outcome(with_options("dsize:1; dsize:2;")) == "1:40: a rule has one dsize");
  CHECK(outcome(with_options("ttl:256;")) == "1:35: this number is at most 255");
  CHECK(outcome(with_options("ttl:&1;")) == "1:35: a mask is written &mask=value");
}

TEST_CASE("IP header options", "[signatures][packet]") {
  CHECK(same(packet_option_of<Ttl>("ttl:<5;").value, {Op::less, 5, 0}));
  CHECK(same(packet_option_of<Tos>("tos:!x1f;").value, {Op::not_equal, 31, 0}));
  CHECK(same(packet_option_of<IpId>("id:7;").value, {Op::equal, 7, 0}));
  CHECK(same(packet_option_of<IpProto>("ip_proto:!udp;").value, {Op::not_equal, 17, 0}));
  CHECK(same(packet_option_of<IpProto>("ip_proto:47;").value, {Op::equal, 47, 0}));
  CHECK(same(packet_option_of<FragOffset>("fragoffset:>0;").value, {Op::greater, 0, 0}));
  CHECK(packet_option_of<IpOpts>("ipopts:lsrr;").kind == 131);
  CHECK(packet_option_of<IpOpts>("ipopts:any;").kind == -1);
  CHECK(rule_of(with_options("sameip;")).packet.size() == 1);
  const auto bits = packet_option_of<FragBits>("fragbits:+MD;");
  CHECK((bits.mode == FragBits::Mode::all && bits.more && bits.dont && !bits.reserved));
  CHECK(packet_option_of<FragBits>("fragbits:!R;").mode == FragBits::Mode::not_all);
  CHECK(packet_option_of<FragBits>("fragbits:*M;").mode == FragBits::Mode::any);
  CHECK(outcome(with_options("tos:300;")) ==
        "1:35: tos is a number from 0 to 255, or x and two hexadecimal digits");
  CHECK(outcome(with_options("ip_proto:frob;")) == "1:40: `frob` is no IP protocol");
  CHECK(outcome(with_options("fragbits:MX;")) == "1:41: fragbits are M, D and R, with +, * or ! before them");
  CHECK(outcome(with_options("ipopts:zz;")) ==
        "1:38: ipopts is one of eol, nop, rr, qs, ts, sec, esec, lsrr, ssrr, cipso, satid, rtralt, any");
}

TEST_CASE("TCP flags take modifiers and flags to ignore", "[signatures][packet][flags]") {
  using Mode = TcpFlagsMatch::Mode;
  const auto flags = [](std::string_view text) {
    return packet_option_of<TcpFlagsMatch>("flags:" + std::string(text) + ";");
  };
  const auto syn = flags("S,12");
  CHECK((syn.mode == Mode::exact && syn.bits == 0x02 && syn.ignored == 0xc0));
  CHECK(flags("S,CE").ignored == flags("S,12").ignored);
  CHECK((flags("+SA").mode == Mode::all && flags("+SA").bits == 0x12));
  CHECK(flags("SA+").mode == Mode::all);
  CHECK(flags("*FR").mode == Mode::any);
  CHECK(flags("!F").mode == Mode::not_all);
  CHECK((flags("0").mode == Mode::exact && flags("0").bits == 0));
  CHECK(flags("FSRPAUEC").bits == 0xff);
  CHECK(packet_option_of<TcpFlagsMatch>("tcp.flags:R;").bits == 0x04);
  CHECK(outcome(with_options("flags:SX;")) ==
        "1:38: flags are F, S, R, P, A, U, E, C or 0, with +, * or ! as a modifier");
  CHECK(outcome(with_options("flags:+S*;")) == "1:39: one modifier, on the flags before the comma");
  CHECK(outcome(with_options("flags:+S,C;")) == "1:40: flags to ignore have a meaning only without modifier");
  CHECK(outcome(with_options("flags:S,C,E;")) == "1:41: flags take one comma, before those to ignore");
}

TEST_CASE("TCP header options", "[signatures][packet]") {
  CHECK(packet_option_of<TcpSeq>("seq:4294967295;").value == 4294967295U);
  CHECK(packet_option_of<TcpAck>("tcp.ack:0;").value == 0);
  const auto window = packet_option_of<TcpWindow>("window:!55808;");
  CHECK((window.negated && window.value == 55808));
  CHECK(same(packet_option_of<TcpMss>("tcp.mss:<536;").value, {Op::less, 536, 0}));
  CHECK(same(packet_option_of<TcpWscale>("tcp.wscale:>14;").value, {Op::greater, 14, 0}));
  const auto checksum = packet_option_of<ChecksumMatch>("tcpv4-csum:invalid;");
  CHECK((checksum.layer == ChecksumMatch::Layer::tcpv4 && !checksum.valid));
  CHECK(packet_option_of<ChecksumMatch>("ipv4-csum:valid;").valid);
  CHECK(packet_option_of<ChecksumMatch>("tcpv6-csum:valid;").layer == ChecksumMatch::Layer::tcpv6);
  CHECK(outcome(with_options("seq:-1;")) == "1:35: seq is a number from 0 to 4294967295");
  CHECK(outcome(with_options("window:65536;")) ==
        "1:38: window is a number from 0 to 65535, with or without `!` before it");
  CHECK(outcome(with_options("tcpv4-csum:bad;")) == "1:42: a checksum is `valid` or `invalid`");
}

TEST_CASE("ICMP numbers and stream events", "[signatures][packet]") {
  CHECK(packet_option_of<IcmpNumber>("itype:8;", "icmp").field == IcmpNumber::Field::type);
  CHECK(same(packet_option_of<IcmpNumber>("icode:>0;", "icmp").value, {Op::greater, 0, 0}));
  CHECK(packet_option_of<IcmpNumber>("icmp_id:\"7\";", "icmp").field == IcmpNumber::Field::id);
  CHECK(packet_option_of<IcmpNumber>("icmp_seq:7;", "icmp").field == IcmpNumber::Field::sequence);
  CHECK(packet_option_of<StreamEvent>("stream-event:rst_with_data;").name == "rst_with_data");
  CHECK(packet_option_of<StreamEvent>("stream-event:est_synack_resend_with_different_ack;").name ==
        "est_synack_resend_with_diff_ack");
  CHECK(outcome(with_options("stream-event:thunder;")) == "1:44: `thunder` is no stream event");
}

TEST_CASE("what stands behind tcp.hdr is for the TCP header, until pkt_data", "[signatures][parser]") {
  const Rule rule =
      rule_of(with_options("content:\"GET\"; tcp.hdr; content:\"|00 50|\"; offset:2; depth:2; pkt_data; "
                           "content:\"x\"; distance:0;"));
  CHECK(rule.payload.size() == 2);
  REQUIRE(rule.tcp_header.size() == 1);
  CHECK(std::get<Content>(rule.tcp_header.front()).pattern == std::vector<std::uint8_t>{0, 0x50});
  CHECK(rule.inspection == Inspection::packet);
  CHECK(rule_of(with_options("tcp.hdr; content:\"|02 04|\"; offset:20;")).inspection ==
        Inspection::header_only);
  CHECK(outcome(with_options("tcp.hdr; content:\"a\"; offset:20;", "tcp-stream")).substr(0, 2) == "1:");
}
