#include "tests/support/wire.hpp"

using namespace lockstep;
using namespace lockstep::test;
using reassembly::TcpState;

TEST_CASE("an orderly close goes through the states of RFC 9293", "[session][fin][rfc9293-3.6]") {
  auto wire = Wire::established(anywhere());
  const auto client = [&] { return wire.flow().session.state_of_sender(Direction::to_server); };
  const auto server = [&] { return wire.flow().session.state_of_sender(Direction::to_client); };
  wire.client.sends("bye").passes();
  wire.client.fins().passes();
  CHECK(client() == TcpState::fin_wait_1);
  CHECK(server() == TcpState::close_wait);
  wire.server.acks().passes();
  CHECK(client() == TcpState::fin_wait_2);
  wire.server.sends("half-open still talks").passes().delivers("half-open still talks");  // C07
  wire.server.fins().passes();
  CHECK(server() == TcpState::last_ack);
  wire.client.acks().passes();
  CHECK(client() == TcpState::time_wait);
  CHECK(server() == TcpState::closed);
  CHECK(wire.flow().session.closed());
}

TEST_CASE("a FIN ahead of a hole loses its bit, a bare one is dropped", "[session][fin][C02][section0-10]") {
  auto wire = Wire::established(anywhere());
  wire.as_client().fins({.seq = 101}).drops(Reason::fin_ahead_of_hole);
  wire.client.sends("5678", {.seq = 5, .flags = TcpFlag::ack | TcpFlag::fin})
      .passes_as(Reason::fin_cleared)
      .leaves_flags("A")
      .carries("5678");
  wire.client.sends("1234", {.seq = 1}).passes().delivers("12345678");
  wire.client.fins({.seq = 9}).passes();
}

TEST_CASE("a FIN that fills no hole but lies within forwarded data is refused", "[session][fin][C04]") {
  auto wire = Wire::established(anywhere());
  wire.client.sends("GOODMORE").passes();
  wire.as_client().fins({.seq = 5}).drops(Reason::fin_conflict);
}

TEST_CASE("data behind the FIN is not taken", "[session][fin][C05]") {
  auto wire = Wire::established(anywhere());
  wire.client.fins().passes();
  wire.client.sends("LATE", {.seq = 2}).drops(Reason::data_after_fin).delivers_nothing();
  wire.client.sends("LATE", {.seq = 1}).drops(Reason::data_after_fin);
}

TEST_CASE("a FIN without ACK closes nothing", "[session][fin][C01]") {
  auto wire = Wire::established(anywhere());
  wire.as_client().fins({.flags = TcpFlag::fin}).drops(Reason::no_ack_flag);
  wire.client.sends("GOOD").passes().delivers("GOOD");
}

TEST_CASE("a FIN that comes again passes", "[session][fin][C09]") {
  auto wire = Wire::established(anywhere());
  wire.client.sends("bye", {.flags = TcpFlag::ack | TcpFlag::fin}).passes().delivers("bye");
  wire.client.sends("bye", {.seq = 1, .flags = TcpFlag::ack | TcpFlag::fin}).passes().delivers_nothing();
  wire.server.acks({.ack = 5}).passes();
  wire.client.fins({.seq = 4}).passes();
}

TEST_CASE("what is kept for rules to look back on goes with the ACK of the FIN", "[session][fin][memory]") {
  WireOptions options = anywhere();
  options.configure = [](PipelineConfig& config) { config.session.history = 8192; };
  auto wire = Wire::established(options);
  wire.client.sends("request").passes();
  wire.server.sends("reply").passes();
  wire.client.acks().passes();
  CHECK(wire.pipeline().bytes().blocks_in_use() == 2);
  wire.client.fins().passes();
  wire.server.acks().passes();
  CHECK(wire.pipeline().bytes().blocks_in_use() == 1);
  wire.server.fins().passes();
  wire.client.acks().passes();
  CHECK(wire.pipeline().bytes().blocks_in_use() == 0);
}
