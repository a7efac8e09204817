#define PCRE2_CODE_UNIT_WIDTH 8
#include "tests/support/reference_options.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <pcre2.h>

namespace lockstep::signatures::reference {
namespace {

// Far beyond any stream, far from overflow in sums of a few of them. A variable may be big, but bounds.
constexpr Position infinity = Position{1} << 56U;
constexpr std::uint64_t biggest = std::uint64_t{1} << 48U;

Position value_of(const Operand& operand, const Cursor& cursor) {
  if (!operand.is_variable()) return operand.value;
  const std::uint64_t value = cursor.variables.at(static_cast<std::size_t>(operand.variable));
  return static_cast<Position>(std::min(value, biggest));
}

std::uint64_t unsigned_value_of(const Operand& operand, const Cursor& cursor) {
  if (!operand.is_variable()) return static_cast<std::uint64_t>(operand.value);
  return cursor.variables.at(static_cast<std::size_t>(operand.variable));
}

std::vector<Cursor> when(bool holds, const Cursor& cursor) {
  return holds ? std::vector<Cursor>{cursor} : std::vector<Cursor>{};
}

Cursor moved(Cursor cursor, Position to) {
  cursor.at = to;
  return cursor;
}

// ---- content
// ---------------------------------------------------------------------------------------------------

struct Bounds {
  Position lo = 0;
  Position hi = infinity;
};

Bounds bounds_of(const Content& content, const Cursor& cursor) {
  const auto offset = content.offset ? value_of(*content.offset, cursor) : 0;
  if (content.starts_with) return {0, static_cast<Position>(content.pattern.size())};
  if (!content.relative())
    return {offset, content.depth ? offset + value_of(*content.depth, cursor) : infinity};
  const auto distance = content.distance ? value_of(*content.distance, cursor) : 0;
  Bounds bounds;
  bounds.lo = std::max({Position{0}, cursor.at + distance, offset});
  if (content.within) bounds.hi = cursor.at + distance + value_of(*content.within, cursor);
  if (content.depth) bounds.hi = std::min(bounds.hi, cursor.at + value_of(*content.depth, cursor));
  return bounds;
}

std::uint8_t fold(std::uint8_t byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<std::uint8_t>(byte + 32) : byte;
}

bool found_at(const Content& content, const Buffer& buffer, Position at) {
  for (std::size_t i = 0; i < content.pattern.size(); ++i) {
    const auto byte = buffer.stream[static_cast<std::size_t>(at) + i];
    const auto wanted = content.pattern[i];
    if (content.nocase ? fold(byte) != fold(wanted) : byte != wanted) return false;
  }
  return true;
}

// Where the pattern ends, for each occurrence inside both the bounds and the buffer.
std::vector<Position> ends_of(const Content& content, const Buffer& buffer, const Bounds& bounds) {
  std::vector<Position> ends;
  const auto length = static_cast<Position>(content.pattern.size());
  const auto last = std::min(bounds.hi, buffer.end) - length;
  for (auto at = std::max(bounds.lo, buffer.begin); at <= last; ++at) {
    if (!found_at(content, buffer, at)) continue;
    if (content.ends_with && at + length != buffer.end) continue;
    ends.push_back(at + length);
  }
  return ends;
}

bool absent(const Content& content, const Buffer& buffer, const Bounds& bounds) {
  if (bounds.lo > bounds.hi || bounds.hi <= 0) return true;
  const bool bounded = bounds.hi < infinity;
  if (bounded && std::max(bounds.lo, buffer.fired) < buffer.begin) return false;
  if (content.ends_with && !buffer.ended) return false;
  if (!ends_of(content, buffer, bounds).empty()) return false;
  return !bounded || buffer.ended || buffer.end >= bounds.hi;
}

std::vector<Cursor> outcomes_of(const Content& content, const Buffer& buffer, const Cursor& cursor) {
  const auto bounds = bounds_of(content, cursor);
  if (content.negated) return when(absent(content, buffer, bounds), cursor);
  if (content.ends_with && !buffer.ended) return {};
  std::vector<Cursor> result;
  for (const auto end : ends_of(content, buffer, bounds)) result.push_back(moved(cursor, end));
  return result;
}

// ---- isdataat
// --------------------------------------------------------------------------------------------------

std::vector<Cursor> outcomes_of(const IsDataAt& option, const Buffer& buffer, const Cursor& cursor) {
  const auto at = value_of(option.at, cursor);
  const bool there = option.relative ? cursor.at + at <= buffer.end : at < buffer.end;
  return when(option.negated ? !there && buffer.ended : there, cursor);
}

// ---- byte_*
// ----------------------------------------------------------------------------------------------------

struct Number {
  std::uint64_t value = 0;
  Position after = 0;  // just past the bytes used
};

int radix(NumberBase base) {
  switch (base) {
    case NumberBase::hex:
      return 16;
    case NumberBase::octal:
      return 8;
    case NumberBase::binary:
    case NumberBase::decimal:
      return 10;
  }
  return 10;
}

std::optional<Number> parsed(const std::string& text, NumberBase base, Position at) {
  char* rest = nullptr;
  errno = 0;
  const auto value = std::strtoull(text.c_str(), &rest, radix(base));
  if (errno == ERANGE || rest == text.c_str()) return std::nullopt;
  return Number{value, at + (rest - text.c_str())};
}

std::string text_at(const Buffer& buffer, Position at, Position count) {
  const auto bytes = buffer.stream.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(count));
  return {bytes.begin(), bytes.end()};
}

Position start_of(const ByteRead& read, const Cursor& cursor) {
  return (read.relative ? cursor.at : 0) + value_of(read.offset, cursor);
}

std::optional<Number> number_at(const ByteRead& read, const Buffer& buffer, const Cursor& cursor) {
  const auto at = start_of(read, cursor);
  const auto count = value_of(read.bytes, cursor);
  const Position most = read.base == NumberBase::binary ? 8 : 23;
  if (count < 1 || count > most || at < buffer.begin || at + count > buffer.end) return std::nullopt;
  if (read.base != NumberBase::binary) return parsed(text_at(buffer, at, count), read.base, at);
  Number number{0, at + count};
  for (Position i = 0; i < count; ++i) {
    const auto from = read.endian == Endian::big ? at + i : at + count - 1 - i;
    number.value = number.value << 8U | buffer.stream[static_cast<std::size_t>(from)];
  }
  return number;
}

// A byte_test of 0 string bytes.
std::optional<Number> digits_at(const ByteRead& read, const Buffer& buffer, const Cursor& cursor) {
  const auto at = start_of(read, cursor);
  if (at < buffer.begin) return std::nullopt;
  const std::string digits = std::string("0123456789abcdefABCDEF")
                                 .substr(0, read.base == NumberBase::hex     ? 22
                                            : read.base == NumberBase::octal ? 8
                                                                             : 10);
  Position count = 0;
  while (at + count < buffer.end && count < 23) {
    const auto byte = static_cast<char>(buffer.stream[static_cast<std::size_t>(at + count)]);
    if (digits.find(byte) == std::string::npos) break;
    ++count;
  }
  if (count == 0 || (at + count == buffer.end && count < 23 && !buffer.ended)) return std::nullopt;
  return parsed(text_at(buffer, at, count), read.base, at);
}

std::uint64_t masked(std::uint64_t value, const ByteRead& read) {
  return (value & read.bitmask) >> read.bitmask_shift;
}

bool compare(ByteTest::Op op, std::uint64_t value, std::uint64_t with) {
  switch (op) {
    case ByteTest::Op::less:
      return value < with;
    case ByteTest::Op::greater:
      return value > with;
    case ByteTest::Op::equal:
      return value == with;
    case ByteTest::Op::less_equal:
      return value <= with;
    case ByteTest::Op::greater_equal:
      return value >= with;
    case ByteTest::Op::bit_and:
      return (value & with) != 0;
    case ByteTest::Op::bit_xor:
      return (value ^ with) != 0;
  }
  return false;
}

std::vector<Cursor> outcomes_of(const ByteTest& test, const Buffer& buffer, const Cursor& cursor) {
  const bool all_digits = test.read.base != NumberBase::binary && value_of(test.read.bytes, cursor) == 0;
  const auto number =
      all_digits ? digits_at(test.read, buffer, cursor) : number_at(test.read, buffer, cursor);
  if (!number) return {};
  return when(compare(test.op, masked(number->value, test.read), unsigned_value_of(test.value, cursor)) !=
                  test.negated,
              cursor);
}

std::vector<Cursor> outcomes_of(const ByteJump& jump, const Buffer& buffer, const Cursor& cursor) {
  std::optional<Number> number;
  if (value_of(jump.read.bytes, cursor) == 0) {
    const auto at = start_of(jump.read, cursor);
    if (at >= buffer.begin && at <= buffer.end) number = Number{0, at};
  } else {
    number = number_at(jump.read, buffer, cursor);
  }
  if (!number) return {};
  __extension__ using Wide = __int128;
  Wide value = static_cast<Wide>(masked(number->value, jump.read)) * jump.multiplier;
  if (jump.align) value = (value + 3) / 4 * 4;
  value += value_of(jump.post_offset, cursor);
  switch (jump.from) {
    case ByteJump::From::here:
      value += number->after;
      break;
    case ByteJump::From::beginning:
      break;
    case ByteJump::From::end:
      value += buffer.end;
      break;
  }
  if (value > buffer.end) return {};
  return {moved(cursor, value < 0 ? 0 : static_cast<Position>(value))};
}

std::vector<Cursor> stored(const Cursor& cursor, std::int16_t variable, std::uint64_t value, Position after) {
  auto next = moved(cursor, after);
  next.variables.at(static_cast<std::size_t>(variable)) = value;
  return {next};
}

std::vector<Cursor> outcomes_of(const ByteExtract& extract, const Buffer& buffer, const Cursor& cursor) {
  const auto number = number_at(extract.read, buffer, cursor);
  if (!number) return {};
  auto value = masked(number->value, extract.read) * extract.multiplier;
  if (extract.align != 0 && value % extract.align != 0) value += extract.align - value % extract.align;
  return stored(cursor, extract.result, value, number->after);
}

std::optional<std::uint64_t> calculated(ByteMath::Op op, std::uint64_t a, std::uint64_t b) {
  switch (op) {
    case ByteMath::Op::add:
      return a + b;
    case ByteMath::Op::subtract:
      return a - b;
    case ByteMath::Op::multiply:
      return a * b;
    case ByteMath::Op::divide:
      return b == 0 ? std::nullopt : std::optional(a / b);
    case ByteMath::Op::shift_left:
      return b < 64 ? a << b : 0;
    case ByteMath::Op::shift_right:
      return b < 64 ? a >> b : 0;
  }
  return std::nullopt;
}

std::vector<Cursor> outcomes_of(const ByteMath& math, const Buffer& buffer, const Cursor& cursor) {
  const auto number = number_at(math.read, buffer, cursor);
  if (!number) return {};
  const auto value = calculated(math.op, number->value, unsigned_value_of(math.rvalue, cursor));
  if (!value) return {};
  return stored(cursor, math.result, masked(*value, math.read), number->after);
}

// ---- pcre
// ------------------------------------------------------------------------------------------------------

struct EndAnchors {
  bool absolute = false;  // \z or \Z
  bool dollar = false;
};

EndAnchors end_anchors(const std::string& pattern) {
  EndAnchors anchors;
  bool in_class = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      const char next = i + 1 < pattern.size() ? pattern[i + 1] : '\0';
      if (!in_class && (next == 'z' || next == 'Z')) anchors.absolute = true;
      ++i;
    } else if (in_class) {
      in_class = pattern[i] != ']';
    } else if (pattern[i] == '[') {
      in_class = true;
      if (i + 1 < pattern.size() && pattern[i + 1] == '^') ++i;
      if (i + 1 < pattern.size() && pattern[i + 1] == ']') ++i;
    } else if (pattern[i] == '$') {
      anchors.dollar = true;
    }
  }
  return anchors;
}

