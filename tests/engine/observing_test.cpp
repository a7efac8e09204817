#include "tests/support/wire.hpp"

using namespace lockstep;
using namespace lockstep::test;

namespace {

WireOptions watching() {
  return {.client_isn = GENERATE(any_isn()),
          .server_isn = GENERATE(any_isn()),
          .captured_hosts = true,
          .configure = [](PipelineConfig& config) { config.enforcing = false; }};
}

}  // namespace

TEST_CASE("observing, nothing is dropped or changed", "[observing]") {
  auto wire = Wire::established(watching());
  wire.client.sends("GOOD").passes().delivers("GOOD");
  wire.as_client()
      .sends("EVIL", {.seq = 1})
      .passes()
      .delivers_nothing()
      .raises(StreamEvent::reassembly_overlap_different_data);
  wire.as_client().resets({.seq = 30000}).passes();
  wire.as_client().sends("EVIL", {.flags = static_cast<int>(TcpFlag::psh)}).passes().delivers_nothing();
  wire.client.sends("more").passes().delivers("more");
}

TEST_CASE("observing, copies that differ ahead of a hole read as the host's queue decides",
          "[observing][O03]") {
  auto wire = Wire::established(watching());
  wire.client.sends("EVIL", {.seq = 5}).passes().delivers_nothing();
  // Linux: an in-order segment wins over what waits behind the hole.
  wire.client.sends("GET GOOD", {.seq = 1}).passes().delivers("GET GOOD").raises(StreamEvent::ambiguous);
}

TEST_CASE("observing, a FIN ahead of a hole counts once the hole is filled", "[observing][C02]") {
  auto wire = Wire::established(watching());
  wire.client.fins({.seq = 5}).passes();
  CHECK(wire.flow().session.state_of_sender(Direction::to_client) == reassembly::TcpState::established);
  wire.client.sends("GOOD", {.seq = 1}).passes().delivers("GOOD");
  CHECK(wire.flow().session.state_of_sender(Direction::to_client) == reassembly::TcpState::close_wait);
}

TEST_CASE("observing, the first packet of a connection met in its middle is read", "[observing][adopted]") {
  Wire wire(watching());
  wire.client.sends("middle", {.seq = 1000, .ack = 500}).passes().delivers("middle");
}
