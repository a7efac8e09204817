// The clock of a running engine: never goes back, and is the wall clock's time as it was at the start plus
// what has passed since (CLOCK_MONOTONIC, which follows the wall clock's rate, not its jumps).
#pragma once
#include "reassembly/time.hpp"

namespace lockstep {

class Clock {
 public:
  [[nodiscard]] reassembly::Timestamp now() const { return at(std::chrono::steady_clock::now()); }
  [[nodiscard]] reassembly::Timestamp at(std::chrono::steady_clock::time_point moment) const {
    return start_ + std::chrono::duration_cast<reassembly::Duration>(moment - started_);
  }

 private:
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  reassembly::Timestamp start_ =
      std::chrono::time_point_cast<reassembly::Duration>(std::chrono::system_clock::now());
};

}  // namespace lockstep
