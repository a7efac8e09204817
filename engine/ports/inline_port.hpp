// The port of a pair of interfaces in use: frames that come in by one leave by the other. Frames from the
// outside carry port 2, those from the inside port 3.
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
inline constexpr std::uint16_t inside_port = 3;

// Frames that the kernel or an interface lost, each under its reason, since the last time they were asked
// for.
struct PortLosses {
  std::array<Amount, reason_count> received{};  // before they were handed out here; bytes may be unknown
  std::array<Amount, reason_count> leaving{};   // given to finish(), and could not be sent
  std::array<Amount, reason_count> made{};      // given to send(), and could not be sent
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
};

}  // namespace lockstep
