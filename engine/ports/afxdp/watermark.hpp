// How much of what the kernel sent to a worker's queues the worker has finished: out of the rings, judged,
// gone or given up. The kernel takes a connection over only behind that (xdp/lockstep.h, ls_flow), so a
// number here may come late and must never be too high.
//
// A count of what was taken would be too high: the kernel counts a frame before the socket drops it for want
// of room, and such a drop must not stand for an older frame that still waits. So a round is made: the drops
// are read first, then what was sent; what was sent less the drops is what must have been taken, in the order
// of the ring, before all of it is finished. At most one round runs at a time. One thread.
#pragma once
#include <chrono>
#include <cstdint>
#include <vector>

#include "engine/ports/afxdp/exchange.hpp"
#include "engine/ports/afxdp/socket.hpp"
#include "xdp/lockstep.h"

namespace lockstep::afxdp {

class Watermark {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // Of worker `self`. All must outlive it.
  Watermark(Exchange& exchange, std::size_t self) : exchange_(exchange), self_(self) {}

  // A queue that the worker reads; to be added before its socket is given frames.
  void add(Socket& socket, ls_queue& shared);
  // Frames of the `n`-th queue added left its ring.
  void taken(std::size_t n, std::uint64_t frames) { queues_[n].taken += frames; }
  // Descriptors from another worker left their lane.
  void taken_from(std::size_t worker, std::uint64_t descriptors) { lanes_taken_[worker] += descriptors; }
  // An egress of the worker; to be added before use.
  void add_egress(const Socket& socket) { egresses_.push_back({&socket, 0}); }

  // Behind a batch that was finished and given to the egresses. `lost(n, frames)` is called for frames that
  // the kernel sent to the `n`-th queue, and of which nothing came and nothing was heard for a second.
  template <class Lost>
  void advance(Time now, const Lost& lost) {
    if (!move_on(now)) return;
    for (std::size_t n = 0; n < queues_.size(); ++n)
      if (const std::uint64_t frames = write_off(queues_[n]); frames > 0) lost(n, frames);
  }

 private:
  struct Queue {
    Socket* socket;
    ls_queue* shared;
    std::uint64_t base;  // sent before
    std::uint64_t taken = 0;
    std::uint64_t lost = 0;    // in front of the ring, before `sent` was read
    std::uint64_t sent = 0;    // at the round's begin
    std::uint64_t target = 0;  // of `taken`
  };
  struct Egress {
    const Socket* socket;
    std::uint64_t target;  // of done()
  };
  enum class Step : std::uint8_t { idle, taking, leaving };

  void begin(Time now);
  [[nodiscard]] bool all_taken();
  [[nodiscard]] bool all_left() const;
  void publish();
  // True: the round was given up, and queues may have frames to write off.
  bool move_on(Time now);
  static std::uint64_t write_off(Queue& queue);

  Exchange& exchange_;
  std::size_t self_;
  std::vector<Queue> queues_;
  std::vector<Egress> egresses_;
  std::vector<std::uint64_t> lanes_taken_ = std::vector<std::uint64_t>(exchange_.workers());
  std::vector<std::uint64_t> lanes_target_ = std::vector<std::uint64_t>(exchange_.workers());
  std::vector<std::uint64_t> handed_ = std::vector<std::uint64_t>(exchange_.workers());
  Step step_ = Step::idle;
  Time begun_{};
};

}  // namespace lockstep::afxdp
