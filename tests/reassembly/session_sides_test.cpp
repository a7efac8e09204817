#include "tests/support/wire.hpp"

using namespace lockstep;
using namespace lockstep::test;

namespace {

// IPv6 has no header checksum that a router's hop would change.
WireOptions sided() {
  return {.client_isn = GENERATE(any_isn()), .server_isn = GENERATE(any_isn()), .ipv6 = true, .sides = true};
}

}  // namespace

TEST_CASE("one end's address from the other side is refused", "[session][sides]") {
  auto wire = Wire::established(sided());
  wire.client.sends("GET /").passes().delivers("GET /");
  wire.as_client().sends("EVIL", {.other_side = true}).drops(Reason::wrong_side).delivers_nothing();
  wire.as_server().resets({.seq = 1, .other_side = true}).drops(Reason::wrong_side);
  wire.as_server().acks({.ack = 6, .other_side = true}).drops(Reason::wrong_side);
  wire.client.sends(" evil").passes().delivers(" evil");
  wire.server.sends("answer").passes().delivers("answer");
}

TEST_CASE("a forged first packet does not name the sides: a handshake across the pair does",
          "[session][sides]") {
  Wire wire(sided());
  wire.as_client().syns({.other_side = true, .isn = 77}).passes();
  wire.client.syns().passes();
  wire.as_server().syn_acks({.other_side = true}).drops(Reason::wrong_side);
  wire.server.syn_acks().passes();
  wire.client.acks().passes();
  wire.client.sends("GET /").passes().delivers("GET /");
  wire.as_client().sends("EVIL", {.other_side = true}).drops(Reason::wrong_side);
}

TEST_CASE("a forged first packet does not name the sides of an adopted connection",
          "[session][sides][adopted]") {
  Wire wire(sided());
  wire.as_server().acks({.seq = 500, .ack = 1000, .other_side = true}).passes();
  wire.client.sends("middle", {.seq = 1000, .ack = 500}).passes().delivers("middle");
  wire.server.sends("answer", {.seq = 500, .ack = 1006}).passes().delivers("answer");
  wire.as_server().sends("EVIL", {.seq = 506, .ack = 1006, .other_side = true}).drops(Reason::wrong_side);
  wire.server.sends("more", {.seq = 506, .ack = 1006}).passes().delivers("more");
}

TEST_CASE("forged packets that go with each other do not hold an adopted connection: the other side counts",
          "[session][sides][adopted]") {
  Wire wire(sided());
  const std::int64_t far = GENERATE(0x4000'0000, -0x2000'0000, 0x200'0000);
  wire.as_client().sends("forged", {.seq = 1000 + far, .ack = 500 - far}).passes();
  SECTION("both in the name of one end") {
    wire.as_client().sends("again", {.seq = 1006 + far, .ack = 500 - far}).passes();
  }
  SECTION("each in the name of another end") {
    wire.as_server().sends("again", {.seq = 500 - far, .ack = 1006 + far, .other_side = true}).passes();
  }
  wire.as_client().sends("ahead", {.seq = 1020 + far, .ack = 500 - far}).drops(Reason::out_of_order_limit);
  // The sender is on the forger's side: its word waits for a second in which the other one's is not repeated.
  wire.client.sends("middle", {.seq = 1000, .ack = 500}).drops(Reason::not_confirmed);
  // The other end is not, and counts at once.
  wire.server.sends("answer", {.seq = 500, .ack = 1000}).passes().delivers("answer");
  wire.client.sends("middle", {.seq = 1000, .ack = 506}).passes().delivers("middle");
  CHECK(wire.flow().session.confirmed());
  wire.as_client().sends("forged", {.seq = 1000 + far, .ack = 500 - far});
  wire.client.sends("ahead", {.seq = 1010, .ack = 506}).passes().delivers_nothing();
  wire.client.sends("more", {.seq = 1006, .ack = 506}).passes().delivers("moreahead");
}

TEST_CASE("a segment that comes back within a second is a hairpin", "[session][sides][hairpin]") {
  Wire wire(sided());
  wire.client.syns().passes();
  wire.client.returns().drops(Reason::wrong_side);  // from now on what leaves is remembered
  wire.wait(std::chrono::seconds(1));
  wire.client.syns().passes();
  wire.client.returns().passes();
  wire.as_server().syn_acks({.other_side = true}).passes();  // the server is on the client's side
  wire.server.acks({.seq = 1, .ack = 1});                    // somebody else speaks from the far side
  wire.client.acks().passes();
  wire.client.returns().passes();
  wire.client.sends("GET /").passes().delivers("GET /");
  wire.client.returns().passes().delivers_nothing();
  wire.client.returns().drops(Reason::wrong_side);  // once
  wire.client.sends(" late").passes();
  wire.wait(std::chrono::seconds(2));
}

TEST_CASE("a datagram is on the side of its fragments", "[session][sides][fragments]") {
  auto wire = Wire::established(sided());
  wire.client.sends("GET / HTTP/1.1", {.fragment = 24}).delivers("GET / HTTP/1.1");
  wire.server.sends("HTTP/1.1 200 OK", {.fragment = 24}).delivers("HTTP/1.1 200 OK");
  wire.as_server().sends("EVIL EVIL", {.fragment = 24, .other_side = true}).delivers_nothing();
}
