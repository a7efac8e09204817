#include "tests/support/wire.hpp"

using namespace lockstep;
using namespace lockstep::test;

TEST_CASE("an exact reset passes, and the connection stays tracked", "[session][rst][R01][R17]") {
  auto wire = Wire::established(anywhere());
  wire.client.sends("GET /").passes();
  wire.as_server().resets({.seq = 1}).passes();
  wire.client.sends(" evil").passes().delivers(" evil");
  CHECK_FALSE(wire.flow().session.closed());
}

TEST_CASE("data from the host that a reset was sent to shows that it was ignored",
          "[session][rst][suspected]") {
  auto wire = Wire::established(anywhere());
  wire.as_client().resets({.seq = 1}).passes();
  wire.server.sends("still here").passes().delivers("still here").raises(StreamEvent::suspected_rst_inject);
}

TEST_CASE("a reset in the window but not exact becomes an ACK that asks its claimed sender",
          "[session][rst][R02][R22][rfc5961-3.2][section0-12]") {
  auto wire = Wire::established(anywhere());
  wire.client.sends("GET /").passes();
  wire.server.acks().passes();
  wire.as_client()
      .resets({.seq = 7})
      .passes_as(Reason::rst_challenged)
      .leaves_flags("A")
      .leaves_seq(5)
      .carries("");
  wire.as_client().resets({.seq = 30000}).drops(Reason::rst_not_at_rcv_nxt);
  wire.wait(std::chrono::milliseconds(600));
  wire.as_client().resets({.seq = 7}).passes_as(Reason::rst_challenged);
  wire.client.sends(" evil").passes().delivers(" evil");
}

TEST_CASE("a reset out of the window is dropped", "[session][rst][R03][R04]") {
  auto wire = Wire::established(anywhere());
  wire.client.sends("GET /").passes();
  wire.server.acks().passes();
  wire.as_client().resets({.seq = 0}).drops(Reason::rst_out_of_window);
  wire.as_client().resets({.seq = 1}).drops(Reason::rst_out_of_window);
  wire.as_client().resets({.seq = 10'000'000}).drops(Reason::rst_out_of_window);
}

namespace {

WireOptions probing() {
  auto options = anywhere();
  options.configure = [](PipelineConfig& config) {
    config.session.probe_resets = true;
    config.session.secret = 0x5eed;
  };
  return options;
}

}  // namespace

TEST_CASE("asked first, a forger who knows every number does not end a connection",
          "[session][rst][probe][R23]") {
  auto wire = Wire::established(probing());
  wire.client.sends("GET /").passes();
  wire.server.acks().passes();
  wire.as_client().resets({.seq = 6}).drops(Reason::rst_held);
  const auto asked = wire.own();
  CHECK(asked.flags == "A");
  CHECK(asked.seq == 0);  // left of the client's window: it answers
  wire.as_client().resets({.seq = 6}).drops(Reason::rst_held);
  wire.as_client().resets({.seq = 7}).passes_as(Reason::rst_challenged);
  wire.client.acks().passes();
  wire.as_client().resets({.seq = asked.ack}).drops(Reason::rst_out_of_window);  // too late: it had answered
  wire.client.sends(" evil").passes().delivers(" evil");
  CHECK_FALSE(wire.flow().session.closed());
}

TEST_CASE("asked first, a host that closed answers for its reset", "[session][rst][probe]") {
  auto wire = Wire::established(probing());
  wire.client.sends("GET /").passes();
  wire.server.acks().passes();
  wire.client.resets({.seq = 6}).drops(Reason::rst_held);
  wire.client.resets({.seq = wire.own().ack})
      .passes_as(Reason::rst_confirmed)
      .leaves_flags("R")
      .leaves_seq(6);
  CHECK(wire.flow().session.receiver(Direction::to_server).reset_possible);
  wire.client.sends(" evil").passes().delivers(" evil");
}

TEST_CASE("every number that the host may be at is possible", "[session][rst][R04][R19]") {
  auto wire = Wire::established(anywhere());
  wire.client.sends("GET /").passes();  // not acknowledged: the host is at 1 or at 6
  const std::int64_t seq = GENERATE(1, 3, 6);
  wire.as_client().resets({.seq = seq}).passes();
}

TEST_CASE("a reset with payload or other flags goes out plain", "[session][rst][R16][R18]") {
  auto wire = Wire::established(anywhere());
  const int all = TcpFlag::rst | TcpFlag::ack | TcpFlag::psh | TcpFlag::urg;
  wire.as_client()
      .sends("EVIL", {.flags = all})
      .passes_as(Reason::rst_stripped)
      .carries("")
      .leaves_flags("RA")
      .delivers_nothing();
}

TEST_CASE("a reset with a bad checksum, MD5 option, old timestamp or false ACK is dropped",
          "[session][rst][R05][R07][R10][R12]") {
  auto wire = Wire::established({.client_isn = GENERATE(any_isn()), .timestamps = true});
  wire.as_client().resets({.seq = 1, .tcp_checksum = 0xbad}).drops(Reason::tcp_bad_checksum);
  Bytes md5{19, 18};
  md5.resize(18, 0xaa);
  wire.as_client().resets({.seq = 1, .options = md5}).drops(Reason::md5_unasked);
  wire.as_client()
      .resets({.seq = 1, .options = {8, 10, 0xd4, 0xa0, 0, 1, 0, 0, 0, 0}})
      .drops(Reason::rst_bad_timestamp);
  wire.as_client()
      .resets({.seq = 1, .ack = 10001, .flags = TcpFlag::rst | TcpFlag::ack})
      .drops(Reason::rst_bad_ack);
  wire.client.sends("GOOD").passes().delivers("GOOD");
}

