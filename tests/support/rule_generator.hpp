// Random stream rules and streams on which they fire often, for rapidcheck. A rule grows from a few small
// numbers, so that a failure shrinks to a short rule; every combination of the numbers is a valid rule.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <rapidcheck.h>

#include "signatures/rule.hpp"

namespace lockstep::signatures {

struct Case {
  std::vector<Rule> rules;  // sid 1, 2, …; any endpoints
  std::vector<std::uint8_t> stream;
  std::vector<std::vector<std::uint64_t>>
      cuts;  // each: ascending packet ends, the last one the stream's length
  bool ended = true;
  bool end_apart = false;  // the end comes in a packet of its own, without bytes
  std::uint32_t window = 8192;
};

struct GeneratorOptions {
  bool drops = false;  // also drop and reject rules
  bool flowbits = true;
  bool pcres = true;
  bool anchored = false;  // every pcre has the flag A, and there are many
  bool bytes = true;      // byte_test, byte_jump, byte_extract, byte_math
  bool small_windows = false;
};

[[nodiscard]] rc::Gen<Case> any_case(const GeneratorOptions& options);

// Names of the flowbits that generated rules use.
[[nodiscard]] std::vector<std::string> generated_flowbits();

// Rules, stream, cuts: everything that is needed to run it again by hand.
void showValue(const Case& value, std::ostream& out);
[[nodiscard]] std::string stream_text(const std::vector<std::uint8_t>& bytes);

}  // namespace lockstep::signatures
