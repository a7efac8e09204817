// A port around a port, that damages what goes by as a bad network does: frames are lost, come twice or late,
// before they reach the engine and behind it, each by rates of its own, and may be cut into fragments by a
// router before it. The n-th frame of one stage and direction meets the same fate each time: it hangs on the
// seed alone.
//
//   FaultPort port(inner, {.before = {FaultRates{.loss = 5}}}, seed);
//   port.advance(now);                       // releases what is late; before each receive()
//   while (auto count = port.receive(batch)) …
//
// Frames are bare IP. Everything leaves by the inner port's send(). One thread.
#pragma once
#include <array>
#include <map>
#include <optional>

#include "tests/support/frame_queue.hpp"
#include "tests/support/random.hpp"

namespace lockstep::test {

// Of one stage and direction, in percent.
struct FaultRates {
  unsigned loss = 0;         // of any frame
  unsigned ack_loss = 0;     // of bare ACKs, besides
  unsigned update_loss = 0;  // of ACKs that tell nothing but another window
  unsigned probe_loss = 0;   // of keep-alives and window probes
  unsigned doubled = 0;
  unsigned late = 0;
  unsigned in_a_row = 3;  // no more frames than this are lost one after the other
  unsigned never = 0;     // the first byte of the so-manyth frame with payload never comes, 0: there is none
  reassembly::Duration latest = std::chrono::milliseconds(20);
};

struct Faults {
  std::array<FaultRates, 2> before{};  // by the port where a frame comes in
  std::array<FaultRates, 2> behind{};  // by the port where it leaves
  std::size_t fragment = 0;  // payload of the fragments that IPv4 packets come in, 0: they come whole
};

// One stage and direction.
class FaultStage {
 public:
  FaultStage(const FaultRates& rates, std::uint64_t seed) : rates_(rates), random_(seed) {}

  // Calls out(bytes) for each copy that goes on now.
  template <class Out>
  void pass(const Bytes& bytes, Timestamp now, Out out) {
    const Fate fate = fate_of(bytes);
    for (unsigned copy = 0; copy < fate.copies; ++copy) {
      if (fate.delay > reassembly::Duration::zero()) {
        late_.emplace(now + fate.delay, bytes);
      } else {
        out(bytes);
      }
    }
  }
  template <class Out>
  void release(Timestamp now, Out out) {
    while (!late_.empty() && late_.begin()->first <= now) {
      const Bytes bytes = std::move(late_.begin()->second);
      late_.erase(late_.begin());
      out(bytes);
    }
  }

 private:
  struct Fate {
    unsigned copies = 1;
    reassembly::Duration delay{};
  };
  enum class Kind : std::uint8_t { other, ack, update, probe };
  [[nodiscard]] Fate fate_of(const Bytes& bytes);
  [[nodiscard]] Kind kind_of(const reassembly::Segment& segment);
  [[nodiscard]] bool never_comes(const reassembly::Segment& segment);

  FaultRates rates_;
  Random random_;
  unsigned lost_ = 0;  // in a row
  unsigned payloads_ = 0;
  std::optional<std::uint32_t> never_;  // sequence number
  std::multimap<Timestamp, Bytes> late_;
  std::uint32_t last_ack_ = 0, next_ = 0;
  std::uint16_t last_window_ = 0;
};

class FaultPort final : public PacketPort {
 public:
  FaultPort(PacketPort& inner, const Faults& faults, std::uint64_t seed);

  void advance(Timestamp now);

  [[nodiscard]] tl::expected<std::size_t, std::string> receive(std::span<Frame> batch) override;
  void finish(const Frame& frame, std::span<const std::uint8_t> leaving) override;
  void send(const Departure& departure) override;

 private:
  void take(const Frame& frame);

  PacketPort* inner_;
  std::size_t fragment_;
  std::array<FaultStage, 2> before_, behind_;
  FrameQueue queue_;
  Timestamp now_{};
  std::uint32_t datagrams_ = 0;
};

}  // namespace lockstep::test
