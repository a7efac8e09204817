// When a connection is not inspected any more: no loaded rule can match it, or both directions are encrypted;
// and not before its hosts have acknowledged all that this rests on.
#include "tests/support/wire.hpp"

using namespace lockstep;
using namespace lockstep::test;

namespace {

// Rules for SSH and HTTP alone: a TLS connection is none of theirs.
constexpr const char* no_tls =
    "drop http any any -> any any (content:\"evil\"; sid:1;)\n"
    "drop ssh any any -> any any (content:\"evil\"; sid:2;)\n";

std::string beside_no_tls(const char* rules) {
  std::string all = no_tls;
  all += rules;
  return all;
}

const std::string client_hello("\x16\x03\x01\x00\x05hello", 10);
const std::string server_hello("\x16\x03\x03\x00\x05hello", 10);
const std::string change_cipher_spec("\x14\x03\x03\x00\x01\x01", 6);
const std::string application_data("\x17\x03\x03\x00\x04 evil", 9);

Release released(const Wire& wire) {
  return Pipeline::released(wire.flow());
}

}  // namespace

TEST_CASE("a connection is let go once both protocols are known, no rule is left, and all is acknowledged",
          "[engine][release]") {
  auto wire = Wire::established(with_rules(no_tls));
  wire.client.sends(client_hello).passes();
  wire.server.sends(server_hello).passes();
  CHECK(released(wire) == Release::none);  // the server's bytes are not acknowledged
  wire.client.acks().passes();
  CHECK(released(wire) == Release::no_rule);
  CHECK(wire.flow().final_verdict == Final::bypassed);
  wire.client.sends("evil").passes().fires({});
  CHECK(released(wire) == Release::none);  // under way
  wire.server.acks().passes();
  CHECK(released(wire) == Release::no_rule);
}

TEST_CASE("a connection that a rule may match is kept", "[engine][release]") {
  for (const char* rule :
       {"alert tcp any any -> any any (content:\"evil\"; sid:3;)\n",
        "alert tls any any -> any any (content:\"evil\"; sid:3;)\n",
        "alert tcp any any -> any any (flags:R; sid:3;)\n",
        "alert tcp any any -> any any (content:\"evil\"; app-layer-protocol:!http; sid:3;)\n"}) {
    INFO(rule);
    auto wire = Wire::established({.rules = beside_no_tls(rule)});
    wire.client.sends(client_hello).passes();
    wire.server.sends(server_hello).passes();
    wire.client.acks().passes();
    CHECK(released(wire) == Release::none);
    CHECK(wire.flow().final_verdict == Final::none);
  }
}

TEST_CASE("rules whose time is over do not keep a connection", "[engine][release]") {
  auto wire = Wire::established(
      with_rules(beside_no_tls("alert tcp any any -> any any (sid:3;)\n"
                               "alert tcp any any -> any any (app-layer-protocol:tls; sid:4;)\n"
                               "alert tcp any any -> any any (flow:not_established; flags:S; sid:5;)\n")));
  wire.client.sends(client_hello).passes().fires({4});
  wire.server.sends(server_hello).passes().fires({4});
  wire.client.acks().passes();
  CHECK(released(wire) == Release::no_rule);
}

TEST_CASE("a hello that the host never got does not let go what follows", "[engine][release][ttl]") {
  auto wire = Wire::established(with_rules(no_tls));
  // Its TTL runs out behind us: the server acknowledges nothing, and the forger answers for it in vain.
  wire.client.sends(client_hello).passes();
  wire.server.sends(server_hello, {.ack = 1}).passes();
  wire.client.acks().passes();
  CHECK(released(wire) == Release::none);
  // The same bytes again with other content leave as they were first.
  wire.as_client()
      .sends("GET / evil", {.seq = 1})
      .passes_as(Reason::overlap_rewritten)
      .carries(client_hello)
      .delivers_nothing();
  // What follows is scanned: a rule for TLS would be asked, and the flow is still inspected.
  wire.client.sends("more").passes().delivers("more");
  CHECK(wire.flow().final_verdict == Final::none);
  wire.server.acks().passes();
  CHECK(released(wire) == Release::no_rule);
}

TEST_CASE("a hole, a FIN or a RST under way keep a connection", "[engine][release]") {
  const auto begun = [](Wire& wire) {
    wire.client.sends(client_hello).passes();
    wire.server.sends(server_hello).passes();
  };
  SECTION("a hole") {
    auto wire = Wire::established(with_rules(no_tls));
    begun(wire);
    wire.as_client().sends("later", {.seq = 100});
    wire.client.acks();
    CHECK(released(wire) == Release::none);
  }
  SECTION("a FIN") {
    auto wire = Wire::established(with_rules(no_tls));
    begun(wire);
    wire.client.fins();
    CHECK(released(wire) == Release::none);
    wire.server.acks();
    CHECK(released(wire) == Release::none);
  }
  SECTION("a RST") {
    auto wire = Wire::established(with_rules(no_tls));
    begun(wire);
    wire.client.resets();
    CHECK(released(wire) == Release::none);
  }
}

