// The port of a pair of interfaces in use: frames that come in by one leave by the other. Frames from the
// outside carry an even port, those from the inside the next one: 2 and 3 for the first pair.
//
//   while (running) {
//     auto count = port.receive(batch);            // 0: nothing is there now
//     if (*count == 0) { port.wait(100ms); continue; }
//     ...                                          // finish() or send() for each
//     port.flush();                                // once a batch
//   }
#pragma once
#include <array>
#include <chrono>

#include "engine/counters.hpp"
#include "engine/ports/packet_port.hpp"

namespace lockstep {

inline constexpr std::uint16_t outside_port = 2;

// Frames that the kernel or an interface lost, each under its reason, since the last time they were asked
// for.
struct PortLosses {
  using ByReason = std::array<Amount, reason_count>;
  // Before they were handed out here, by the side that they came in by (0: outside); bytes may be unknown.
  std::array<ByReason, 2> received{};
  ByReason leaving{};  // given to finish(), and could not be sent
  ByReason made{};     // given to send(), and could not be sent
};

class InlinePort : public PacketPort {
 public:
  // Sends what finish() and send() were given, and gives the frames of the last receive() back.
  virtual void flush() = 0;
  // Sleeps until a frame may be there, wake() was called, or the time is up.
  virtual void wait(std::chrono::milliseconds longest) = 0;
  // Ends a wait(); from any thread.
  virtual void wake() = 0;
  [[nodiscard]] virtual PortLosses take_losses() = 0;
  // True once after packets were forwarded in the engine's stead, which thus missed them; what had come in
  // before them was given up. Until resume() they still are.
  [[nodiscard]] virtual bool take_gap() { return false; }
  // The engine no longer relies on anything from before the gap.
  virtual void resume() {}
  // No frame is read any more: what still waits is lost, and told by take_losses(). Once no worker of the
  // pair runs; only take_losses() may follow.
  virtual void close() {}
};

}  // namespace lockstep
