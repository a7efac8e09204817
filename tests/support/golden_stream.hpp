// Rules in text, a stream, and where they must fire: held against the naive matcher and against the scanner,
// whole and a byte at a time.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/scanner_run.hpp"

namespace lockstep::signatures {

enum class StreamEnd : std::uint8_t { ended, open };
using enum StreamEnd;

// One alert rule with sid 1, of which only the options are written.
struct Golden {
  const char* means;
  const char* options;
  std::string_view stream;
  std::vector<std::uint64_t> ends;
  StreamEnd end = StreamEnd::ended;
  std::uint32_t window = 8192;
};

// Whole rules, one a line, and the packets they come in (nothing: one packet, and one packet a byte).
struct GoldenSet {
  const char* means;
  std::string rules;
  std::string_view stream;
  std::vector<StreamFire> fires;
  StreamEnd end = StreamEnd::ended;
  std::vector<std::uint64_t> packet_ends{};
};

struct ParsedForTest {
  std::vector<Rule> rules;
  Names names;
};

// Fails the test if a line does not load.
[[nodiscard]] ParsedForTest rules_of(const std::string& text);

void check(const Golden& golden);
void check(const GoldenSet& golden);
void check_all(const std::vector<Golden>& goldens);

}  // namespace lockstep::signatures
