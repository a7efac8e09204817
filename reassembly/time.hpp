// Points in time as the caller gives them: nanoseconds since 1970-01-01 UTC. This folder owns no clock.
#pragma once
#include <chrono>

namespace lockstep::reassembly {

using Duration = std::chrono::nanoseconds;
using Timestamp = std::chrono::sys_time<Duration>;

}  // namespace lockstep::reassembly
