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
      .passes_as(Reason::left_of_store)
      .carries("")
      .delivers_nothing();
  wire.server.acks({.seq = 500, .ack = 1000}).passes();
  wire.client.sends("ab", {.seq = 1000, .ack = 500}).passes().delivers("abcdef");
}

TEST_CASE("the receiver of an adopted stream may hold what went by ahead of a hole before we looked",
          "[session][adopted]") {
  const std::uint32_t isn = 5000;
  Wire wire({.client_isn = isn, .server_isn = 9000});
  wire.client.sends("mnop", {.seq = 1012, .ack = 500}).passes().delivers("mnop");
  Bytes sack{1, 1, 5, 10};  // it has 1004 to 1016
  for (const std::uint32_t edge : {isn + 1004, isn + 1016}) {
    for (int shift = 24; shift >= 0; shift -= 8) sack.push_back(static_cast<std::uint8_t>(edge >> shift));
  }
  wire.server.acks({.seq = 500, .ack = 1000, .options = sack}).passes();
  wire.client.sends("abcd", {.seq = 1000, .ack = 500}).passes().delivers("abcd");
  wire.server.acks({.seq = 500, .ack = 1016}).passes().raises(StreamEvent::capture_gap);
  wire.client.sends("qrst", {.seq = 1016, .ack = 500}).passes();
  // It holds no more: from here on an ACK of what never went by is a lie.
  wire.as_server().acks({.seq = 500, .ack = 1024}).drops(Reason::ack_of_unsent);
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

TEST_CASE("replay: a host that took a segment vouches for the ACK that came with it",
          "[session][replay][capture-gap]") {
  auto wire = Wire::established({.captured_hosts = true});
  wire.client.sends("req1").passes().delivers("req1");
  wire.client.sends("req2", {.seq = 5, .ack = 5}).drops(Reason::ack_of_unsent);  // "resp" is missing
  wire.server.sends("more", {.seq = 5, .ack = 9}).passes().delivers("more").raises(StreamEvent::capture_gap);
  wire.client.sends("req3", {.seq = 9, .ack = 9}).passes().delivers("req3");
}

TEST_CASE("replay: both directions lack bytes, and segments of both were doubted",
          "[session][replay][capture-gap]") {
  auto wire = Wire::established({.captured_hosts = true});
  wire.client.sends("req1").passes();
  wire.client.sends("req2", {.seq = 105, .ack = 55}).drops(Reason::ack_of_unsent);
  wire.server.sends("more", {.seq = 75, .ack = 109})
      .passes()
      .delivers_nothing()
      .raises(StreamEvent::capture_gap);
  wire.client.sends("req3", {.seq = 109, .ack = 79}).passes().delivers("morereq3");
}

TEST_CASE("replay: the window that came with a doubted ACK counts once the gap is certain",
          "[session][replay][capture-gap]") {
  auto wire = Wire::established({.window = 100, .captured_hosts = true});
  wire.client.sends("abcd").passes();
  wire.server.acks({.ack = 201}).drops(Reason::ack_of_unsent);
  wire.client.sends("ijkl", {.seq = 201}).passes().delivers("ijkl");
}

TEST_CASE("replay: a forged ACK alone skips nothing", "[session][replay][capture-gap][D02]") {
  auto wire = Wire::established({.captured_hosts = true});
  wire.client.sends("abcd").passes();
  wire.as_server().sends("EVIL", {.ack = 9}).drops(Reason::ack_of_unsent);
  wire.client.sends("efgh").passes().delivers("efgh");
  wire.server.sends("GOOD", {.ack = 9}).passes().delivers("GOOD");
}

TEST_CASE("replay: the server's data stand before the ACK that it had seen by then",
          "[session][replay][H19]") {
  Wire wire({.client_isn = GENERATE(any_isn()), .server_isn = GENERATE(any_isn()), .captured_hosts = true});
  wire.client.syns().passes();
  wire.server.syn_acks().passes();
  wire.server.sends("banner").passes().delivers("banner");
  wire.client.sends("hello", {.seq = 1, .ack = 7}).passes().delivers("hello");
  wire.server.sends("more", {.ack = 6}).passes().delivers("more");
}

TEST_CASE("one direction only is followed, with an alarm", "[session][adopted][I10]") {
  Wire wire({.client_isn = GENERATE(any_isn()), .server_isn = GENERATE(any_isn())});
  wire.client.sends("abcd", {.seq = 1, .ack = 1}).passes().delivers("abcd");
  wire.client.sends("efgh", {.seq = 5, .ack = 400})
      .passes()
      .delivers("efgh")
      .raises(StreamEvent::one_direction);
  // Nothing goes out ahead of a hole while the other end has not vouched for the numbers.
  wire.client.sends("mnop", {.seq = 13, .ack = 900}).drops(Reason::out_of_order_limit).delivers_nothing();
  wire.client.sends("EFGHijkl", {.seq = 5, .ack = 900})
      .passes_as(Reason::overlap_rewritten)
      .carries("efghijkl")
      .delivers("ijkl");
  wire.client.sends("mnop", {.seq = 13, .ack = 900}).passes().delivers("mnop");
  SECTION("when the other end speaks after all, its first word counts, not what was claimed for it") {
    wire.server.sends("answer", {.seq = 300, .ack = 17}).passes().delivers("answer");
    wire.client.acks({.seq = 17, .ack = 306}).passes();
  }
}

TEST_CASE("a forged first packet of an adopted connection costs a second, not the connection",
          "[session][adopted][H32]") {
  Wire wire({.client_isn = GENERATE(any_isn()), .server_isn = GENERATE(any_isn())});
  const std::int64_t far = GENERATE(0x4000'0000, -0x2000'0000, 0x200'0000);
  wire.as_client().sends("forged", {.seq = 1000 + far, .ack = 500 - far}).passes();
  wire.client.sends("middle", {.seq = 1000, .ack = 500}).drops(Reason::not_confirmed);
  wire.wait(std::chrono::seconds(1));
  wire.client.sends("middle", {.seq = 1000, .ack = 500}).passes().delivers("middle");
  wire.as_client().sends("forged", {.seq = 1000 + far, .ack = 500 - far}).drops(Reason::not_confirmed);
  wire.server.sends("answer", {.seq = 500, .ack = 1006}).passes().delivers("answer");
  wire.client.sends(" more", {.seq = 1006, .ack = 506}).passes().delivers(" more");
}

TEST_CASE("what a forged first packet claims to have of the other direction does not hide it",
          "[session][adopted][H32]") {
  Wire wire({.client_isn = GENERATE(any_isn()), .server_isn = GENERATE(any_isn())});
  const std::int64_t claimed = GENERATE(400, 500, 600, 5000);
  wire.as_client().acks({.seq = 1000, .ack = claimed}).passes();
  wire.client.sends("middle", {.seq = 1000, .ack = 500}).passes().delivers("middle");
  wire.server.sends("answer", {.seq = 500, .ack = 1006}).passes();
  wire.client.sends(" more", {.seq = 1006, .ack = 506}).passes();
  wire.server.sends("again", {.seq = 506, .ack = 1011}).passes().delivers("again");
}

TEST_CASE("one direction only: the store stays bounded", "[session][adopted][I10]") {
  Wire wire;
  const std::string piece(1000, 'x');
  for (int i = 0; i < 1000; ++i)
    wire.client.sends(piece, {.seq = 1 + i * 1000, .ack = 1}).passes().delivers(piece);
  const auto& bytes = wire.flow().session.receiver(Direction::to_server).bytes;
  CHECK(bytes.in_order() - bytes.kept_from() <= 256 << 10);
  wire.as_client().sends("EVIL", {.seq = 1, .ack = 1}).passes_as(Reason::left_of_store).carries("");
}

TEST_CASE("one direction only, from the SYN on; a SYN-ACK after all begins anew",
          "[session][handshake][I10][H19]") {
  Wire wire({.client_isn = GENERATE(any_isn()), .server_isn = GENERATE(any_isn())});
  wire.client.syns().passes();
  wire.as_client().sends("EARLY", {.seq = 1, .ack = 700}).passes().delivers("EARLY");
  CHECK(wire.flow().session.adopted());
  SECTION("the way back goes elsewhere") {
    wire.client.sends("more", {.seq = 6, .ack = 900})
        .passes()
        .delivers("more")
        .raises(StreamEvent::one_direction);
  }
  SECTION("somebody else spoke before the server") {
    wire.server.syn_acks().passes();
    CHECK_FALSE(wire.flow().session.adopted());
    wire.client.acks({.seq = 1, .ack = 1}).passes();
    wire.client.sends("GOOD", {.seq = 1, .ack = 1}).passes().delivers("GOOD");
  }
}

TEST_CASE("one direction only is refused where stream.async-oneside says so", "[session][adopted][I10]") {
  Wire wire({.configure = [](PipelineConfig& config) { config.session.async_oneside = false; }});
  wire.client.sends("abcd", {.seq = 1, .ack = 1}).passes();
  wire.client.sends("efgh", {.seq = 5, .ack = 400}).drops(Reason::one_direction);
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

TEST_CASE("an unknown connection is adopted as long as it may be older than we are, then its sender is reset",
          "[session][adopted][expiry][H32]") {
  auto wire = Wire::established({});
  wire.wait(std::chrono::hours(121));
  CHECK(wire.pipeline().flows().size() == 0);
  wire.client.sends("blind?").drops(Reason::unknown_connection).delivers_nothing();
  CHECK(wire.own().flags == "R");
  CHECK(wire.own().seq == 1);  // what the client had acknowledged
  CHECK(wire.pipeline().flows().size() == 0);
  wire.server.acks().drops(Reason::unknown_connection);
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
