// A conversation written to a capture and replayed by the program; what it logged comes back.
#pragma once
#include <chrono>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/ports/capture_writer.hpp"
#include "tests/engine/program.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/packet_builder.hpp"

namespace lockstep::test {

// Of a connection 10.0.0.1:40000 > 10.0.0.2:80, a packet each millisecond; numbers are relative to the SYNs'.
class Conversation {
 public:
  static constexpr int data = reassembly::TcpFlag::ack | reassembly::TcpFlag::psh;

  enum class From : bool { handshake, middle };
  explicit Conversation(From from = From::handshake) {
    using reassembly::TcpFlag;
    if (from == From::middle) return;
    client(TcpFlag::syn, 0, 0);
    server(TcpFlag::syn | TcpFlag::ack, 0, 1);
    client(TcpFlag::ack, 1, 1);
  }
  void client(int flags, std::uint32_t seq, std::uint32_t ack, const std::string& payload = "") {
    add({.seq = 1000 + seq,
         .ack = (flags & reassembly::TcpFlag::ack) != 0 ? 9000 + ack : 0,
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
  void wait(std::chrono::milliseconds time) { now_ += time; }

  // The events of a replay of `dir`/a.pcap, which is written; `words` are the rest of the command line.
  [[nodiscard]] std::vector<nlohmann::json> events(const Directory& dir,
                                                   std::vector<std::string> words) const {
    write(dir.path("a.pcap"));
    words.insert(words.begin(), {"replay", dir.path("a.pcap"), "-l", dir.path("log"), "--set",
                                 "outputs.eve-log.payload=true"});
    const auto outcome = run_lockstep(words);
    INFO(outcome.out << outcome.err);
    REQUIRE(outcome.code == 0);
    std::istringstream log(dir.read("log/eve.json"));
    std::vector<nlohmann::json> found;
    for (std::string line; std::getline(log, line);) found.push_back(nlohmann::json::parse(line));
    return found;
  }

  // The alerts of a replay under `rules`.
  [[nodiscard]] std::vector<nlohmann::json> alerts(const std::string& rules, const std::string& mode,
                                                   const std::vector<std::string>& more = {}) const {
    const Directory dir;
    std::vector<std::string> words{"--mode", mode, "-S", dir.write("a.rules", rules)};
    words.insert(words.end(), more.begin(), more.end());
    std::vector<nlohmann::json> found;
    for (nlohmann::json& event : events(dir, std::move(words))) {
      if (event["event_type"] == "alert") found.push_back(std::move(event));
    }
    return found;
  }

 private:
  void add(const PacketSpec& spec) {
    now_ += std::chrono::milliseconds(1);
    frames_.emplace_back(now_, build_packet(spec));
  }
  void write(const std::string& path) const {
    auto writer = CaptureWriter::create(path, {reassembly::LinkType::ethernet});
    REQUIRE(writer);
    for (const auto& [time, frame] : frames_) writer->write(frame, reassembly::LinkType::ethernet, time);
    REQUIRE(writer->close());
  }
  reassembly::Timestamp now_{std::chrono::seconds(1'700'000'000)};
  std::vector<std::pair<reassembly::Timestamp, Bytes>> frames_;
};

}  // namespace lockstep::test
