// Whether the engine forwards or the kernel in its stead (xdp/lockstep.h, ls_config): the workers of a pair
// pass it together. Any thread.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

#include "xdp/lockstep.h"

namespace lockstep::afxdp {

class Gate {
 public:
  // `config` must outlive it.
  Gate(ls_config& config, std::size_t workers) : config_(config), passed_(workers) {}

  [[nodiscard]] std::uint64_t epoch() const {
    return std::atomic_ref(config_.epoch).load(std::memory_order_acquire);
  }
  // The worker relies on nothing from before `epoch`. Once none does the engine forwards again, unless the
  // kernel has begun anew meanwhile.
  void pass(std::size_t worker, std::uint64_t epoch) {
    if (closed()) return;
    passed_[worker].store(epoch, std::memory_order_seq_cst);
    const auto there = [&](const std::atomic<std::uint64_t>& passed) { return passed.load() >= epoch; };
    if (std::all_of(passed_.begin(), passed_.end(), there))
      std::atomic_ref(config_.ready).store(epoch, std::memory_order_release);
  }
  // From here on the kernel forwards, or drops in a pair that fails closed.
  void shut() {
    const std::uint64_t ready = std::atomic_ref(config_.ready).load(std::memory_order_acquire);
    std::atomic_ref(config_.epoch).store(ready + 1, std::memory_order_release);
  }
  // For good: no worker opens it again.
  void close() {
    closed_.store(true);
    shut();
  }
  [[nodiscard]] bool closed() const { return closed_.load(); }

 private:
  ls_config& config_;
  std::vector<std::atomic<std::uint64_t>> passed_;
  std::atomic<bool> closed_ = false;
};

}  // namespace lockstep::afxdp
