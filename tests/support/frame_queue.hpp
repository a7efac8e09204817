// Frames that a port of the tests owns: pushed from anywhere, handed out in order. A frame's bytes stay in
// place from hand_out() to the next hand_out(). A value; no thread rules of its own.
#pragma once
#include <deque>
#include <span>
#include <vector>

#include "engine/ports/packet_port.hpp"
#include "tests/support/packet_builder.hpp"

namespace lockstep::test {

class FrameQueue {
 public:
  void push(Bytes bytes, const Frame& as) { waiting_.push_back({std::move(bytes), as}); }
  [[nodiscard]] bool empty() const { return waiting_.empty(); }

  // As PacketPort::receive().
  std::size_t hand_out(std::span<Frame> batch) {
    out_.clear();
    const std::size_t count = std::min(batch.size(), waiting_.size());
    for (std::size_t i = 0; i < count; ++i) {
      out_.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
    for (std::size_t i = 0; i < count; ++i) {
      batch[i] = out_[i].frame;
      batch[i].bytes = out_[i].bytes;
      batch[i].wire_length = static_cast<std::uint32_t>(out_[i].bytes.size());
    }
    return count;
  }

 private:
  struct Owned {
    Bytes bytes;
    Frame frame;
  };
  std::deque<Owned> waiting_;
  std::vector<Owned> out_;
};

}  // namespace lockstep::test
