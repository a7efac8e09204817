// AF_XDP for one worker of a pair: the kernel program (xdp/) puts frames for the engine into memory that both
// share, and they leave from there without a copy in user space. The worker reads the queues q of both sides
// with q % workers == its number, and sends by the first of them on each side.
//
// A frame that came in by a queue of this worker and belongs to a connection of another is handed over; one
// that found no room there is lost as `handover_full`. One that found the received ring full, or no chunk for
// it, is lost as `socket_queue_full`, one that the egress did not take as `egress_refused`. What the kernel
// had queued when it began to forward in the engine's stead is given up as `forwarded_past`.
//
// From a side no more is taken than the other side's egress has room for.
#pragma once
#include <array>
#include <memory>
#include <vector>

#include "engine/clock.hpp"
#include "engine/ports/afxdp/exchange.hpp"
#include "engine/ports/afxdp/gate.hpp"
#include "engine/ports/afxdp/socket.hpp"
#include "engine/ports/afxdp/watermark.hpp"
#include "engine/ports/inline_port.hpp"
#include "engine/wakeup.hpp"
#include "xdp/lockstep.h"

namespace lockstep {

class AfxdpPort final : public InlinePort {
 public:
  // What a worker has of the pair's maps.
  struct Seat {
    ls_config* config = nullptr;
    ls_worker* worker = nullptr;
    ls_queue* queues = nullptr;  // LS_SIDES * LS_MAX_QUEUES
  };
  struct Parts {
    std::size_t number = 0;  // of the worker within the pair
    std::uint16_t port = outside_port;
    std::shared_ptr<afxdp::Memory> memory;
    std::size_t chunks = 0;  // of each worker; this one's begin at number * chunks
    std::shared_ptr<afxdp::Exchange> exchange;
    std::shared_ptr<afxdp::Gate> gate;
    std::array<std::vector<std::unique_ptr<afxdp::Socket>>, LS_SIDES> sockets;  // one a side at least
    Seat seat;
  };
  [[nodiscard]] static tl::expected<std::unique_ptr<AfxdpPort>, std::string> make(Parts parts);
  ~AfxdpPort() override;

  [[nodiscard]] tl::expected<std::size_t, std::string> receive(std::span<Frame> batch) override;
  void finish(const Frame& frame, std::span<const std::uint8_t> leaving) override;
  void send(const Departure& departure) override;
  void flush() override;
  void wait(std::chrono::milliseconds longest) override;
  void wake() override { wakeup_.wake(); }
  [[nodiscard]] PortLosses take_losses() override;
  [[nodiscard]] bool take_gap() override;
  void resume() override { parts_.gate->pass(parts_.number, epoch_); }
  void close() override;

 private:
  struct Ingress {
    std::unique_ptr<afxdp::Socket> socket;
    std::size_t side = 0;
    std::size_t mark = 0;  // its number in watermark_
    afxdp::SocketLosses losses;
  };

  explicit AfxdpPort(Parts parts);
  void beat();
  [[nodiscard]] std::size_t receive_from(Ingress& ingress, std::span<Frame> batch);
  [[nodiscard]] std::size_t receive_handed(std::span<Frame> batch);
  void discard(Ingress& ingress);
  void discard_handed();
  template <class DescriptorAt>
  void hand_over(std::size_t owner, std::size_t side, std::size_t pieces, const DescriptorAt& at);
  [[nodiscard]] std::size_t room_towards(std::size_t side);
  [[nodiscard]] Frame frame(std::span<std::uint8_t> bytes, std::size_t side);
  // The bytes of a frame of several chunks, which are given back.
  template <class DescriptorAt>
  [[nodiscard]] std::span<std::uint8_t> join(std::size_t pieces, const DescriptorAt& at);
  void transmit_copy(std::size_t side, std::span<const std::uint8_t> bytes, bool made);
  void give_back(afxdp::Address chunk);
  void reclaim();
  void refill();
  static void lose(PortLosses::ByReason& list, Reason reason, std::uint64_t bytes);
  [[nodiscard]] tl::expected<void, std::string> check() const;

  Parts parts_;
  afxdp::Memory& memory_;
  afxdp::Exchange& exchange_;
  std::vector<Ingress> ingresses_;
  std::array<afxdp::Socket*, LS_SIDES> egress_{};
  afxdp::Watermark watermark_;
  std::vector<afxdp::Address> free_;
  std::vector<std::vector<afxdp::Address>> backlog_;  // chunks of other workers, until their lane has room
  std::vector<std::uint8_t> joined_;                  // frames of several chunks, of one batch
  std::size_t joined_used_ = 0;
  std::size_t first_ = 0;  // the ingress that is read first
  std::uint64_t number_ = 0;
  std::uint64_t epoch_ = 0;  // up to which forwarding past us was noted
  bool unsent_ = false;      // an egress did not take everything
  bool suspicious_ = false;
  std::chrono::steady_clock::time_point now_{};
  Timestamp time_{};
  PortLosses losses_;
  Wakeup wakeup_;
  Clock clock_;
};

}  // namespace lockstep
