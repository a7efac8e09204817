#include "engine/host_policies.hpp"
#include "tests/support/wire.hpp"

using namespace lockstep;
using namespace lockstep::test;
using reassembly::OverlapPolicy;

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

constexpr auto evil_and_good =
    "alert tcp any any -> any any (content:\"EVIL\"; sid:1;)\n"
    "alert tcp any any -> any any (content:\"GOOD\"; sid:2;)\n";

TEST_CASE("observing, a named host reads copies as its kind does, and in no other way",
          "[observing][O03][host-os-policy]") {
  const auto read_as = [](const std::string& prefix, OverlapPolicy policy) {
    HostPolicies::Lists named;
    named[static_cast<std::size_t>(OverlapPolicy::last)] = {"10.0.0.0/8"};
    named[static_cast<std::size_t>(policy)].push_back(prefix);
    WireOptions options{.captured_hosts = true};
    options.configure = [&](PipelineConfig& config) {
      config.enforcing = false;
      config.hosts = HostPolicies::make(named).value();
    };
    options.rules = evil_and_good;
    auto wire = Wire::established(options);
    wire.client.sends("EVIL", {.seq = 5});
    wire.as_client().sends("GOOD", {.seq = 5});
    wire.as_client().sends("GET ", {.seq = 1});
    return wire.fired();
  };
  using Sids = std::vector<std::uint32_t>;
  CHECK(read_as("10.0.0.2", OverlapPolicy::first) == Sids{1});
  CHECK(read_as("10.0.0.0/24", OverlapPolicy::windows) == Sids{1});
  CHECK(read_as("10.0.0.0/24", OverlapPolicy::old_linux) == Sids{2});
  CHECK(read_as("10.0.0.2", OverlapPolicy::last) == Sids{2});
  CHECK(read_as("10.0.0.1", OverlapPolicy::first) == Sids{2});   // the sender's kind does not count
  CHECK(read_as("0.0.0.0/0", OverlapPolicy::first) == Sids{2});  // the longest prefix does
}

TEST_CASE("observing, of a host that no list holds every way of reading is scanned, up to max-readings",
          "[observing][O03][host-os-policy]") {
  const auto fired = [](std::size_t most) {
    WireOptions options{.captured_hosts = true};
    options.configure = [most](PipelineConfig& config) {
      config.enforcing = false;
      config.max_readings = most;
    };
    options.rules = evil_and_good;
    auto wire = Wire::established(options);
    wire.client.sends("EVIL", {.seq = 5});
    wire.as_client().sends("GOOD", {.seq = 5});
    wire.as_client().sends("GET ", {.seq = 1}).raises(StreamEvent::ambiguous);
    return wire.fired().size();
  };
  CHECK(fired(16) == 2);
  CHECK(fired(1) == 1);
}

TEST_CASE("observing, another value for bytes that the host has not acknowledged leaves two readings open",
          "[observing][D22][O08]") {
  auto wire = Wire::established(watching());
  wire.client.sends("GOOD").passes();
  wire.as_client().sends("EVIL", {.seq = 1}).passes().raises(StreamEvent::ambiguous);
}

TEST_CASE("observing, which byte an urgent pointer takes away is not known", "[observing][U01][U04]") {
  auto wire = Wire::established(watching());
  wire.client.sends("ABCDEF", {.flags = TcpFlag::ack | TcpFlag::urg, .urgent = 3})
      .passes()
      .raises(StreamEvent::ambiguous);
}

TEST_CASE("observing, data that cover a FIN ahead of a hole erase it", "[observing][C04]") {
  auto wire = Wire::established(watching());
  wire.as_client().fins({.seq = 5}).passes();
  wire.client.sends("GOOD", {.seq = 1}).passes().delivers("GOOD");
  CHECK(wire.flow().session.state_of_sender(Direction::to_client) == reassembly::TcpState::close_wait);

  auto erased = Wire::established(watching());
  erased.as_client().fins({.seq = 5}).passes();
  erased.client.sends("GOODMORE", {.seq = 1}).passes().delivers("GOODMORE");
  CHECK(erased.flow().session.state_of_sender(Direction::to_client) == reassembly::TcpState::established);
}

TEST_CASE("observing, a server that takes what came with the SYN is followed from there",
          "[observing][H02]") {
  Wire wire(watching());
  wire.client.syns().passes();
  wire.as_client().sends("EVIL", {.seq = 0, .flags = static_cast<int>(TcpFlag::syn)}).passes();
  wire.server.syn_acks({.ack = 5}).passes().raises(StreamEvent::ambiguous);
  wire.client.sends("more", {.seq = 5}).passes().delivers("more");
}

TEST_CASE("observing, a split handshake leads to a connection", "[observing][H14]") {
  Wire wire(watching());
  wire.client.syns().passes();
  wire.server.syns().passes();
  wire.client.syn_acks({.seq = 0}).passes();
  wire.server.acks().passes();
  wire.server.sends("EVIL").passes().delivers("EVIL");
  wire.client.sends("GOOD").passes().delivers("GOOD");
}

TEST_CASE("observing, a segment with an authentication option that Linux does not know is read",
          "[observing][D10]") {
  auto wire = Wire::established(watching());
  wire.client.sends("EVIL", {.options = {29, 4, 1, 1}}).passes().delivers("EVIL");
}

TEST_CASE("observing, options that do not parse end where Linux stops to look", "[observing][D12]") {
  auto wire = Wire::established(watching());
  wire.client.sends("EVIL", {.options = {0x55, 0, 1, 1}}).passes().delivers("EVIL");
  Bytes long_list(28, 1);
  long_list[0] = 0x55;
  long_list[1] = 0;
  wire.client.sends("GOOD", {.options = long_list}).delivers_nothing();
}

TEST_CASE("observing, a SYN that made the server give up the first one is followed with its SYN-ACK",
          "[observing][H08]") {
  Wire wire(watching());
  wire.client.syns().passes();
  wire.server.syn_acks().passes();
  wire.client.syns({.isn = 77'000}).passes();
  wire.server.syn_acks({.isn = 99'000}).passes();
  wire.client.sends("EVIL").passes().delivers("EVIL");
}

TEST_CASE("observing, a FIN on a SYN-ACK means nothing", "[observing][H16]") {
  Wire wire(watching());
  wire.client.syns().passes();
  wire.server.syn_acks({.flags = TcpFlag::syn | TcpFlag::ack | TcpFlag::fin}).passes();
  wire.client.acks({.ack = 1}).passes();
  wire.as_server().sends("EVIL", {.seq = 1}).passes().delivers("EVIL");
}

TEST_CASE("observing, a hole may be filled after any time", "[observing][O13]") {
  Wire wire = Wire::established(watching());
  wire.client.sends("IL", {.seq = 3}).passes().delivers_nothing();
  wire.wait(std::chrono::minutes(10));
  wire.client.sends("EV", {.seq = 1}).passes().delivers("EVIL");
}

TEST_CASE("observing, the latest of many SYNs is known, and the doubt is told", "[observing][H08]") {
  Wire wire(watching());
  for (std::uint32_t isn = 1; isn <= 4; ++isn) wire.as_client().syns({.isn = isn}).passes();
  wire.client.syns().passes().raises(StreamEvent::ambiguous);
  wire.server.syn_acks().passes();
  wire.client.acks().passes();
  wire.client.sends("EVIL").passes().delivers("EVIL");
}
