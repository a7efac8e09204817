// One payload option on one buffer: all the ways in which it can hold. Part of the reference matcher.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "signatures/rule.hpp"

namespace lockstep::signatures::reference {

using Position = std::int64_t;

struct Buffer {
  std::span<const std::uint8_t> stream;  // all of it; only [begin, end) may be looked at
  Position fired = 0;                    // S
  Position begin = 0;                    // max(S, E - W)
  Position end = 0;                      // E
  bool ended = false;                    // nothing follows
};

struct Cursor {
  Position at = 0;
  std::vector<std::uint64_t> variables = std::vector<std::uint64_t>(64, 0);
};

// Every cursor that the option can leave behind; empty if it does not hold.
[[nodiscard]] std::vector<Cursor> outcomes(const PayloadOption& option, const Buffer& buffer,
                                           const Cursor& cursor);

}  // namespace lockstep::signatures::reference