TEST_CASE("a reset at the edge of what was selectively acknowledged is possible", "[session][rst][R13]") {
  auto wire = Wire::established({});
  wire.client.sends("xyz", {.seq = 11}).passes();
  Bytes sack{1, 1, 5, 10};
  for (std::uint32_t edge : {1000U + 11U, 1000U + 14U}) {
    for (int shift = 24; shift >= 0; shift -= 8) sack.push_back(static_cast<std::uint8_t>(edge >> shift));
  }
  wire.server.acks({.ack = 1, .options = sack}).passes();
  wire.as_client().resets({.seq = 11}).passes_as(Reason::rst_challenged);
  wire.as_client().resets({.seq = 14}).passes();
}

TEST_CASE("a reset at the FIN's own number is possible", "[session][rst][R14]") {
  auto wire = Wire::established(anywhere());
  wire.client.fins().passes();
  wire.server.acks().passes();
  wire.as_client().resets({.seq = 1}).passes();
}

TEST_CASE("both hosts reset: the connection is closed, and a new SYN starts another", "[session][rst][C10]") {
  auto wire = Wire::established(anywhere());
  wire.client.resets({.seq = 1}).passes();
  wire.server.resets({.seq = 1}).passes();
  CHECK(wire.flow().session.closed());
  wire.client.syns({.isn = 777}).passes();
  wire.server.syn_acks({.isn = 999}).passes();
  wire.client.acks().passes();
  wire.client.sends("again").passes().delivers("again");
}

TEST_CASE("our reset is repeated at a challenge ACK, not at an ACK of what never went out",
          "[session][rst]") {
  auto wire = Wire::established(anywhere());
  wire.client.sends("AAAA", {.seq = 5}).passes();
  wire.client.sends("BBBBBBBB", {.seq = 1}).drops_flow(Reason::overlap_conflict).causes_resets(2);
  wire.client.acks({.ack = 41}).drops(Reason::flow_dropped).causes_resets(0);
  wire.client.acks({.ack = 1}).drops(Reason::flow_dropped).causes_resets(1);
  wire.server.acks({.ack = 1}).drops(Reason::flow_dropped).causes_resets(1);
}

TEST_CASE("the host of a dropped connection is reset at the number that it names",
          "[session][reset][rfc5961-3.2]") {
  WireOptions options = anywhere();
  options.rules = "drop tcp any any -> any any (msg:\"evil\"; content:\"EVIL\"; sid:1;)";
  auto wire = Wire::established(options);
  wire.client.sends("aaaabbbbcccc").passes();
  wire.client.sends("EVIL").drops_flow(Reason::signature).causes_resets(1);
  CHECK(wire.own().seq == 1);
  // Its ACKs that were under way are no answers to our RST, and name where it stands; so do its data.
  for (const int ack : {3, 5, 7, 9})
    wire.server.acks({.ack = ack}).drops(Reason::flow_dropped).causes_resets(1);
  wire.server.acks({.ack = 5}).drops(Reason::flow_dropped).causes_resets(0);
  for (int i = 0; i < 4; ++i) wire.server.acks({.ack = 9}).drops(Reason::flow_dropped);
  wire.server.sends("x", {.ack = 13}).drops(Reason::flow_dropped).causes_resets(1);
  CHECK(wire.own().seq == 13);
  for (int i = 0; i < 2; ++i) wire.server.acks({.ack = 13}).drops(Reason::flow_dropped).causes_resets(1);
  wire.server.acks({.ack = 13}).drops(Reason::flow_dropped).causes_resets(0);
}

TEST_CASE("our RST may be lost: it goes out again with each repeat of what was dropped", "[session][reset]") {
  WireOptions options = anywhere();
  options.rules = "drop tcp any any -> any any (msg:\"evil\"; content:\"EVIL\"; sid:1;)";
  auto wire = Wire::established(options);
  wire.client.sends("aaaa").passes();
  wire.server.acks({.ack = 5}).passes();
  wire.client.sends("EVIL").drops_flow(Reason::signature).causes_resets(1);
  wire.client.sends("more").drops(Reason::flow_dropped).causes_resets(0);
  for (int i = 0; i < 3; ++i) {
    wire.client.sends("EVIL", {.seq = 5}).drops(Reason::flow_dropped).causes_resets(1);
    CHECK(wire.own().seq == 5);
  }
  wire.client.sends("EVIL", {.seq = 5}).drops(Reason::flow_dropped).causes_resets(0);
}

TEST_CASE("a host that was restarted opens its connection again at once",
          "[session][rst][syn][rfc9293-3.5.1][C10]") {
  auto wire = Wire::established(anywhere());
  wire.client.sends("before").passes().delivers("before");
  wire.as_client().syns({.isn = 777}).passes();
  wire.server.acks({.ack = 7}).passes();  // its challenge
  wire.as_client().resets({.seq = 7}).passes();
  wire.client.syns({.isn = 777}).passes();
  wire.server.syn_acks({.isn = 999}).passes();
  wire.client.acks().passes();
  wire.client.sends("again").passes().delivers("again");
}
