// What alerts of stream rules say of the stream, through the whole program.
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "engine/ports/capture_writer.hpp"
#include "tests/engine/program.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/packet_builder.hpp"

using namespace lockstep;
using namespace lockstep::test;
using reassembly::TcpFlag;

namespace {

// A connection 10.0.0.1:40000 > 10.0.0.2:80; numbers are relative to the SYNs'.
class Conversation {
 public:
  Conversation() {
    client(TcpFlag::syn, 0, 0);
    server(TcpFlag::syn | TcpFlag::ack, 0, 1);
    client(TcpFlag::ack, 1, 1);
  }
  void client(int flags, std::uint32_t seq, std::uint32_t ack, const std::string& payload = "") {
    add({.seq = 1000 + seq,
         .ack = (flags & TcpFlag::ack) != 0 ? 9000 + ack : 0,
         .flags = flags,
         .payload = payload});
  }
  void server(int flags, std::uint32_t seq, std::uint32_t ack, const std::string& payload = "") {
    add({.source = "10.0.0.2",
         .destination = "10.0.0.1",
         .source_port = 80,
         .destination_port = 40000,
         .seq = 9000 + seq,
         .ack = 1000 + ack,
         .flags = flags,
         .payload = payload});
  }
  // The alerts of a replay under `rules`.
  [[nodiscard]] std::vector<nlohmann::json> alerts(const std::string& rules, const std::string& mode) const {
    const Directory dir;
    {
      auto writer = CaptureWriter::create(dir.path("a.pcap"), {reassembly::LinkType::ethernet});
      REQUIRE(writer);
      auto at = reassembly::Timestamp(std::chrono::seconds(1'700'000'000));
      for (const Bytes& frame : frames_) {
        at += std::chrono::milliseconds(1);
        writer->write(frame, reassembly::LinkType::ethernet, at);
      }
      REQUIRE(writer->close());
    }
    const auto outcome =
        run_lockstep({"replay", "--mode", mode, dir.path("a.pcap"), "-S", dir.write("a.rules", rules), "-l",
                      dir.path("log"), "--set", "outputs.eve-log.payload=true"});
    INFO(outcome.out << outcome.err);
    REQUIRE(outcome.code == 0);
    std::istringstream log(dir.read("log/eve.json"));
    std::vector<nlohmann::json> found;
    for (std::string line; std::getline(log, line);) {
      auto event = nlohmann::json::parse(line);
      if (event["event_type"] == "alert") found.push_back(std::move(event));
    }
    return found;
  }

 private:
  void add(const PacketSpec& spec) { frames_.push_back(build_packet(spec)); }
  std::vector<Bytes> frames_;
};

constexpr auto data = TcpFlag::ack | TcpFlag::psh;

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