TEST_CASE("an encrypted connection is let go if encryption-handling says so", "[engine][release][tls]") {
  const bool handled = GENERATE(false, true);
  auto options = with_rules("drop tcp any any -> any any (content:\"evil\"; sid:1;)\n");
  options.tls = handled ? EncryptionHandling::bypass : EncryptionHandling::full;
  auto wire = Wire::established(options);
  wire.client.sends(client_hello).passes();
  wire.server.sends(server_hello + change_cipher_spec + "\x17\x03\x03").passes();
  wire.client.sends(change_cipher_spec).passes();
  wire.server.acks().passes();
  CHECK(released(wire) == Release::none);
  // The record that begins it is still scanned.
  wire.client.sends("\x17\x03\x03").passes();
  wire.server.acks().passes();
  CHECK(released(wire) == (handled ? Release::encrypted : Release::none));
  if (handled) {
    wire.client.sends("evil").passes().fires({});
  } else {
    wire.client.sends("evil").drops_flow(Reason::signature);
  }
}

TEST_CASE("what only looks like TLS is never taken for encrypted", "[engine][release][tls]") {
  auto options = with_rules("drop tcp any any -> any any (content:\"evil\"; sid:1;)\n");
  options.tls = EncryptionHandling::bypass;
  auto wire = Wire::established(options);
  wire.client.sends(client_hello + "GET /").passes();
  wire.server.sends(server_hello + application_data.substr(0, 3)).passes();
  wire.client.sends(application_data.substr(0, 3)).passes();
  wire.server.acks().passes();
  CHECK(released(wire) == Release::none);
  wire.client.sends("evil").drops_flow(Reason::signature);
}

TEST_CASE("a pass rule's connection is let go when all is acknowledged", "[engine][release]") {
  auto wire = Wire::established(with_rules("pass tcp any any -> any any (content:\"GET\"; sid:1;)\n"));
  wire.client.sends("GET /").passes();
  CHECK(wire.flow().final_verdict == Final::passed);
  CHECK(released(wire) == Release::none);
  wire.server.acks().passes();
  CHECK(released(wire) == Release::rule);
}

TEST_CASE("what becomes of a connection that is met in its middle", "[engine][midstream]") {
  const auto met = [](MidstreamPolicy policy) {
    WireOptions options = with_rules(
        "drop tcp any any -> any any (content:\"evil\"; flow:established; sid:1;)\n"
        "alert tcp any any -> any any (content:\"word\"; sid:2;)\n");
    options.configure = [policy](PipelineConfig& config) { config.midstream = policy; };
    return options;
  };
  SECTION("adopted") {
    Wire wire(met(MidstreamPolicy::adopt));
    wire.client.sends("word").passes().fires({2});
    wire.client.sends("ev").passes();
    wire.client.sends("il").drops_flow(Reason::signature);
  }
  SECTION("ignored: its packets are judged one by one") {
    Wire wire(met(MidstreamPolicy::ignore));
    wire.client.sends("word").passes().fires({2});
    wire.client.sends("ev").passes().fires({});
    wire.client.sends("il, evil").passes().fires({});
    CHECK(wire.flow().midstream == MidstreamPolicy::ignore);
  }
  SECTION("passed") {
    Wire wire(met(MidstreamPolicy::pass_flow));
    wire.client.sends("word").passes().fires({});
    CHECK(wire.flow().final_verdict == Final::passed);
  }
  SECTION("bypassed") {
    Wire wire(met(MidstreamPolicy::bypass));
    wire.client.sends("word").passes().fires({});
    CHECK(wire.flow().final_verdict == Final::bypassed);
  }
  SECTION("dropped") {
    Wire wire(met(MidstreamPolicy::drop_flow));
    wire.client.sends("word").drops_flow(Reason::midstream);
    wire.server.sends("word").drops(Reason::flow_dropped);
  }
  SECTION("rejected") {
    Wire wire(met(MidstreamPolicy::reject));
    wire.client.sends("word").causes_resets(2);
  }
  SECTION("a handshake is no middle") {
    Wire wire(met(MidstreamPolicy::drop_flow));
    wire.client.syns().passes();
    wire.server.syn_acks().passes();
    wire.client.acks().passes();
    wire.client.sends("word").passes().fires({2});
  }
}

TEST_CASE("a refused segment of no connection is judged by its own payload", "[engine][rules]") {
  Wire wire(with_rules("alert tcp any any -> any any (content:\"hello\"; sid:1;)\n"));
  wire.client.sends("hello", {.flags = 0}).drops(Reason::no_ack_flag).fires({1}).delivers_nothing();
  CHECK(wire.pipeline().flows().size() == 0);
}

TEST_CASE("tcp.hdr holds the packet's own header, options included", "[engine][rules]") {
  Wire wire(
      with_rules("alert tcp any any -> any 80 (tcp.hdr; content:\"|00 50|\"; offset:2; depth:2; "
                 "content:\"|02 04|\"; offset:20; "
                 "sid:1;)\n"
                 "alert tcp any any -> any any (content:\"GET\"; tcp.hdr; content:\"|50|\"; offset:12; "
                 "depth:1; sid:2;)\n"));
  wire.client.syns().passes().fires({1});
  wire.server.syn_acks().passes().fires({});
  wire.client.acks().passes().fires({});
  wire.client.sends("GET /").passes().fires({2});
}
