// A naive matcher of one whole direction of a stream: the meaning of a stream rule, written to be read and
// not to be fast. It shares nothing with the scanner but the rule values.
//
// N: length of the stream. E: bytes that have come. S: E of the rule's last fire in this direction, 0 before.
// W: the window. The buffer at E is the bytes [max(S, E - W), E); every position is an offset of the stream.
//
//  * Each E in 1..N is a moment, and the end of the direction is one more, after the last byte, at E = N. At
//  a moment
//    the rules are judged in the order of the language (pass, drop, reject, alert; then flowbits set, set and
//    isset, isset, none; then priority, gid, sid), again and again until none fires; a rule fires once at an
//    E at most. So a bit set at E counts at E for every rule, and a late bit completes a rule whose contents
//    came before.
//  * A rule fires where some choice of matches satisfies all its options: full backtracking.
//  * The cursor starts at 0. depth, offset, startswith and every other absolute position count from the first
//  byte
//    of the stream, also after a fire.
//  * content looks in [lo, hi), the whole pattern inside. Without distance and within: lo = offset, hi =
//  offset +
//    depth. With them: lo = cursor + distance, not below 0; hi = cursor + distance + within, not clamped;
//    offset and depth then narrow it to max(lo, offset) and min(hi, cursor + depth). hi is infinite where
//    nothing bounds it.
//  * A negation with lo > hi or hi <= 0 holds. One with a finite hi holds when E has reached hi or the
//  direction has
//    ended; one without is decided on the bytes before E. A bounded negation whose first bytes have left the
//    window (not by a fire, but by W) does not hold: memory may cost a match, never invent one.
//  * endswith is decided at the end of the direction, also a negated one.
//  * isdataat N holds for N < E, relative for cursor + N <= E; negated only at the end of the direction.
//  * byte_*: the bytes must lie in the buffer, else the option fails, also a negated one. Strings are read by
//  strtoull
//    from exactly that many bytes; the cursor goes past what was used. Jumps: below 0 means 0, beyond E
//    fails, from_end counts from E. byte_math applies its mask to the result and moves the cursor. byte_test
//    with 0 string bytes reads the run of digits (up to 23) once something else or the end follows it.
//  * pcre: the subject is the buffer (with R: from the cursor on); its start is the start of a line only at
//  offset 0
//    (with R: at the cursor), its end is one only at the end of the direction. Flag A means offset 0 (with R:
//    the cursor). \z and \Z, and $ in a negated pcre, wait for the end of the direction. For each start the
//    match is the one PCRE2 prefers.
//  * drop and reject: at the end of each packet the direction counts as ended, once everything else was
//  judged there;
//    a fire that needs this is `early`.
//
// Outside: packet options, thresholds, and state that is not a flowbit.
#pragma once
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "signatures/rule.hpp"

namespace lockstep::signatures::reference {

struct Fire {
  std::uint64_t end = 0;  // E
  std::size_t rule = 0;   // index into the rules given
  bool early = false;

  auto operator<=>(const Fire&) const = default;  // NOLINT(modernize-use-nullptr)
};

struct Stream {
  std::vector<std::uint8_t> bytes;
  std::vector<std::uint64_t> packet_ends;  // ascending offsets; looked at for drop and reject only
  bool ended = true;                       // nothing can follow
  bool end_apart = false;                  // known only after the last packet
};

// True if the rule's meaning on a stream is within what is written above.
[[nodiscard]] bool covers(const Rule& rule);

// All fires of the rules on one direction, sorted. Rules that are not judged on a stream do not fire.
// Precondition: covers(rule) for each that is.
[[nodiscard]] std::vector<Fire> fires(std::span<const Rule> rules, const Stream& stream,
                                      std::uint64_t window);

}  // namespace lockstep::signatures::reference
