// Lines from one thread to another through a fixed piece of memory. Neither side ever waits: a line that does
// not fit is refused.
#pragma once
#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace lockstep {

class LineRing {
 public:
  // Rounded up to a power of two.
  explicit LineRing(std::size_t bytes)
      : mask_(std::bit_ceil(bytes) - 1), bytes_(std::make_unique<char[]>(mask_ + 1)) {}

  // The producer. A line ends with its newline and has no other.
  [[nodiscard]] bool push(std::string_view line) {
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    if (tail + line.size() - head_.load(std::memory_order_acquire) > mask_ + 1) return false;
    const std::size_t at = tail & mask_;
    const std::size_t first = std::min(line.size(), mask_ + 1 - at);
    std::copy_n(line.data(), first, bytes_.get() + at);
    std::copy_n(line.data() + first, line.size() - first, bytes_.get());
    tail_.store(tail + line.size(), std::memory_order_release);
    return true;
  }

  // The consumer. Appends whole lines, the first at any rate and others up to about `most` bytes.
  bool pop(std::string& to, std::size_t most) {
    const std::uint64_t head = head_.load(std::memory_order_relaxed);
    const std::uint64_t tail = tail_.load(std::memory_order_acquire);
    if (head == tail) return false;
    std::uint64_t end = head + std::min<std::uint64_t>(most, tail - head);
    while (bytes_[(end - 1) & mask_] != '\n') ++end;
    const std::size_t at = head & mask_;
    const auto size = static_cast<std::size_t>(end - head);
    const std::size_t first = std::min(size, mask_ + 1 - at);
    to.append(bytes_.get() + at, first);
    to.append(bytes_.get(), size - first);
    head_.store(end, std::memory_order_release);
    return true;
  }

 private:
  std::size_t mask_;
  std::unique_ptr<char[]> bytes_;
  alignas(64) std::atomic<std::uint64_t> head_{0};  // bytes taken out
  alignas(64) std::atomic<std::uint64_t> tail_{0};  // bytes put in
};

}  // namespace lockstep