class Regex {
 public:
  explicit Regex(const Pcre& pcre) {
    int error = 0;
    PCRE2_SIZE where = 0;
    // Else PCRE2 takes `.*` with DOTALL for an anchor.
    const std::uint32_t options = pcre.options | PCRE2_NO_DOTSTAR_ANCHOR;
    code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pcre.pattern.data()), pcre.pattern.size(), options,
                              &error, &where, nullptr));
    if (!code_) throw std::logic_error("pcre does not compile: " + pcre.pattern);
    match_.reset(pcre2_match_data_create_from_pattern(code_.get(), nullptr));
    std::uint32_t all_options = 0;
    pcre2_pattern_info(code_.get(), PCRE2_INFO_ALLOPTIONS, &all_options);
    anchored_ = (all_options & PCRE2_ANCHORED) != 0;
  }

  static Regex& of(const Pcre& pcre) {
    static std::map<std::pair<std::string, std::uint32_t>, Regex> known;
    return known.try_emplace({pcre.pattern, pcre.options}, pcre).first->second;
  }

  // Every match begins where the subject begins.
  [[nodiscard]] bool anchored() const { return anchored_; }

  // End of the preferred match that starts exactly at `start`.
  std::optional<std::size_t> end_from(std::span<const std::uint8_t> subject, std::size_t start,
                                      std::uint32_t options) {
    const auto result = pcre2_match(code_.get(), subject.data(), subject.size(), start,
                                    options | PCRE2_ANCHORED, match_.get(), nullptr);
    if (result < 0) return std::nullopt;
    return pcre2_get_ovector_pointer(match_.get())[1];
  }

 private:
  struct Free {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }
    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
  };
  std::unique_ptr<pcre2_code, Free> code_;
  std::unique_ptr<pcre2_match_data, Free> match_;
  bool anchored_ = false;
};

