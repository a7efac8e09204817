// Plays a case against the host, alone and with the engine, and says in the words of a row what happened.
#pragma once
#include <string>
#include <vector>

#include "tests/evasions/row.hpp"
#include "tests/oracle/conversation.hpp"

namespace lockstep::evasions {

// What the rules of these tests look for. Where a row says GOOD instead, the packets are played once more
// with the two words exchanged.
inline constexpr std::string_view word = "EVIL";

struct Measured {
  Case as_measured;                 // the case with what was measured in place of what is expected
  std::vector<std::string> broken;  // promises that did not hold, whatever the row expects
};
[[nodiscard]] Measured measure(const Case& one, oracle::KernelHost& host, oracle::Rules& rules);

// Nothing, or what differs between expected and measured, line by line.
[[nodiscard]] std::vector<std::string> differences(const Case& expected, const Case& measured);

// Plays the case, and the same mirrored, over IPv6, across the wrap of the sequence space, and with the words
// exchanged; returns what is wrong. What hangs on the host's clock is tried three times.
[[nodiscard]] std::vector<std::string> check(const Case& one, oracle::KernelHost& host, oracle::Rules& rules);

// The conversations of the case, for a reader.
[[nodiscard]] std::string transcripts(const Case& one, oracle::KernelHost& host, oracle::Rules& rules);

}  // namespace lockstep::evasions
