// A rule while it is being read: what the option readers write to, and what they share.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "signatures/language/text.hpp"
#include "signatures/parser.hpp"
#include "signatures/rule.hpp"

namespace lockstep::signatures {

// One option as it stands in the rule, its value without blanks around it, quotes and the `!` in front (where
// the keyword takes one).
struct Option {
  std::string_view name;
  std::string_view value;
  bool negated = false;

  // What an error about the whole option points at.
  [[nodiscard]] std::string_view place() const { return value.empty() ? name : value; }
};

// Options that stand once in a rule.
enum class Once : std::uint32_t {
  sid = 1U << 0,
  gid = 1U << 1,
  rev = 1U << 2,
  msg = 1U << 3,
  flow = 1U << 4,
  dsize = 1U << 5,
  rate = 1U << 6,
  priority = 1U << 7,
  classtype = 1U << 8,
};

struct Draft {
  Draft(const ParserSettings& use_settings, std::string_view use_line)
      : settings(use_settings), line(use_line) {}

  const ParserSettings& settings;
  std::string_view line;
  Rule rule;

  // Flowbit, xbit and flowint names of this rule: the options hold indices into these until the rule is
  // accepted.
  Names names;

  std::vector<std::string> missing;              // what it needs and is not built, each once
  bool requirement_unmet = false;                // `requires` asks for what this engine is not
  std::vector<std::string_view> variables;       // byte_extract and byte_math results, in order
  std::vector<std::string_view> payload_places;  // where each of rule.payload stands
  std::optional<std::size_t> modified;           // the payload option that content modifiers change
  std::vector<SyntaxError> warnings;
  std::uint32_t once = 0;

  bool in_tcp_header = false;  // rule.payload holds what stands behind tcp.hdr, `aside` the payload's own
  std::vector<PayloadOption> aside;
  std::vector<std::string_view> aside_places;

  std::string_view packet_option;       // the first option that judges a packet, if any
  std::string_view application_buffer;  // the first buffer of an application protocol, if any
  bool ip_compatible = true;            // all options so far may stand in an ip_only rule

  void add_payload(PayloadOption option, std::string_view place);
  void select_tcp_header(bool header);  // payload options that follow are its, or the payload's
  void add_packet(PacketOption option, std::string_view place);
  void lacks(std::string what);  // marks the rule to be skipped
  [[nodiscard]] bool first(Once option);

  // The index of a name in one of the lists of `names`, added if new.
  static std::uint32_t index_of(std::vector<std::string>& list, std::string_view name);
};

// A number from `low` to `high`, or the name of a variable that stands before it in the rule.
[[nodiscard]] tl::expected<Operand, SyntaxError> parse_operand(const Draft& draft, std::string_view text,
                                                               std::int64_t low, std::int64_t high,
                                                               std::string_view what);

// N, >N, >=N, <N, <=N, =N, !N, !=N, A-B, A<>B, &mask=value; decimal or 0x…; each number at most `high`.
[[nodiscard]] tl::expected<Comparison, SyntaxError> parse_comparison(std::string_view text,
                                                                     std::uint64_t high);

}  // namespace lockstep::signatures
