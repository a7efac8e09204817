// A rule made ready for evaluation: what does not change from packet to packet, worked out once.
#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <tl/expected.hpp>

#include "signatures/regex.hpp"
#include "signatures/rule.hpp"

namespace lockstep::signatures {

struct CompiledContent {
  std::vector<std::uint8_t> bytes;  // in lower case if `nocase`
  std::size_t anchor = 0;           // of find_folded
  bool negated = false;
  bool nocase = false;
  bool ends_with = false;
  bool relative = false;
  bool independent = false;  // neither relative nor placed by a variable
  // A later option depends on where this one matched: on failure its next occurrence is tried.
  bool relative_next = false;
  // An occurrence that starts behind the last known one of the rule's literal cannot help without a further
  // one.
  bool gated = false;
  std::optional<Operand> offset, depth, distance, within;

  [[nodiscard]] bool bounded() const { return depth.has_value() || within.has_value(); }
};

struct CompiledPcre {
  Regex regex;
  bool negated = false;
  bool relative = false;
  bool relative_next = false;
};

using CompiledOption =
    std::variant<CompiledContent, IsDataAt, CompiledPcre, ByteTest, ByteJump, ByteExtract, ByteMath>;

// What is looked for in all traffic before anything else of the rule.
struct FastLiteral {
  std::vector<std::uint8_t> bytes;  // in lower case
  std::size_t option = 0;           // the content that it comes from
  std::uint64_t tail = 0;           // bytes of the content behind it
  // Stream offsets between which it may end, where the content is anchored.
  std::uint64_t min_end = 0;
  std::uint64_t max_end = std::numeric_limits<std::uint64_t>::max();
};

struct CompiledRule {
  std::vector<CompiledOption> options;
  std::shared_ptr<const CompiledRule> tcp_header;  // what must hold on the packet's TCP header; null: nothing
  std::optional<FastLiteral> literal;
  // A pcre that must be found somewhere in the window, wherever the other options match, and that resumes().
  std::optional<std::size_t> needed_regex;
  // Names a position from the start of the stream: no answer where that start is unknown.
  bool absolute = false;
  // Has an option that may be decided only at the end of the direction or of a window.
  bool may_wait = false;
  bool early = false;  // drop or reject: does not wait beyond the packet
  std::uint8_t variables = 0;
  bool reads_state = false;
  bool writes_state = false;
  bool asks_for_protocol = false;
  // Judged on a packet behind what its bytes did in the stream: every rule that may write comes before one
  // that only reads, and by then the packet's own bytes have told what the connection speaks.
  [[nodiscard]] bool behind_stream() const { return asks_for_protocol || (reads_state && !writes_state); }
  std::uint64_t events = 0;  // PacketFields::events that it names, any one of which it needs
  // Bytes before the end of the literal that evaluation may look at; max: all of the window.
  std::uint64_t lookback = std::numeric_limits<std::uint64_t>::max();
};

// Everything but `literal`, `lookback` and `gated`, which choose_literal adds, and `events`.
[[nodiscard]] tl::expected<CompiledRule, std::string> compile_rule(const Rule& rule);

}  // namespace lockstep::signatures
