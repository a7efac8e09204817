// A rule that matched: a plain value. Matches come out ordered by the offset at which they fire, and at one
// offset in the order in which the set evaluates its rules (action, flowbits, flowints, xbits, priority,
// place).
#pragma once
#include <cstdint>
#include <string>

#include "signatures/packet.hpp"
#include "signatures/rule.hpp"

namespace lockstep::signatures {

enum class MatchOn : std::uint8_t { packet, stream };
enum class EffectScope : std::uint8_t { packet, flow };

struct Match {
  std::uint32_t rule = 0;  // RuleSet::rule(); lower is evaluated earlier
  RuleId id;
  MatchOn on = MatchOn::stream;
  Direction direction = Direction::to_server;
  // Decided before a bounded negation, `isdataat:!`, `endswith` or `$` was: only drop and reject rules do
  // this.
  bool early = false;
  // [from, to): stream offsets of the bytes that matched, `to` being the offset at which the rule fires. A
  // match on a packet counts from its payload.
  std::uint64_t from = 0;
  std::uint64_t to = 0;

  bool operator==(const Match&) const = default;
};

[[nodiscard]] const char* name(MatchOn on);
[[nodiscard]] const char* name(EffectScope scope);
[[nodiscard]] std::string to_string(const Match& match);

// What `pass`, `drop` or `reject` of this match apply to: the flow for a match in the stream and for rules of
// addresses and ports alone, the packet for everything else.
[[nodiscard]] EffectScope scope_of(const Rule& rule, const Match& match);

}  // namespace lockstep::signatures
