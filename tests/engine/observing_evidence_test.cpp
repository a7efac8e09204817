// Observing: what a host did is told by its own packets; what its peer sent may not have reached it.
#include "tests/support/wire.hpp"

using namespace lockstep;
using namespace lockstep::test;

namespace {

WireOptions watching_timestamps() {
  WireOptions options = watching();
  options.timestamps = true;
  return options;
}

WireOptions watching_sides() {
  WireOptions options = watching();
  options.ipv6 = options.sides = true;
  return options;
}

constexpr int syn = TcpFlag::syn;

}  // namespace

TEST_CASE("observing, a timestamp from ahead refuses nothing until the host has echoed it",
          "[observing][D06]") {
  constexpr std::uint32_t ahead = 0x7000'0000;
  Wire wire(watching_timestamps());
  wire.client.syns({.tsval = 1000}).passes();
  wire.server.syn_acks({.tsval = 5000, .tsecr = 1000}).passes();
  wire.client.acks({.tsval = 1001, .tsecr = 5000}).passes();
  wire.as_client().acks({.tsval = ahead, .tsecr = 5000}).passes();
  wire.client.sends("read", {.tsval = 1002, .tsecr = 5000}).passes().delivers("read");
  wire.server.acks({.tsval = 5001, .tsecr = ahead}).passes();
  wire.as_client().sends("EVIL", {.seq = 5, .tsval = 1003, .tsecr = 5000}).passes().delivers_nothing();
}

TEST_CASE("observing, the handshake's last ACK needs no timestamp", "[observing][H34][D05]") {
  Wire wire(watching_timestamps());
  wire.client.syns().passes();
  wire.server.syn_acks().passes();
  wire.client.sends("EVIL", {.no_timestamps = true}).passes().delivers("EVIL");
}

TEST_CASE("observing, a server's ACK before the last one is no SYN-ACK to echo", "[observing][H34]") {
  Wire wire(watching_timestamps());
  wire.client.syns().passes();
  wire.server.syn_acks({.tsval = 5000}).passes();
  wire.server.acks({.tsval = 6000}).passes();
  wire.as_client().sends("EVIL", {.seq = 1, .tsecr = 6000}).passes().delivers_nothing();
  wire.client.sends("GOOD", {.tsecr = 5000}).passes().delivers("GOOD");
}

TEST_CASE("observing, the SYN that was answered counts, though more came than are kept", "[observing][H08]") {
  Wire wire(watching());
  for (const std::uint32_t isn : {11U, 22U, 33U, 44U}) wire.as_client().syns({.isn = isn}).passes();
  wire.client.syns().passes();
  wire.server.syn_acks().passes();
  wire.client.sends("EVIL").passes().delivers("EVIL");
}

TEST_CASE("observing, what came with a SYN inside a connection may have been taken",
          "[observing][H02][H07]") {
  Wire wire(watching());
  wire.as_client().sends("w", {.seq = 1, .ack = 777}).passes();
  wire.server.resets({.seq = 777}).passes();
  wire.as_client().sends("EVIL", {.seq = 0, .flags = syn}).passes();
  wire.server.syn_acks({.ack = 5}).passes().raises(StreamEvent::ambiguous);
  wire.client.sends("more", {.seq = 5, .ack = 1}).passes().delivers("more");
}

TEST_CASE("observing, a host without MPTCP answers a SYN with MP_JOIN", "[observing][H35]") {
  Wire wire(watching());
  wire.client.syns({.options = {30, 12, 0x10, 0, 1, 2, 3, 4, 5, 6, 7, 8}}).passes();
  wire.server.syn_acks().passes();
  wire.client.sends("EVIL").passes().delivers("EVIL");
  CHECK_FALSE(wire.flow().session.adopted());
}

