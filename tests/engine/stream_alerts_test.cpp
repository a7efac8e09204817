// What alerts of stream rules say of the stream, through the whole program.
#include "tests/engine/conversation.hpp"

using namespace lockstep;
using namespace lockstep::test;
using reassembly::TcpFlag;

namespace {

constexpr auto data = Conversation::data;

}  // namespace

TEST_CASE("the payload of a stream alert is the stream, whatever packet completed the match",
          "[engine][eve][payload]") {
  Conversation talk;
  talk.client(data, 1, 1, "GET /att");
  talk.client(data, 9, 1, "ack HTTP");
  const std::string action = GENERATE("alert", "drop");
  const auto alerts =
      talk.alerts(action + " tcp any any -> any any (content:\"attack\"; sid:1;)\n", "enforce");
  REQUIRE(alerts.size() == 1);
  CHECK(alerts[0]["payload_printable"] == "GET /attack HTTP");
  CHECK(alerts[0]["stream"] == 1);
}

TEST_CASE("bytes that a capture lacks are named in the payload, and the alert is of their direction",
          "[engine][eve][payload]") {
  Conversation talk;
  talk.client(data, 5, 1, "GOOD");
  talk.client(data, 9, 1, "DATA");
  talk.server(TcpFlag::ack, 1, 13);
  const auto alerts =
      talk.alerts("alert tcp-stream any any -> any 80 (content:\"GOOD\"; sid:1;)\n", "observe");
  REQUIRE(alerts.size() == 1);
  CHECK(alerts[0]["payload_printable"] == "[4 bytes missing]GOODDATA");
  CHECK(alerts[0]["src_ip"] == "10.0.0.1");
  CHECK(alerts[0]["direction"] == "to_server");
}

TEST_CASE("an alert at the end of a connection without FIN says so", "[engine][eve][end]") {
  Conversation talk;
  talk.server(data, 1, 1, "the tail");
  const auto alerts =
      talk.alerts("alert tcp any 80 -> any any (content:\"tail\"; endswith; sid:1;)\n", "enforce");
  REQUIRE(alerts.size() == 1);
  CHECK(alerts[0]["pkt_src"] == "stream (flow timeout)");
  CHECK_FALSE(alerts[0].contains("pcap_cnt"));
  CHECK(alerts[0]["src_ip"] == "10.0.0.2");
  CHECK(alerts[0]["payload_printable"] == "the tail");
  CHECK(alerts[0]["flow"]["pkts_toclient"] == 2);
}
