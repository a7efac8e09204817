// How often a quantity had which size: a bucket for each power of two. One thread records, any thread reads;
// what is read may lack what is being recorded.
#pragma once
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace lockstep {

class Histogram {
 public:
  static constexpr std::size_t buckets = 40;  // the last one also takes what is larger

  void record(std::uint64_t value, std::uint64_t times = 1) {
    // Bucket n holds what is at most 2^n.
    const std::size_t bucket = value <= 1 ? 0 : std::bit_width(value - 1);
    add(counts_[bucket < buckets ? bucket : buckets - 1], times);
    add(sum_, value * times);
  }
  [[nodiscard]] std::uint64_t count(std::size_t bucket) const {
    return counts_[bucket].load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t sum() const { return sum_.load(std::memory_order_relaxed); }
  [[nodiscard]] static std::uint64_t bound(std::size_t bucket) { return std::uint64_t{1} << bucket; }

 private:
  // The recording thread is the only one that writes: no locked instruction is needed.
  static void add(std::atomic<std::uint64_t>& to, std::uint64_t value) {
    to.store(to.load(std::memory_order_relaxed) + value, std::memory_order_relaxed);
  }
  std::array<std::atomic<std::uint64_t>, buckets> counts_{};
  std::atomic<std::uint64_t> sum_{0};
};

}  // namespace lockstep
