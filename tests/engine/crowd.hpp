// Many connections through one pipeline, honest and hostile, for the tests of limits. Clients are outside and
// servers inside. What leaves is given to a model of the host that it is for: it queues what is ahead, reads
// what is in order, and a byte that it reads must have been scanned with that value at that place before.
//
//   Crowd crowd(config);
//   Honest honest(crowd, "10.1.0.1", 5000);
//   crowd.from_outside({.source = "10.66.0.1", .flags = TcpFlag::syn});
//   honest.sends(1000);
//   CHECK(honest.whole());
//   CHECK(crowd.unseen() == 0);
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "engine/pipeline.hpp"
#include "tests/support/packet_builder.hpp"

namespace lockstep::test {

using reassembly::TcpFlag;

// The receiver of one direction.
struct HostModel {
  std::uint32_t first = 0;                     // number of its first byte
  std::string scanned;                         // by the engine, from the first byte on
  std::map<std::size_t, std::string> waiting;  // ahead of a hole
  std::string read;
  std::size_t unseen = 0;  // bytes that it read and that were not scanned
  bool reset = false;      // a RST came that it takes
  bool deaf = false;       // no RST reaches it

  [[nodiscard]] std::uint32_t rcv_nxt() const { return first + static_cast<std::uint32_t>(read.size()); }
  void take(std::size_t at, std::string bytes);
};

class Crowd final : public Observer, public PacketPort {
 public:
  explicit Crowd(PipelineConfig config);
  ~Crowd() override;

  // The answer of the pipeline to one packet.
  Verdict from_outside(const PacketSpec& spec) { return send(spec, 0); }
  Verdict from_inside(const PacketSpec& spec) { return send(spec, 1); }
  Verdict send_frame(Bytes bytes, std::uint16_t port);
  // SYN, SYN-ACK and ACK of this connection; its numbers start at `seq` and 1'000'000.
  void open(const PacketSpec& client);
  void wait(Duration duration);
  void finish() { pipeline_->finish(); }

  [[nodiscard]] Pipeline& pipeline() { return *pipeline_; }
  // The receiver of what goes from one to the other.
  [[nodiscard]] HostModel& host(const PacketSpec& sent) { return hosts_.at(key_of(sent)); }
  [[nodiscard]] std::size_t unseen() const;
  [[nodiscard]] std::size_t resets() const { return resets_; }  // of our own

  void on_packet(const Packet& packet) override { verdict_ = packet.verdict; }
  void on_chunk(const Flow& flow, Direction direction, reassembly::StreamOffset offset,
                std::span<const std::uint8_t> bytes) override;
  void finish(const Frame& frame, std::span<const std::uint8_t> leaving) override;
  void send(const Departure& departure) override;
  tl::expected<std::size_t, std::string> receive(std::span<Frame>) override { return 0; }

 private:
  using Key = std::tuple<std::string, std::uint16_t, std::string, std::uint16_t>;  // sender, receiver
  static Key key_of(const PacketSpec& spec) {
    return {spec.source, spec.source_port, spec.destination, spec.destination_port};
  }
  static Key key_of(const reassembly::Endpoint& from, const reassembly::Endpoint& to);
  Verdict send(const PacketSpec& spec, std::uint16_t port);
  void arrives(std::span<const std::uint8_t> bytes);

  std::map<Key, HostModel> hosts_;
  Verdict verdict_;
  std::size_t resets_ = 0;
  std::uint64_t frames_ = 0;
  Timestamp now_{std::chrono::seconds(1'000'000'000)};
  std::unique_ptr<Pipeline> pipeline_;
};

// A client that sends to a server, with what it needs to get through: repeats, and nothing else.
class Honest {
 public:
  Honest(Crowd& crowd, const std::string& address, std::uint16_t port);
  // The handshake; repeated until it is through, at most `tries` times.
  bool opens(int tries = 3);
  // `size` bytes in segments of 500; `late`: of each two the second first. False: a segment did not get
  // through in four tries.
  bool sends(std::size_t size, bool late = false);
  // It and the server close.
  void closes();
  // The server has read what was sent, and no RST came to either end.
  [[nodiscard]] bool whole();

 private:
  [[nodiscard]] PacketSpec spec(int flags) const;
  [[nodiscard]] PacketSpec answer(int flags) const;
  bool segment(std::size_t from, std::size_t to);

  Crowd* crowd_;
  std::string address_;
  std::uint16_t port_;
  std::string sent_;
};

}  // namespace lockstep::test
