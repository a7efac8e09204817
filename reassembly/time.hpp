// Points in time as the caller gives them: nanoseconds since 1970-01-01 UTC. This folder owns no clock.
#pragma once
#include <chrono>
#include <cstdint>

namespace lockstep::reassembly {

using Duration = std::chrono::nanoseconds;
using Timestamp = std::chrono::sys_time<Duration>;

// Whole seconds since the epoch, modulo 2^32.
[[nodiscard]] inline std::uint32_t seconds(Timestamp time) {
  return static_cast<std::uint32_t>(
      std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count());
}

}  // namespace lockstep::reassembly
