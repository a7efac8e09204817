// Feeds one direction of a stream, cut into packets, through the real scanner.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "signatures/rule_set.hpp"
#include "tests/support/reference_matcher.hpp"

namespace lockstep::signatures {

// Both matchers' answers in one shape; sids tell the rules apart.
struct StreamFire {
  std::uint64_t end = 0;
  std::uint32_t sid = 0;
  bool early = false;

  auto operator<=>(const StreamFire&) const = default;  // NOLINT(modernize-use-nullptr)
};

struct StreamInput {
  std::vector<std::uint8_t> bytes;
  std::vector<std::uint64_t> packet_ends;  // ascending; the last one is the length
  bool ended = true;
  bool end_apart = false;  // the end of the direction comes without bytes, after them
  Direction direction = Direction::to_server;
  std::uint16_t server_port = 80;
};

// Aborts the test with the compiler's words if a rule does not compile.
[[nodiscard]] std::shared_ptr<const RuleSet> compiled(const std::vector<Rule>& rules, const Names& names,
                                                      std::uint32_t window);

// Sorted. The history that the scanner is given holds the window and not a byte more.
[[nodiscard]] std::vector<StreamFire> scanned(const RuleSet& set, const StreamInput& input);

[[nodiscard]] std::vector<StreamFire> expected(const std::vector<Rule>& rules, const StreamInput& input,
                                               std::uint32_t window);

[[nodiscard]] std::string to_string(const std::vector<StreamFire>& fires);

}  // namespace lockstep::signatures
