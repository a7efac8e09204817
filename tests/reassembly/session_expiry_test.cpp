// Connections that are idle for long, and what becomes of those that ran out of time.
#include "tests/support/wire.hpp"

using namespace lockstep;
using namespace lockstep::test;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

void goes_on(Wire& wire) {
  wire.client.sends("ls").passes().delivers("ls");
  wire.server.sends("file").passes().delivers("file");
  wire.client.acks().passes();
}

}  // namespace

TEST_CASE("an SSH session idle for twelve hours lives", "[session][expiry]") {
  auto wire = Wire::established({.client_isn = GENERATE(any_isn()), .timestamps = GENERATE(false, true)});
  goes_on(wire);
  SECTION("without a word") {
    wire.wait(hours(12));
  }
  SECTION("with the keep-alives of its client's kernel") {
    const std::string garbage = GENERATE("", "x");
    for (int i = 0; i < 12; ++i) {
      wire.wait(hours(1));
      wire.as_client().sends(garbage, {.seq = 2, .ack = 5}).passes().delivers_nothing();
      wire.server.acks().passes();
    }
  }
  SECTION("with messages of its own") {
    for (int i = 0; i < 12 * 4; ++i) {
      wire.wait(minutes(15));
      goes_on(wire);
    }
  }
  CHECK(wire.resets() == 0);
  goes_on(wire);
  CHECK_FALSE(wire.flow().session.adopted());
}

TEST_CASE("keep-alives keep a connection beyond the time-out of idle ones", "[session][expiry]") {
  auto wire = Wire::established({});
  for (int day = 0; day < 30; ++day) {
    wire.wait(hours(24));
    CHECK(wire.resets() == 0);
    wire.as_client().sends("", {.seq = 0, .ack = 1}).passes();
    wire.server.acks().passes();
  }
  goes_on(wire);
}

TEST_CASE("what ran out of time is reset at both ends, and refused by name", "[session][expiry]") {
  auto wire = Wire::established({});
  goes_on(wire);
  wire.wait(hours(120) - seconds(10));
  CHECK(wire.resets() == 0);
  wire.wait(hours(1));
  CHECK(wire.resets() == 2);
  wire.client.sends("blind?").drops(Reason::unknown_connection).delivers_nothing();
  CHECK(wire.own().flags == "R");
  wire.server.sends("blind?").drops(Reason::unknown_connection).delivers_nothing();
  SECTION("a new connection of the same addresses is one") {
    wire.client.syns({.isn = 77}).passes();
    wire.server.syn_acks({.ack = 1, .isn = 88}).passes();
    wire.client.acks({.seq = 1, .ack = 1}).passes();
    wire.client.sends("new", {.seq = 1, .ack = 1}).passes().delivers("new");
  }
}

TEST_CASE("a handshake that nobody completes is forgotten, and its client's word is taken up again",
          "[session][expiry]") {
  Wire wire;
  wire.client.syns().passes();
  wire.server.syn_acks().passes();
  wire.wait(seconds(131));
  CHECK(wire.pipeline().flows().size() == 0);
  wire.client.sends("late", {.seq = 1, .ack = 1}).passes().delivers("late");
  CHECK(wire.flow().session.adopted());
}

TEST_CASE("replay adopts however long the capture: it began in the middle of its hosts' lives",
          "[session][expiry][replay]") {
  auto wire = Wire::established({.captured_hosts = true});
  wire.wait(hours(121));
  CHECK(wire.pipeline().flows().size() == 0);
  wire.client.sends("known to its hosts").passes().delivers("known to its hosts");
  CHECK(wire.flow().session.adopted());
}

TEST_CASE("an old hole resets both ends; their later words are refused by name", "[session][expiry]") {
  auto wire = Wire::established({});
  wire.client.sends("ahead", {.seq = 5}).passes().delivers_nothing();
  wire.wait(seconds(59));
  CHECK(wire.resets() == 0);
  wire.wait(seconds(3));
  CHECK(wire.resets() == 2);
  CHECK(wire.pipeline().bytes().blocks_in_use() == 0);
  wire.as_client().sends("evil", {.seq = 1}).drops(Reason::flow_expired).delivers_nothing();
  wire.server.sends("?").drops(Reason::flow_expired).delivers_nothing();
  wire.wait(hours(119));
  wire.as_client().sends("evil", {.seq = 1}).drops(Reason::flow_expired).delivers_nothing();
}

TEST_CASE("a SYN-ACK that nobody asked for does not keep the one that was asked for away",
          "[session][handshake][adopted]") {
  // The device has just started, and has not seen the SYN.
  Wire wire({.client_isn = GENERATE(any_isn()), .server_isn = GENERATE(any_isn())});
  wire.as_server().syn_acks({.ack = 5000, .isn = 4242}).passes();
  wire.server.syn_acks({.ack = 1}).passes();
  wire.client.acks({.seq = 1, .ack = 1}).passes();
  wire.client.sends("GET /", {.seq = 1, .ack = 1}).passes().delivers("GET /");
  wire.as_server().syn_acks({.ack = 5000, .isn = 4242}).drops(Reason::synack_changed);
}