TEST_CASE("observing, a client may answer the SYN of a split handshake after a SYN-ACK that it never got",
          "[observing][H10][H14]") {
  Wire wire(watching());
  wire.client.syns().passes();
  wire.as_server().syn_acks({.isn = 4'000'000}).passes();
  wire.server.syns().passes();
  wire.client.syn_acks({.seq = 0, .ack = 1}).passes();
  wire.as_server().sends("EVIL", {.seq = 1}).passes().delivers("EVIL");
}

TEST_CASE("observing, what a host acknowledges it took, whatever was thought of it", "[observing][D02]") {
  auto wire = Wire::established(watching());
  wire.client.sends("EVIL", {.ack = 100}).passes().delivers_nothing();
  wire.server.acks({.ack = 5}).passes().delivers("EVIL");
  wire.client.sends("GOOD").passes().delivers("GOOD");
}

TEST_CASE("observing, which of two refused copies a host took is told to be unknown", "[observing][D02]") {
  auto wire = Wire::established(watching());
  wire.as_client().sends("EVIL", {.seq = 1, .ack = 100}).passes().delivers_nothing();
  wire.as_client().sends("GOOD", {.seq = 1, .ack = 100}).passes().delivers_nothing();
  wire.server.acks({.ack = 5}).passes().delivers("GOOD").raises(StreamEvent::ambiguous);
}

TEST_CASE("observing, a FIN that was not acknowledged may have been lost", "[observing][C03]") {
  auto wire = Wire::established(watching());
  wire.as_client().fins({.seq = 1}).passes();
  wire.client.sends("EVIL", {.seq = 1}).passes().delivers("EVIL");

  auto taken = Wire::established(watching());
  taken.as_client().fins({.seq = 1}).passes();
  taken.server.acks({.ack = 2}).passes();
  taken.client.sends("EVIL", {.seq = 1}).passes().delivers_nothing();
}

TEST_CASE("observing, data behind a FIN in the queue may be read elsewhere", "[observing][C04]") {
  auto wire = Wire::established(watching());
  wire.as_client().fins({.seq = 5}).passes();
  wire.as_client().sends("vh", {.seq = 6}).passes().raises(StreamEvent::ambiguous);

  auto late = Wire::established(watching());
  late.as_client().sends("vh", {.seq = 6}).passes();
  late.as_client().fins({.seq = 5}).passes().raises(StreamEvent::ambiguous);
}