std::vector<Cursor> matches_of(const Pcre& pcre, const Buffer& buffer, const Cursor& cursor) {
  const auto wanted = pcre.relative ? cursor.at : 0;
  const auto begin = std::max(wanted, buffer.begin);
  if (begin > buffer.end) return {};
  auto& regex = Regex::of(pcre);
  if (regex.anchored() && begin != wanted) return {};
  const auto subject =
      buffer.stream.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(buffer.end - begin));
  const std::uint32_t options = (begin != wanted ? PCRE2_NOTBOL : 0U) | (buffer.ended ? 0U : PCRE2_NOTEOL);
  std::vector<Cursor> result;
  for (std::size_t start = 0; start <= subject.size(); ++start) {
    if (regex.anchored() && start > 0) break;
    if (const auto end = regex.end_from(subject, start, options)) {
      result.push_back(moved(cursor, begin + static_cast<Position>(*end)));
    }
  }
  return result;
}

std::vector<Cursor> outcomes_of(const Pcre& pcre, const Buffer& buffer, const Cursor& cursor) {
  const auto anchors = end_anchors(pcre.pattern);
  if (!buffer.ended && (anchors.absolute || (pcre.negated && anchors.dollar))) return {};
  auto matches = matches_of(pcre, buffer, cursor);
  return pcre.negated ? when(matches.empty(), cursor) : std::move(matches);
}

}  // namespace

std::vector<Cursor> outcomes(const PayloadOption& option, const Buffer& buffer, const Cursor& cursor) {
  return std::visit([&](const auto& one) { return outcomes_of(one, buffer, cursor); }, option);
}

}  // namespace lockstep::signatures::reference
