// What the program says about itself, on stderr.
#pragma once
#include <cstdint>

namespace lockstep {

// 0: warnings and errors, 1 (-v): what is done, 2 (-vv) and more: details. Call once, before any thread
// starts.
void start_log(std::uint64_t verbosity);

}  // namespace lockstep
