#include "tests/support/wire.hpp"

using namespace lockstep;
using namespace lockstep::test;

TEST_CASE("a connection met in its middle is adopted and inspected", "[session][adopted][H32]") {
  Wire wire({.client_isn = GENERATE(any_isn()), .server_isn = GENERATE(any_isn())});
  wire.client.sends("middle", {.seq = 1000, .ack = 500}).passes().delivers("middle");
  CHECK(wire.flow().session.adopted());
  wire.server.acks({.seq = 500, .ack = 1006}).passes();
  wire.client.sends(" more", {.seq = 1006, .ack = 500}).passes().delivers(" more");
  wire.as_client()
      .sends("EVIL", {.seq = 1006, .ack = 500})
      .passes_as(Reason::overlap_rewritten)
      .carries(" mor");
}

TEST_CASE("the receiver's first ACK tells where an adopted stream really stands", "[session][adopted]") {
  Wire wire({.client_isn = GENERATE(any_isn()), .server_isn = GENERATE(any_isn())});
  wire.client.sends("cdef", {.seq = 1002, .ack = 500}).passes().delivers("cdef");
  wire.server.acks({.seq = 500, .ack = 1000}).passes();  // it lacks two bytes that went by before
  wire.client.sends("ab", {.seq = 1000, .ack = 500}).passes().delivers("abcdef");
}

TEST_CASE("bytes from before an adoption wait until the receiver has told where it stands",
          "[session][adopted]") {
  Wire wire({.client_isn = GENERATE(any_isn()), .server_isn = GENERATE(any_isn())});
  wire.client.sends("cdef", {.seq = 1002, .ack = 500}).passes().delivers("cdef");
  wire.as_client()
      .sends("EVIL", {.seq = 998, .ack = 500})
      .drops(Reason::out_of_order_limit)
      .delivers_nothing();
  wire.server.acks({.seq = 500, .ack = 1000}).passes();
  wire.client.sends("ab", {.seq = 1000, .ack = 500}).passes().delivers("abcdef");
}

TEST_CASE("replay: bytes that the capture lacks are given up once both ends are past them",
          "[session][replay][capture-gap]") {
  auto wire = Wire::established({.captured_hosts = true});
  wire.client.sends("abcd").passes().delivers("abcd");
  wire.client.sends("ijkl", {.seq = 9}).passes().delivers_nothing();  // "efgh" is missing
  wire.server.acks({.ack = 13}).passes().delivers("ijkl").raises(StreamEvent::capture_gap);
  wire.client.sends("mnop", {.seq = 13}).passes().delivers("mnop");
}

TEST_CASE("replay: an ACK ahead of the data that the capture lacks", "[session][replay][capture-gap]") {
  auto wire = Wire::established({.captured_hosts = true});
  wire.client.sends("abcd").passes();
  wire.server.acks({.ack = 9}).drops(Reason::ack_of_unsent);
  wire.client.sends("ijkl", {.seq = 9}).passes().delivers("ijkl").raises(StreamEvent::capture_gap);
}

TEST_CASE("replay: a host that took what was dropped here has diverged", "[session][replay][diverged]") {
  auto wire = Wire::established({.captured_hosts = true});
  wire.client.sends("EVIL", {.flags = static_cast<int>(TcpFlag::psh)}).drops(Reason::no_ack_flag);
  wire.server.acks({.ack = 5}).drops(Reason::diverged);
  wire.client.sends("more", {.seq = 5}).drops(Reason::diverged);
}

TEST_CASE("an idle established connection stays known for days", "[session][expiry]") {
  auto wire = Wire::established({});
  wire.wait(std::chrono::hours(100));
  CHECK(wire.pipeline().flows().size() == 1);
  wire.client.sends("still here").passes().delivers("still here");
  wire.wait(std::chrono::hours(121));
  CHECK(wire.pipeline().flows().size() == 0);
  CHECK(wire.resets() == 2);
}

TEST_CASE("reordered, repeated and overlapping segments deliver the stream whole", "[session][property]") {
  const std::string stream = "the quick brown fox jumps over the lazy dog and runs away from it";
  auto wire = Wire::established({.client_isn = GENERATE(any_isn())});
  std::uint32_t state = GENERATE(range(1U, 30U));
  const auto random = [&](std::uint32_t bound) {
    state = state * 1664525U + 1013904223U;
    return (state >> 16U) % bound;
  };
  std::string delivered;
  for (int i = 0; i < 400 && delivered.size() < stream.size(); ++i) {
    const auto at = random(static_cast<std::uint32_t>(stream.size()));
    const auto length = 1 + random(9);
    wire.client.sends(stream.substr(at, length), {.seq = 1 + at}).passes();
    delivered.resize(
        static_cast<std::size_t>(wire.flow().session.receiver(Direction::to_server).bytes.in_order()));
  }
  wire.client.sends(stream, {.seq = 1}).passes();
  std::string kept(stream.size(), ' ');
  wire.flow()
      .session.receiver(Direction::to_server)
      .bytes.copy(0, {reinterpret_cast<std::uint8_t*>(kept.data()), kept.size()});
  CHECK(kept == stream);
}
