// Where the rule set in force is published: one writer, N workers that look between two batches.
//
//   // worker n
//   if (auto taken = board.take(n)) {
//     pipeline.adopt(std::move(taken->rules), std::move(taken->scratch));
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
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "engine/rule_generation.hpp"
#include "signatures/scratch.hpp"

namespace lockstep {

// What a worker takes up: the set, and memory to match with that was made for it.
struct Handover {
  std::shared_ptr<const RuleGeneration> rules;
  std::optional<signatures::Scratch> scratch;
};

class RuleBoard {
 public:
  // All workers begin with `first`, without take().
  RuleBoard(std::size_t workers, std::shared_ptr<const RuleGeneration> first);
  RuleBoard(const RuleBoard&) = delete;
  RuleBoard& operator=(const RuleBoard&) = delete;

  // Any thread; takes milliseconds. The error (of memory) changes nothing.
  [[nodiscard]] tl::expected<void, std::string> publish(std::shared_ptr<const RuleGeneration> rules);
  [[nodiscard]] std::shared_ptr<const RuleGeneration> current() const;
  // False: within `patience` not all workers have taken the last set up.
  [[nodiscard]] bool wait_for_workers(std::chrono::milliseconds patience) const;

  // Worker `n` alone. Nothing, at the cost of a read of shared memory, when nothing was published since; of
  // several sets only the last is seen.
  [[nodiscard]] std::optional<Handover> take(std::size_t n);
  void adopted(std::size_t n);
  // The worker has ended and will take nothing up any more.
  void leave(std::size_t n);

 private:
  struct alignas(64) Worker {
    std::uint64_t taken = 0;
    std::uint64_t adopted = 0;                   // under the mutex
    std::optional<signatures::Scratch> scratch;  // under the mutex, until it is taken
  };

  std::atomic<std::uint64_t> published_{0};
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::shared_ptr<const RuleGeneration> rules_;
  std::vector<Worker> workers_;
};

}  // namespace lockstep
