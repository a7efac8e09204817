// Where the rule set in force is published: one writer, N workers that look between two batches.
//
//   // worker n
//   if (auto rules = board.take(n)) {
//     pipeline.adopt(std::move(rules));
//     board.adopted(n);
//   }
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/rule_generation.hpp"

namespace lockstep {

class RuleBoard {
 public:
  // All workers begin with `first`, without take().
  RuleBoard(std::size_t workers, std::shared_ptr<const RuleGeneration> first);
  RuleBoard(const RuleBoard&) = delete;
  RuleBoard& operator=(const RuleBoard&) = delete;

  // Any thread.
  void publish(std::shared_ptr<const RuleGeneration> rules);
  [[nodiscard]] std::shared_ptr<const RuleGeneration> current() const;
  // False: within `patience` not all workers have taken the last set up.
  [[nodiscard]] bool wait_for_workers(std::chrono::milliseconds patience) const;

  // Worker `n` alone. Null, at the cost of a read of shared memory, when nothing was published since; of
  // several sets only the last is seen.
  [[nodiscard]] std::shared_ptr<const RuleGeneration> take(std::size_t n);
  void adopted(std::size_t n);
  // The worker has ended and will take nothing up any more.
  void leave(std::size_t n);

 private:
  struct alignas(64) Worker {
    std::uint64_t taken = 0;
    std::uint64_t adopted = 0;  // under the mutex
  };

  std::atomic<std::uint64_t> published_{0};
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::shared_ptr<const RuleGeneration> rules_;
  std::vector<Worker> workers_;
};

}  // namespace lockstep
