// AF_PACKET for a pair of interfaces: rings that are shared with the kernel for what comes in (TPACKET_V2),
// sendmmsg() out of them for what leaves. Works on every kernel and NIC; nothing passes while nobody runs it.
//
// A frame that found the ring full is lost as `socket_queue_full`, one that is longer than the interface's
// MTU allows (merged by offloads of the sender) as `frame_too_long`, one that the egress did not take as
// `egress_refused`. VLAN tags, which the kernel takes out of received frames, are put back.
#pragma once
#include <memory>
#include <string>

#include "engine/clock.hpp"
#include "engine/ports/inline_port.hpp"
#include "engine/wakeup.hpp"

namespace lockstep {

class AfpacketPort final : public InlinePort {
 public:
  // In the network namespace of the calling thread. Frames from the outside carry `port`, those from the
  // inside the next number. The error names the interface.
  [[nodiscard]] static tl::expected<std::unique_ptr<AfpacketPort>, std::string> open(
      const std::string& outside, const std::string& inside, std::uint16_t port = outside_port);
  ~AfpacketPort() override;

  [[nodiscard]] tl::expected<std::size_t, std::string> receive(std::span<Frame> batch) override;
  void finish(const Frame& frame, std::span<const std::uint8_t> leaving) override;
  void send(const Departure& departure) override;
  void flush() override;
  void wait(std::chrono::milliseconds longest) override;
  void wake() override { wakeup_.wake(); }
  [[nodiscard]] PortLosses take_losses() override;

 private:
  class End;
  AfpacketPort();

  std::array<std::unique_ptr<End>, 2> ends_;  // outside, inside
  PortLosses losses_;
  std::uint64_t number_ = 0;
  std::size_t first_ = 0;    // the end whose frames are taken first; they take turns
  bool suspicious_ = false;  // a socket told of an error, or was not asked for a while
  Wakeup wakeup_;
  Clock clock_;
};

}  // namespace lockstep
