// A port around a port, with a forger beside the peers: between the frames that go by it puts packets of its
// own, in the name of either end and on that end's side. Everything hangs on the seed and the frames. Frames
// are bare IP; one thread.
#pragma once
#include <array>
#include <cstdint>

#include "tests/support/frame_queue.hpp"
#include "tests/support/random.hpp"

namespace lockstep::honest {

// What the forger knows and does.
enum class Forger : std::uint8_t {
  none,
  blind,    // the addresses and ports, and numbers near the true ones: all that a host refuses
  knowing,  // every number: what a host takes as well
  resets    // every number, and sends exact RSTs with them, nothing else
};
[[nodiscard]] std::string_view name(Forger forger);

class ForgerPort final : public PacketPort {
 public:
  // Neither end sends more than `longest_stream` bytes.
  ForgerPort(PacketPort& inner, Forger forger, std::uint32_t longest_stream, std::uint64_t seed)
      : inner_(&inner),
        forger_(forger),
        longest_stream_(longest_stream),
        random_(seed),
        side_(random_.below(2)) {}

  [[nodiscard]] tl::expected<std::size_t, std::string> receive(std::span<Frame> batch) override;
  void finish(const Frame& frame, std::span<const std::uint8_t> leaving) override {
    if (leaving.empty()) return;
    inner_->send({leaving, frame.link, frame.time, static_cast<std::uint16_t>(frame.port ^ 1U)});
  }
  void send(const Departure& departure) override { inner_->send(departure); }

  [[nodiscard]] std::uint64_t forged() const { return forged_; }

 private:
  // One end, as the forger sees it.
  struct End {
    std::string address;
    std::uint16_t port = 0;
    std::uint32_t start = 0;  // first byte of its stream
    std::uint32_t next = 0;   // behind the last byte that it sent
    std::uint32_t ack = 0;    // what it acknowledged last
    std::uint16_t window = 0;
    std::uint32_t timestamp = 0, echo = 0;
    bool timed = false;
    bool acks = false;   // `ack` is its word
    bool heard = false;  // its SYN or SYN-ACK went by
    bool spoke = false;  // and a segment behind it
  };
  void look(const Frame& frame);
  void forge(const Frame& as);
  [[nodiscard]] test::PacketSpec honest(std::size_t from);
  [[nodiscard]] test::PacketSpec random_packet(std::size_t from);
  [[nodiscard]] test::PacketSpec refused_packet(std::size_t from);
  [[nodiscard]] test::PacketSpec taken_packet(std::size_t from);
  [[nodiscard]] test::PacketSpec exact_reset(std::size_t from);

  PacketPort* inner_;
  Forger forger_;
  std::uint32_t longest_stream_;
  test::Random random_;
  std::size_t side_;         // where he is
  std::array<End, 2> ends_;  // by port
  test::FrameQueue queue_;
  std::uint64_t forged_ = 0;
};

}  // namespace lockstep::honest
