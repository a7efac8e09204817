// How much memory the process has in use.
#pragma once
#include <cstdint>

namespace lockstep {

// Resident bytes; 0 if the system does not tell.
[[nodiscard]] std::uint64_t resident_bytes();

}  // namespace lockstep
