// The wire between two hosts for one transfer: the network's faults, the forger, and between them the engine
// or nothing. Remembers what went by and what the engine scanned. One thread.
//
//   the hosts' devices ── FaultPort ── ForgerPort ── engine or plain wire, in both directions
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/pipeline.hpp"
#include "tests/honest/forger_port.hpp"
#include "tests/honest/kernel_pair.hpp"
#include "tests/honest/scenario.hpp"
#include "tests/oracle/rules.hpp"

namespace lockstep::honest {

using test::Bytes;

// The devices of two hosts. A frame that comes in at port 0 was sent by the client's host.
class DevicePort final : public PacketPort {
 public:
  explicit DevicePort(const KernelPair& kernels) : kernels_(&kernels) {}
  void arrive(End from, std::span<const std::uint8_t> packet, Timestamp now);

  [[nodiscard]] tl::expected<std::size_t, std::string> receive(std::span<Frame> batch) override;
  void finish(const Frame& frame, std::span<const std::uint8_t> leaving) override;
  void send(const Departure& departure) override;

 private:
  const KernelPair* kernels_;
  test::FrameQueue queue_;
};

// One direction of one connection, as the engine read it.
struct ScannedStream {
  std::uint64_t flow;
  std::uint16_t source_port, destination_port;
  std::string text;
};

// What the engine did to a frame; forged ones too.
struct Passage {
  std::uint64_t frames = 0;
  std::map<Reason, std::uint64_t> changed;  // not forwarded as they came, and why
  std::uint64_t resets = 0;                 // of its own
};

struct Recorded {
  Timestamp time{};
  std::uint16_t port = 0;  // where it came in, or left
  Bytes bytes;
};

class Link final : public Observer {
 public:
  Link(const Scenario& scenario, const KernelPair& kernels, oracle::Rules& rules, bool engine);
  ~Link() override;

  void arrive(End from, std::span<const std::uint8_t> packet, Timestamp now);
  // Frames go as far as they can at this time. Not back.
  void advance(Timestamp now);
  // From now on the engine's clock is so much ahead.
  void age(Duration duration) { ahead_ += duration; }

  [[nodiscard]] const std::deque<ScannedStream>& scanned() const { return scanned_; }
  [[nodiscard]] const Passage& passage() const { return passage_; }
  [[nodiscard]] std::uint64_t forged() const { return forger_.forged(); }
  // Frames as they came before the engine, forged ones included, and those that left it.
  [[nodiscard]] const std::vector<Recorded>& before() const { return before_; }
  [[nodiscard]] const std::vector<Recorded>& behind() const { return recorder_.left; }
  // What left and no host may get, empty: nothing.
  [[nodiscard]] const std::string& unclean() const { return recorder_.unclean; }

  // The engine of a scenario.
  [[nodiscard]] static PipelineConfig config_of(const Scenario& scenario, std::uint32_t history);

 private:
  // Remembers what leaves.
  struct Recorder final : PacketPort {
    explicit Recorder(PacketPort& port) : inner(&port) {}
    tl::expected<std::size_t, std::string> receive(std::span<Frame> batch) override {
      return inner->receive(batch);
    }
    void finish(const Frame& frame, std::span<const std::uint8_t> leaving) override;
    void send(const Departure& departure) override;
    void look(std::span<const std::uint8_t> leaving, Timestamp time, std::uint16_t port);

    PacketPort* inner;
    bool engine = false;
    std::vector<Recorded> left;
    std::string unclean;
  };
  void pass(Frame& frame);
  void on_packet(const Packet& packet) override;
  void on_chunk(const Flow& flow, Direction direction, reassembly::StreamOffset offset,
                std::span<const std::uint8_t> bytes) override;
  void on_made(Direction towards, reassembly::TcpFlags flags, std::size_t bytes) override;

  DevicePort device_;
  test::FaultPort faults_;
  ForgerPort forger_;
  Recorder recorder_;
  std::unique_ptr<Pipeline> pipeline_;  // null: a plain wire
  Timestamp now_{};
  Duration ahead_{};
  std::uint64_t frames_ = 0;
  std::deque<ScannedStream> scanned_;
  Passage passage_;
  std::vector<Recorded> before_;
};

// The conversation of a link with an engine, in the notation of the packet tests.
[[nodiscard]] std::string transcript(const Scenario& scenario, oracle::Rules& rules,
                                     const std::vector<Recorded>& before);

}  // namespace lockstep::honest
