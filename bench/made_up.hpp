// Traffic and rules made up for measurements, the same on every machine: HTTP-like text with some random
// bytes, and rules as many tools generate them.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace lockstep::bench {

// At least `length` bytes.
[[nodiscard]] std::string made_up_payload(std::size_t length);

struct MadeUpRule {
  std::string text;
  unsigned sid = 0;
  std::string plain;  // what makes it match, if that is one plain text
};

// Rules of one or two contents in the raw stream, none of which made_up_payload() matches; sids from 1000001
// on.
[[nodiscard]] std::vector<MadeUpRule> made_up_rules(std::size_t count);
[[nodiscard]] std::string text_of(const std::vector<MadeUpRule>& rules);

}  // namespace lockstep::bench
