// byte_test, byte_jump, byte_extract, byte_math.
#include <algorithm>
#include <bit>

#include "signatures/language/options.hpp"

namespace lockstep::signatures {
namespace {

constexpr std::int64_t kMaxOffset = 65535;
constexpr std::int64_t kFarthestTest = 0x7fffffff;  // byte_test alone may look this far
constexpr std::int64_t kMaxBinary = 8;
constexpr std::int64_t kMaxDigits = 23;  // of a 64-bit number in octal with its leading zero
constexpr std::size_t kMaxPieces = 16;

// The words that all four share. `base` and `endian` words come bare here; byte_math names them.
struct CommonWords {
  bool string = false;
  bool base_given = false;
};

std::optional<NumberBase> base_named(std::string_view word) {
  if (same_word(word, "hex")) return NumberBase::hex;
  if (same_word(word, "dec")) return NumberBase::decimal;
  if (same_word(word, "oct")) return NumberBase::octal;
  return std::nullopt;
}

Parsed read_bitmask(ByteRead& read, std::string_view text, int base) {
  const auto mask = number<std::uint32_t>(text, base);
  if (!mask || *mask == 0) return refused(text, "a bitmask is a number from 1 to 0xffffffff");
  read.bitmask = *mask;
  read.bitmask_shift = static_cast<std::uint8_t>(std::countr_zero(*mask));
  return {};
}

// Takes a word that all share; false where it is none of them.
tl::expected<bool, SyntaxError> take_common(Draft& draft, ByteRead& read, CommonWords& words,
                                            std::string_view piece) {
  const auto [word, value] = word_and_rest(piece);
  if (same_word(word, "relative")) {
    read.relative = true;
  } else if (same_word(word, "big")) {
    read.endian = Endian::big;
  } else if (same_word(word, "little")) {
    read.endian = Endian::little;
  } else if (same_word(word, "string") && value.empty()) {
    words.string = true;
  } else if (const auto base = base_named(word)) {
    read.base = *base;
    words.base_given = true;
  } else if (same_word(word, "bitmask")) {
    if (Parsed mask = read_bitmask(read, value, 0); !mask) return tl::unexpected(mask.error());
  } else if (same_word(word, "dce")) {
    draft.lacks("dce");
  } else {
    return false;
  }
  return true;
}

Parsed settle_base(ByteRead& read, const CommonWords& words, const Option& option) {
  if (words.base_given && !words.string) {
    return refused(option.value, "hex, dec and oct need `string` before them");
  }
  if (words.string && !words.base_given) read.base = NumberBase::decimal;
  if (read.bytes.is_variable()) return {};
  const bool text = read.base != NumberBase::binary;
  if (read.bytes.value > (text ? kMaxDigits : kMaxBinary)) {
    return refused(option.value,
                   text ? "a number as text has at most 23 digits" : "a binary number has at most 8 bytes");
  }
  return {};
}

Parsed read_place(Draft& draft, ByteRead& read, std::string_view bytes, std::string_view offset,
                  std::int64_t farthest = kMaxOffset) {
  const auto count = parse_operand(draft, bytes, 0, kMaxDigits, "the number of bytes");
  if (!count) return tl::unexpected(count.error());
  const auto at = parse_operand(draft, offset, -farthest, farthest, "the offset");
  if (!at) return tl::unexpected(at.error());
  read.bytes = *count;
  read.offset = *at;
  return {};
}

struct TestOperator {
  std::string_view text;
  ByteTest::Op op;
};
constexpr TestOperator kTestOperators[] = {
    {"<", ByteTest::Op::less},        {">", ByteTest::Op::greater},        {"=", ByteTest::Op::equal},
    {"<=", ByteTest::Op::less_equal}, {">=", ByteTest::Op::greater_equal}, {"&", ByteTest::Op::bit_and},
    {"^", ByteTest::Op::bit_xor}};

Parsed read_operator(ByteTest& test, std::string_view text) {
  test.negated = take(text, "!");
  text = trimmed(text);
  if (text.empty() && test.negated) return {};  // `!` alone is `!=`
  for (const TestOperator& known : kTestOperators) {
    if (known.text == text) {
      test.op = known.op;
      return {};
    }
  }
  return refused(text, "byte_test compares with <, >, =, <=, >=, & or ^, each with or without `!` before it");
}

// The value of a test is unsigned and takes 64 bits; the operand keeps the bits.
tl::expected<Operand, SyntaxError> read_value(const Draft& draft, std::string_view text) {
  if (const auto value = number<std::uint64_t>(text, 0))
    return Operand{static_cast<std::int64_t>(*value), -1};
  constexpr auto low = std::numeric_limits<std::int64_t>::min();
  return parse_operand(draft, text, low, std::numeric_limits<std::int64_t>::max(), "the value");
}

tl::expected<std::int16_t, SyntaxError> declare(Draft& draft, std::string_view name) {
  const bool valid = !name.empty() && is_letter(name.front()) &&
                     std::none_of(name.begin(), name.end(), [](char c) { return is_blank(c) || c == '"'; });
  if (!valid) return refused(name, "a variable's name begins with a letter and has no blanks");
  const auto it = std::find(draft.variables.begin(), draft.variables.end(), name);
  const auto index = static_cast<std::int16_t>(it - draft.variables.begin());
  if (it != draft.variables.end()) return index;
  if (draft.variables.size() == kMaxRuleVariables) {
    return refused(name, "a rule has at most " + std::to_string(kMaxRuleVariables) + " variables");
  }
  draft.variables.push_back(name);
  draft.rule.variables = static_cast<std::uint8_t>(draft.variables.size());
  return index;
}

Parsed read_multiplier(std::string_view text, std::uint32_t& to) {
  const auto value = number<std::uint16_t>(text);
  if (!value || *value == 0) return refused(text, "a multiplier is a number from 1 to 65535");
  to = *value;
  return {};
}

Parsed read_jump_word(Draft& draft, ByteJump& jump, std::string_view piece) {
  const auto [word, value] = word_and_rest(piece);
  const auto from = [&](ByteJump::From place) -> Parsed {
    if (jump.from != ByteJump::From::here)
      return refused(piece, "from_beginning and from_end exclude each other");
    jump.from = place;
    return {};
  };
  if (same_word(word, "from_beginning")) return from(ByteJump::From::beginning);
  if (same_word(word, "from_end")) return from(ByteJump::From::end);
  if (same_word(word, "multiplier")) return read_multiplier(value, jump.multiplier);
  if (same_word(word, "align")) {
    jump.align = true;
    return {};
  }
  if (same_word(word, "post_offset")) {
    const auto operand = parse_operand(draft, value, -kMaxOffset, kMaxOffset, "post_offset");
    if (!operand) return tl::unexpected(operand.error());
    jump.post_offset = *operand;
    return {};
  }
  return refused(piece, "byte_jump does not know `" + std::string(piece) + "`");
}

Parsed read_extract_word(ByteExtract& extract, std::string_view piece) {
  const auto [word, value] = word_and_rest(piece);
  if (same_word(word, "multiplier")) return read_multiplier(value, extract.multiplier);
  if (same_word(word, "align")) {
    const auto align = number<std::uint8_t>(value);
    if (!align || (*align != 2 && *align != 4)) return refused(piece, "align is 2 or 4");
    extract.align = *align;
    return {};
  }
  return refused(piece, "byte_extract does not know `" + std::string(piece) + "`");
}

}  // namespace

Parsed read_byte_test(Draft& draft, const Option& option) {
  const auto pieces = split(option.value, ',', kMaxPieces);
  if (pieces.size() < 4) return refused(option.value, "byte_test is `bytes,operator,value,offset[,words]`");
  ByteTest test;
  if (Parsed place = read_place(draft, test.read, pieces[0], pieces[3], kFarthestTest); !place) return place;
  if (Parsed op = read_operator(test, pieces[1]); !op) return op;
  const auto value = read_value(draft, pieces[2]);
  if (!value) return tl::unexpected(value.error());
  test.value = *value;
  CommonWords words;
  for (std::size_t i = 4; i < pieces.size(); ++i) {
    const auto taken = take_common(draft, test.read, words, pieces[i]);
    if (!taken) return tl::unexpected(taken.error());
    if (!*taken) return refused(pieces[i], "byte_test does not know `" + std::string(pieces[i]) + "`");
  }
  if (Parsed base = settle_base(test.read, words, option); !base) return base;
  const bool none = !test.read.bytes.is_variable() && test.read.bytes.value == 0;
  if (none && !words.string)
    return refused(pieces[0], "a test of no bytes; 0 means all digits only with `string`");
  draft.add_payload(test, option.value);
  return {};
}

Parsed read_byte_jump(Draft& draft, const Option& option) {
  const auto pieces = split(option.value, ',', kMaxPieces);
  if (pieces.size() < 2) return refused(option.value, "byte_jump is `bytes,offset[,words]`");
  ByteJump jump;
  if (Parsed place = read_place(draft, jump.read, pieces[0], pieces[1]); !place) return place;
  CommonWords words;
  for (std::size_t i = 2; i < pieces.size(); ++i) {
    const auto taken = take_common(draft, jump.read, words, pieces[i]);
    if (!taken) return tl::unexpected(taken.error());
    if (*taken) continue;
    if (Parsed word = read_jump_word(draft, jump, pieces[i]); !word) return word;
  }
  if (Parsed base = settle_base(jump.read, words, option); !base) return base;
  draft.add_payload(jump, option.value);
  return {};
}

Parsed read_byte_extract(Draft& draft, const Option& option) {
  const auto pieces = split(option.value, ',', kMaxPieces);
  if (pieces.size() < 3) return refused(option.value, "byte_extract is `bytes,offset,name[,words]`");
  ByteExtract extract;
  if (Parsed place = read_place(draft, extract.read, pieces[0], pieces[1]); !place) return place;
  CommonWords words;
  for (std::size_t i = 3; i < pieces.size(); ++i) {
    const auto taken = take_common(draft, extract.read, words, pieces[i]);
    if (!taken) return tl::unexpected(taken.error());
    if (*taken) continue;
    if (Parsed word = read_extract_word(extract, pieces[i]); !word) return word;
  }
  if (Parsed base = settle_base(extract.read, words, option); !base) return base;
  const bool none = !extract.read.bytes.is_variable() && extract.read.bytes.value == 0;
  if (none) return refused(pieces[0], "there is nothing to extract from 0 bytes");
  const auto result = declare(draft, pieces[2]);
  if (!result) return tl::unexpected(result.error());
  extract.result = *result;
  draft.add_payload(extract, option.value);
  return {};
}

namespace {

struct MathOperator {
  std::string_view text;
  ByteMath::Op op;
};
constexpr MathOperator kMathOperators[] = {
    {"+", ByteMath::Op::add},    {"-", ByteMath::Op::subtract},    {"*", ByteMath::Op::multiply},
    {"/", ByteMath::Op::divide}, {"<<", ByteMath::Op::shift_left}, {">>", ByteMath::Op::shift_right}};

// The named words of byte_math, as far as they are still to be read.
struct MathWords {
  std::string_view bytes, offset, oper, rvalue, result;
};

Parsed read_math_word(Draft& draft, ByteMath& math, MathWords& words, std::string_view piece) {
  const auto [word, value] = word_and_rest(piece);
  const std::pair<std::string_view, std::string_view*> required[] = {{"bytes", &words.bytes},
                                                                     {"offset", &words.offset},
                                                                     {"oper", &words.oper},
                                                                     {"rvalue", &words.rvalue},
                                                                     {"result", &words.result}};
  for (const auto& [name, to] : required) {
    if (word != name) continue;
    if (!to->empty()) return refused(piece, "`" + std::string(name) + "` stands twice");
    if (value.empty()) return refused(piece, "`" + std::string(name) + "` needs a value");
    *to = value;
    return {};
  }
  if (word == "relative") {
    math.read.relative = true;
  } else if (word == "dce") {
    draft.lacks("dce");
  } else if (word == "endian" && (value == "big" || value == "little" || value == "dce")) {
    math.read.endian = value == "little" ? Endian::little : Endian::big;
    if (value == "dce") draft.lacks("dce");
  } else if (word == "string" && base_named(value)) {
    math.read.base = *base_named(value);
  } else if (word == "bitmask") {
    std::string_view digits = value;
    if (!take(digits, "0x")) (void)take(digits, "0X");
    return read_bitmask(math.read, digits, 16);
  } else {
    return refused(piece, "byte_math does not know `" + std::string(piece) + "`");
  }
  return {};
}

Parsed read_math_operator(ByteMath& math, std::string_view text) {
  for (const MathOperator& known : kMathOperators) {
    if (known.text == text) {
      math.op = known.op;
      return {};
    }
  }
  return refused(text, "byte_math computes with +, -, *, /, << or >>");
}

}  // namespace

Parsed read_byte_math(Draft& draft, const Option& option) {
  ByteMath math;
  MathWords words;
  for (const std::string_view piece : split(option.value, ',', kMaxPieces)) {
    if (Parsed word = read_math_word(draft, math, words, piece); !word) return word;
  }
  if (words.bytes.empty() || words.offset.empty() || words.oper.empty() || words.rvalue.empty() ||
      words.result.empty()) {
    return refused(option.value, "byte_math needs bytes, offset, oper, rvalue and result");
  }
  if (Parsed place = read_place(draft, math.read, words.bytes, words.offset); !place) return place;
  if (Parsed op = read_math_operator(math, words.oper); !op) return op;
  const auto rvalue = parse_operand(draft, words.rvalue, 0, 0xffffffffLL, "rvalue");
  if (!rvalue) return tl::unexpected(rvalue.error());
  math.rvalue = *rvalue;
  const bool shift = math.op == ByteMath::Op::shift_left || math.op == ByteMath::Op::shift_right;
  const std::int64_t most = shift ? 4 : (math.read.base == NumberBase::binary ? kMaxBinary : 10);
  if (!math.read.bytes.is_variable() && (math.read.bytes.value < 1 || math.read.bytes.value > most)) {
    return refused(words.bytes, "here byte_math reads 1 to " + std::to_string(most) + " bytes");
  }
  const auto result = declare(draft, words.result);
  if (!result) return tl::unexpected(result.error());
  math.result = *result;
  draft.add_payload(math, option.value);
  return {};
}

}  // namespace lockstep::signatures