TEST_CASE("observing, the ACK of data in order may be as old as it will", "[observing][D03]") {
  auto wire = Wire::established(watching());
  wire.as_client().sends("none", {.seq = 1, .ack = -100'000}).passes().delivers_nothing();
  wire.client.sends("some").passes().delivers("some");
  wire.client.sends("EVIL", {.ack = -100'000}).passes().delivers("EVIL");
  wire.as_client().sends("ahead", {.seq = 13, .ack = -100'000}).passes();
  wire.client.sends("GOOD").passes().delivers("GOOD");
}

TEST_CASE("observing, a host that sent a RST reads nothing more", "[observing][R01][sides]") {
  auto wire = Wire::established(watching_sides());
  wire.client.sends("GOOD").passes().delivers("GOOD");
  wire.server.resets().passes();
  wire.client.sends("EVIL").passes().delivers_nothing();
  // It speaks again: then it was not its own.
  wire.server.acks({.ack = 5}).passes();
  wire.client.sends("more", {.seq = 5}).passes().delivers("more");

  auto unsided = Wire::established(watching());  // whose it was is not known
  unsided.server.resets().passes();
  unsided.client.sends("EVIL").passes().delivers("EVIL");
}

TEST_CASE("observing, the next connection of a host that sent a RST is read", "[observing][C10][sides]") {
  Wire wire(watching_sides());
  wire.client.syns().passes();
  wire.server.syn_acks().passes();
  wire.server.resets({.seq = 1}).passes();
  wire.client.syns().passes();
  wire.server.syn_acks({.isn = 99'000}).passes();
  wire.client.sends("EVIL").passes().delivers("EVIL");
}

TEST_CASE("a repeat left of the ACK is no packet outside of the stream", "[observing][O07]") {
  WireOptions options = watching();
  options.rules = "alert tcp any any -> any any (content:\"EVIL\"; sid:1;)\n";
  auto wire = Wire::established(std::move(options));
  wire.client.sends("GOOD").passes().delivers("GOOD");
  wire.server.acks({.ack = 5}).passes();
  wire.as_client().sends("EVIL", {.seq = 1}).passes().delivers_nothing().fires({});
}

TEST_CASE("observing, of two FINs ahead of a hole the first one already may shift what comes behind it",
          "[observing][C04]") {
  auto wire = Wire::established(watching());
  wire.as_client().fins({.seq = 9}).passes();
  wire.as_client().fins({.seq = 13}).passes();
  wire.as_client().sends("zv", {.seq = 10}).passes().raises(StreamEvent::ambiguous);
}

TEST_CASE("observing, what a host sent towards one that was thought to be gone counts for its ACKs",
          "[observing][D03][sides]") {
  Wire wire(watching_sides());
  wire.client.syns().passes();
  wire.server.syn_acks().passes();
  wire.client.acks().passes();
  wire.client.resets({.seq = 1}).passes();  // and lost behind us
  wire.server.sends("0123456789").passes().delivers_nothing();
  wire.as_client().sends("EVIL", {.seq = 1, .ack = -199'999}).passes().delivers("EVIL");
}

TEST_CASE("observing, what acknowledges bytes that the capture lacks may be the copy that the host kept",
          "[observing][D02]") {
  auto wire = Wire::established(watching());
  wire.client.sends("read").passes().delivers("read");
  wire.server.acks({.ack = 5}).passes();
  wire.as_client().sends("EVIL", {.seq = 9, .ack = 100}).passes().delivers_nothing();
  wire.as_server().acks({.seq = 100, .ack = 5}).passes();  // so it had sent them
  wire.client.sends("more").passes().delivers("more");
  wire.client.sends("GOOD").passes().delivers("GOOD").raises(StreamEvent::ambiguous);
}

TEST_CASE("observing, what was refused and taken all the same may have erased what waited ahead of the hole",
          "[observing][D04][C04]") {
  Wire wire(watching_timestamps());
  wire.client.syns({.tsval = 1000}).passes();
  wire.server.syn_acks({.tsval = 5000, .tsecr = 1000}).passes();
  wire.client.acks({.tsval = 1001, .tsecr = 5000}).passes();
  wire.as_client()
      .sends("k", {.seq = 4, .flags = TcpFlag::fin | TcpFlag::ack, .tsval = 1001, .tsecr = 5000})
      .passes();
  wire.as_client().sends("EVIL", {.seq = 1, .tsval = 1, .tsecr = 5000}).passes().delivers_nothing();
  wire.server.acks({.ack = 5, .tsval = 5001, .tsecr = 1001}).passes().raises(StreamEvent::ambiguous);
}

TEST_CASE("observing, what acknowledges bytes that the capture lacks may take the place of what waits",
          "[observing][D02][O05]") {
  auto wire = Wire::established(watching());
  wire.as_client().sends("wait", {.seq = 9}).passes();
  wire.as_server().acks({.seq = 100, .ack = 1}).passes();
  wire.as_client().sends("+EVIL+", {.seq = 8, .ack = 100}).passes().raises(StreamEvent::ambiguous);
}

TEST_CASE("observing, a SYN-ACK that acknowledges more than a SYN may stand for what came with a later one",
          "[observing][H02]") {
  Wire wire(watching());
  wire.client.syns().passes();
  wire.server.syn_acks().passes();
  wire.as_client().sends("l", {.seq = 0, .flags = syn}).passes();
  wire.server.syn_acks({.ack = 2, .isn = 99'000}).passes().raises(StreamEvent::ambiguous);
}
