// What rules decide about a whole connection, from its first SYN to its end.
#include "tests/support/wire.hpp"

using namespace lockstep;
using namespace lockstep::test;

TEST_CASE("a pass rule that matched the SYN holds for the connection",
          "[engine][pipeline][rules][handshake]") {
  Wire wire(
      with_rules("pass tcp any any -> any 80 (alert; sid:1;)\n"
                 "drop tcp any any -> any any (noalert; sid:2;)\n"));
  wire.client.syns().passes().fires({1, 2});
  wire.server.syn_acks().passes().fires({});
  wire.client.acks().passes().fires({});
  wire.client.sends("GET /").passes().fires({});
  wire.server.sends("200").passes().fires({});
  CHECK(wire.flow().final_verdict == Final::passed);
}

TEST_CASE("a pass rule that matched the SYN holds for its repeats", "[engine][pipeline][rules][handshake]") {
  Wire wire(
      with_rules("pass tcp any any -> any 80 (sid:1;)\ndrop tcp any any -> any any (flags:S; sid:2;)\n"));
  wire.client.syns().passes();
  wire.client.syns().passes().fires({});
}

TEST_CASE("a drop rule of addresses drops every SYN, not the first alone",
          "[engine][pipeline][rules][handshake]") {
  Wire wire(with_rules("drop tcp any any -> any 80 (sid:1;)\n"));
  wire.client.syns().drops_flow(Reason::signature).fires({1});
  wire.client.syns().drops_flow(Reason::signature).fires({1});
  CHECK(wire.pipeline().half_open().size() == 0);
}

TEST_CASE("a drop rule of addresses that matches the SYN-ACK drops the connection",
          "[engine][pipeline][rules][handshake]") {
  Wire wire(with_rules("drop tcp any 80 -> any any (sid:1;)\n"));
  wire.client.syns().passes();
  wire.server.syn_acks().drops_flow(Reason::signature);
  wire.server.syn_acks().drops(Reason::flow_dropped);
}

TEST_CASE("a bypass rule that matched the SYN holds for the connection",
          "[engine][pipeline][rules][handshake]") {
  Wire wire(
      with_rules("alert tcp any any -> any 80 (flags:S; bypass; sid:1;)\n"
                 "drop tcp any any -> any any (content:\"GET\"; sid:2;)\n"));
  wire.client.syns().passes().fires({1});
  wire.server.syn_acks().passes();
  wire.client.acks().passes();
  wire.client.sends("GET /").passes().fires({});
  CHECK(wire.flow().final_verdict == Final::bypassed);
}

TEST_CASE("a rule of addresses and ports decides for the connection, one of anything else for the packet",
          "[engine][pipeline][rules]") {
  const auto flow_after = [](const std::string& rule) {
    auto wire = Wire::established({.rules = rule});
    wire.client.sends("GET /");
    return wire.flow().final_verdict;
  };
  CHECK(flow_after("pass tcp any any -> any 80 (sid:1;)\n") == Final::passed);
  CHECK(flow_after("pass tcp any any -> any any (sid:1;)\n") == Final::passed);
  CHECK(flow_after("pass tcp-pkt any any -> any 80 (sid:1;)\n") == Final::none);
  CHECK(flow_after("pass tcp any any -> any 80 (flow:to_server; sid:1;)\n") == Final::none);
  CHECK(flow_after("pass tcp any any -> any 80 (flags:S; sid:1;)\n") == Final::none);
}

TEST_CASE("rules that wait for the end of a stream are asked when its connection ends without a FIN",
          "[engine][pipeline][rules][end]") {
  using Sids = std::vector<std::uint32_t>;
  const bool enforcing = GENERATE(true, false);
  WireOptions options{.rules =
                          "alert tcp any any -> any any (content:\"tail\"; endswith; sid:1;)\n"
                          "alert tcp any any -> any any (content:\"head\"; endswith; sid:2;)\n"
                          "alert tcp any 80 -> any any (content:\"200\"; isdataat:!1,relative; sid:3;)\n"};
  options.configure = [enforcing](PipelineConfig& config) { config.enforcing = enforcing; };
  auto wire = Wire::established(options);
  wire.client.sends("head, tail").fires({});
  wire.server.sends("200").fires({});
  SECTION("at the end of the input") {
    wire.end();
    CHECK(wire.fired() == Sids{1, 3});
  }
  SECTION("when it is idle for too long") {
    wire.wait(std::chrono::hours(121));
    CHECK(wire.fired() == Sids{1, 3});
  }
  SECTION("after a FIN of one side for the other alone") {
    wire.client.fins().fires({1});
    wire.end();
    CHECK(wire.fired() == Sids{3});
  }
  SECTION("and not where a rule let the connection pass or dropped it") {
    auto other =
        Wire::established({.rules = "pass tcp any any -> any any (content:\"head\"; sid:1;)\n"
                                    "alert tcp any any -> any any (content:\"tail\"; endswith; sid:2;)\n"});
    other.client.sends("head, tail");
    other.end();
    CHECK(other.fired().empty());
  }
}

TEST_CASE("rules of headers see a packet that the decoder refuses, and none of its bytes",
          "[engine][pipeline][rules][malformed]") {
  auto wire =
      Wire::established(with_rules("alert tcp any any -> any 80 (tcpv4-csum:invalid; sid:1;)\n"
                                   "alert tcp any any -> any 80 (flags:PA; sid:2;)\n"
                                   "alert tcp any any -> any 80 (content:\"EVIL\"; sid:3;)\n"
                                   "alert tcp any any -> any any (sid:4;)\n"
                                   "alert tcp any 80 -> any any (tcpv4-csum:invalid; sid:5;)\n"
                                   "drop tcp any any -> any 80 (tcpv4-csum:invalid; sid:6;)\n"));
  wire.as_client().sends("EVIL", {.tcp_checksum = 0xdead}).drops(Reason::tcp_bad_checksum).fires({6, 1, 2});
  wire.as_server().acks({.tcp_checksum = 0xdead}).drops(Reason::tcp_bad_checksum).fires({5});
  wire.client.sends("GOOD").passes().fires({2});
}

TEST_CASE("a rule for packets that reads flowbits sees what the packet's bytes set in the stream",
          "[engine][pipeline][rules][flowbits]") {
  const bool enforcing = GENERATE(true, false);
  WireOptions options{.rules =
                          "alert tcp any any -> any any (content:\"GET \"; flowbits:set,get; sid:1;)\n"
                          "alert tcp any any -> any any (dsize:>0; flowbits:isset,get; sid:2;)\n"
                          "alert tcp any any -> any any (dsize:>0; flowbits:isnotset,get; sid:3;)\n"
                          "alert tcp-pkt any any -> any any (content:\"/\"; flowbits:isset,get; sid:4;)\n"};
  options.configure = [enforcing](PipelineConfig& config) { config.enforcing = enforcing; };
  auto wire = Wire::established(options);
  wire.client.sends("x").fires({3});
  wire.client.sends("GE").fires({3});
  wire.client.sends("T /").fires({1, 2, 4});
}
