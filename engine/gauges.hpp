// Numbers about one worker's tables and pools, as the stats events tell them. Values.
#pragma once
#include <cstdint>

namespace lockstep {

// What the tables and pools hold, and how often they gave something up. Bytes where they say memory.
struct Gauges {
  std::uint64_t stream_memory = 0;
  std::uint64_t islands = 0;  // runs of bytes ahead of a hole
  std::uint64_t flows = 0;    // established
  std::uint64_t unestablished = 0;
  std::uint64_t half_open = 0;
  std::uint64_t datagrams = 0;  // of which fragments are held
  std::uint64_t fragment_memory = 0;
  std::uint64_t given_up = 0;  // established flows, reset for want of room
  std::uint64_t given_up_unestablished = 0;
  std::uint64_t stateless_syns = 0;  // passed while the half-open table was full
  std::uint64_t holes_expired = 0;   // flows that were reset for an old hole
  std::uint64_t over_share = 0;      // flows that were reset so that others had room in the pool

  // Adds another worker's.
  Gauges& operator+=(const Gauges& other) {
    for (auto number : {&Gauges::stream_memory, &Gauges::islands, &Gauges::flows, &Gauges::unestablished,
                        &Gauges::half_open, &Gauges::datagrams, &Gauges::fragment_memory, &Gauges::given_up,
                        &Gauges::given_up_unestablished, &Gauges::stateless_syns, &Gauges::holes_expired,
                        &Gauges::over_share})
      this->*number += other.*number;
    return *this;
  }
};

}  // namespace lockstep
