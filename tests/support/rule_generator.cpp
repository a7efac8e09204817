#define PCRE2_CODE_UNIT_WIDTH 8
#include "tests/support/rule_generator.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <ostream>
#include <string_view>

#include <pcre2.h>

#include "tests/support/rule_text.hpp"

namespace lockstep::signatures {
namespace {

constexpr std::size_t raw_size = 10;
using Raw = std::array<std::uint32_t, raw_size>;

struct RawRule {
  std::vector<Raw> options;
  std::vector<std::uint32_t> bits;
  std::uint32_t action = 0;
};

// Draws small numbers from a raw option, one after the other; zeros, to which a failure shrinks, mean the
// plain case.
class Draw {
 public:
  explicit Draw(const Raw& raw) : raw_(raw) {}

  std::uint32_t below(std::uint32_t n) { return raw_.at(next_++ % raw_size) % n; }
  bool one_in(std::uint32_t n) { return below(n) == n - 1; }
  std::int64_t between(std::int64_t low, std::int64_t high) {
    // 0 first, then up, then below 0.
    const auto span = static_cast<std::uint32_t>(high - low + 1);
    const auto drawn = static_cast<std::int64_t>(below(span));
    return low > 0 ? low + drawn : (drawn <= high ? drawn : high - drawn);
  }

 private:
  const Raw& raw_;
  std::size_t next_ = 0;
};

constexpr std::array<std::uint8_t, 10> alphabet{'a', 'b', 'c', 'a', 'b', 'A', 1, 2, '3', '\n'};

std::vector<std::uint8_t> pattern_from(std::uint32_t number) {
  constexpr std::array<std::size_t, 6> lengths{1, 2, 1, 2, 3, 2};
  std::vector<std::uint8_t> pattern(lengths.at(number % lengths.size()));
  number /= static_cast<std::uint32_t>(lengths.size());
  for (auto& byte : pattern) {
    byte = alphabet.at(number % alphabet.size());
    number /= static_cast<std::uint32_t>(alphabet.size());
  }
  return pattern;
}

// What is known while a rule grows.
struct Growing {
  std::int16_t variables = 0;
};

Operand operand(Draw& draw, const Growing& growing, std::int64_t low, std::int64_t high) {
  const auto value = draw.between(low, high);
  if (growing.variables > 0 && draw.one_in(6)) return {0, static_cast<std::int16_t>(growing.variables - 1)};
  return {value, -1};
}

Operand at_least(const Operand& wanted, std::int64_t least) {
  return wanted.is_variable() ? wanted : Operand{wanted.value + least, -1};
}

Content content_from(const Raw& raw, const Growing& growing, bool negated) {
  Draw draw(raw);
  Content content;
  content.pattern = pattern_from(draw.below(6000));
  const auto length = static_cast<std::int64_t>(content.pattern.size());
  const auto mode = draw.below(12);
  const auto first = operand(draw, growing, 0, 6);
  const auto second = operand(draw, growing, 0, 6);
  const auto distance = operand(draw, growing, -5, 5);
  content.negated = negated;
  content.nocase = draw.one_in(4);
  content.ends_with = draw.one_in(9);
  if (mode == 1 || mode == 3) content.offset = first;
  if (mode == 2 || mode == 3) content.depth = at_least(second, length);
  if (mode == 4) content.starts_with = true;
  if (mode >= 5 && mode != 6) content.distance = distance;
  if (mode == 6 || mode >= 9) content.within = at_least(second, length);
  return content;
}

IsDataAt is_data_at_from(const Raw& raw, const Growing& growing) {
  Draw draw(raw);
  const auto at = operand(draw, growing, 0, 7);
  const bool relative = draw.below(2) == 0;
  return {.at = at, .negated = draw.one_in(3), .relative = relative};
}

ByteRead read_from(Draw& draw, const Growing& growing) {
  ByteRead read;
  read.bytes = {draw.between(1, 2), -1};
  read.relative = draw.below(3) != 2;
  read.offset = operand(draw, growing, read.relative ? -3 : 0, 4);
  if (draw.one_in(4)) {
    read.base = draw.below(2) == 0 ? NumberBase::decimal : NumberBase::hex;
  } else if (draw.one_in(3)) {
    read.endian = Endian::little;
  }
  return read;
}

ByteTest byte_test_from(const Raw& raw, const Growing& growing) {
  Draw draw(raw);
  ByteTest test;
  test.read = read_from(draw, growing);
  test.op = static_cast<ByteTest::Op>(draw.below(7));
  test.negated = draw.one_in(4);
  constexpr std::array<std::int64_t, 6> values{3, 1, 2, 97, 98, 0x6161};
  test.value = {values.at(draw.below(values.size())), -1};
  return test;
}

ByteJump byte_jump_from(const Raw& raw, const Growing& growing) {
  Draw draw(raw);
  ByteJump jump;
  jump.read = read_from(draw, growing);
  jump.from = static_cast<ByteJump::From>(draw.below(3));
  jump.post_offset = {draw.between(-3, 3), -1};
  jump.align = draw.one_in(4);
  jump.multiplier = draw.one_in(4) ? 2 : 1;
  if (draw.one_in(2)) {  // bytes of the alphabet are mostly far too big to jump by
    jump.read.bitmask = 3;
    jump.read.bitmask_shift = 0;
  }
  return jump;
}

ByteExtract byte_extract_from(const Raw& raw, Growing& growing) {
  Draw draw(raw);
  ByteExtract extract;
  extract.read = read_from(draw, growing);
  extract.read.bytes = {1, -1};
  extract.result = growing.variables++;
  extract.multiplier = draw.one_in(4) ? 2 : 1;
  extract.align = draw.one_in(4) ? 4 : 0;
  return extract;
}

ByteMath byte_math_from(const Raw& raw, Growing& growing) {
  Draw draw(raw);
  ByteMath math;
  math.read = read_from(draw, growing);
  math.read.bytes = {1, -1};
  math.op = static_cast<ByteMath::Op>(draw.below(6));
  math.rvalue = {draw.between(0, 3), -1};
  if (draw.below(2) == 0) {
    math.read.bitmask = 6;
    math.read.bitmask_shift = 1;
  }
  math.result = growing.variables++;
  return math;
}

constexpr std::array<std::string_view, 32> regexes{
    "ab",    "ab+c",    "a.c",           "a[^b]c", "a.*b",    "(?:a|b)c", "b+",     "[ab]{2,3}",
    "\\d",   "a|bc",    "^ab",           "^a",     "b$",      "c\\z",     "a\\Z",   "ab?",
    "a.*?b", "(a)b\\1", "(?<=a)b",       "\\bab",  "a(?=b)",  "a(?!b)",   "^b.*c$", "a\\nb",
    "\\Aa",  "(?i:A)b", "[\\x01-\\x03]", "b\\b",   "(?<!a)b", "(b|bb)c",  "a|b",    "[ab]"};

Pcre pcre_from(const Raw& raw, bool negated, const GeneratorOptions& allowed) {
  Draw draw(raw);
  Pcre pcre;
  pcre.pattern = regexes.at(draw.below(regexes.size()));
  pcre.negated = negated;
  pcre.relative = draw.one_in(3);
  constexpr std::array<std::uint32_t, 8> options{0,
                                                 PCRE2_CASELESS,
                                                 PCRE2_DOTALL,
                                                 PCRE2_MULTILINE,
                                                 PCRE2_ANCHORED,
                                                 PCRE2_UNGREEDY,
                                                 PCRE2_DOLLAR_ENDONLY,
                                                 PCRE2_MULTILINE | PCRE2_DOTALL};
  pcre.options = options.at(draw.below(options.size()));
  if (allowed.anchored) {  // expressions that match at several offsets
    constexpr std::array<std::string_view, 5> movable{"a|b", "[ab]", "ab?", "a|bc", "[ab]{1,2}"};
    pcre.pattern = movable.at(draw.below(movable.size()));
    pcre.options |= PCRE2_ANCHORED;
  }
  return pcre;
}

// A kind is drawn last, from what the options of the case allow.
PayloadOption option_from(const Raw& raw, Growing& growing, const GeneratorOptions& allowed) {
  const auto kind = raw.back() % 20;
  const std::uint32_t first_pcre = allowed.anchored ? 12 : 18;
  if (kind >= first_pcre && allowed.pcres) return pcre_from(raw, kind == 19 && raw.front() % 3 == 2, allowed);
  if (kind >= 13 && kind < 18 && allowed.bytes) {
    switch (kind) {
      case 13:
      case 14:
        return byte_test_from(raw, growing);
      case 15:
        return byte_jump_from(raw, growing);
      case 16:
        return byte_extract_from(raw, growing);
      default:
        return byte_math_from(raw, growing);
    }
  }
  if (kind == 12) return is_data_at_from(raw, growing);
  return content_from(raw, growing, kind >= 9);
}

bool finds_something(const PayloadOption& option) {
  if (const auto* content = std::get_if<Content>(&option)) return !content->negated;
  if (const auto* pcre = std::get_if<Pcre>(&option)) return !pcre->negated;
  return false;
}

StateOption bit_from(std::uint32_t number) {
  constexpr std::array<BitOp, 8> ops{BitOp::set,    BitOp::is_set, BitOp::is_set,     BitOp::set,
                                     BitOp::toggle, BitOp::unset,  BitOp::is_not_set, BitOp::is_set};
  Flowbits flowbits;
  flowbits.op = ops.at(number % ops.size());
  number /= static_cast<std::uint32_t>(ops.size());
  flowbits.bits.push_back(number % 3);
  const bool read = flowbits.op == BitOp::is_set || flowbits.op == BitOp::is_not_set;
  if (read && number / 3 % 5 == 4) flowbits.bits.push_back((number + 1) % 3);
  return flowbits;
}

// Only what must follow a match tells whether an anchored expression is searched for again further on.
void follow_anchored(std::vector<PayloadOption>& options) {
  for (std::size_t i = 0; i < options.size(); ++i) {
    const auto* pcre = std::get_if<Pcre>(&options[i]);
    if (pcre == nullptr || pcre->negated || (pcre->options & PCRE2_ANCHORED) == 0) continue;
    const bool odd = (pcre->pattern.size() + i) % 2 == 1;
    Content content;
    content.pattern = {static_cast<std::uint8_t>(odd ? 'a' : 'b')};
    content.within = {1, -1};
    options.insert(options.begin() + static_cast<std::ptrdiff_t>(++i), content);
  }
}

// Contents that no automatic choice would take for the fast pattern, too.
void choose_fast_pattern(std::vector<PayloadOption>& options, std::uint32_t number) {
  if (options.empty() || number % 4 != 3) return;
  auto* content = std::get_if<Content>(&options.at(number / 4 % options.size()));
  if (content == nullptr || content->negated) return;
  content->fast_pattern = FastPattern::whole;
  if (content->pattern.size() == 3 && number % 8 == 7) {
    content->fast_pattern = FastPattern::chop;
    content->chop_offset = 1;
    content->chop_length = 2;
  }
}

Rule rule_from(const RawRule& raw, std::uint32_t sid, const GeneratorOptions& allowed) {
  Rule rule;
  rule.id.sid = sid;
  rule.source = AddressSet::any();
  rule.destination = AddressSet::any();
  rule.source_ports = PortSet::any();
  rule.destination_ports = PortSet::any();
  rule.protocol = RuleProtocol::tcp_stream;
  rule.inspection = Inspection::stream;
  if (allowed.drops && raw.action % 3 != 0) rule.action = raw.action % 3 == 1 ? Action::drop : Action::reject;
  rule.no_alert = raw.action % 7 == 6;
  Growing growing;
  for (const auto& option : raw.options) rule.payload.push_back(option_from(option, growing, allowed));
  if (std::none_of(rule.payload.begin(), rule.payload.end(), finds_something)) {
    Content content;
    content.pattern = {'a'};
    rule.payload.insert(rule.payload.begin(), content);
  }
  follow_anchored(rule.payload);
  choose_fast_pattern(rule.payload, raw.action / 16);
  rule.variables = static_cast<std::uint8_t>(growing.variables);
  if (allowed.flowbits) {
    for (const auto bit : raw.bits) rule.state.push_back(bit_from(bit));
  }
  rule.text = rule_text(rule, generated_flowbits());
  return rule;
}

// A token is a byte, or a pattern of one of the rules: else a chain of contents would never be met.
std::vector<std::uint8_t> stream_from(const std::vector<std::uint32_t>& tokens,
                                      const std::vector<Rule>& rules) {
  std::vector<std::vector<std::uint8_t>> words;
  for (const auto& rule : rules) {
    for (const auto& option : rule.payload) {
      if (const auto* content = std::get_if<Content>(&option)) words.push_back(content->pattern);
    }
  }
  std::vector<std::uint8_t> stream;
  for (const auto token : tokens) {
    if (token % 3 != 2 || words.empty()) {
      stream.push_back(alphabet.at(token / 3 % alphabet.size()));
    } else {
      const auto& word = words[token / 3 % words.size()];
      stream.insert(stream.end(), word.begin(), word.end());
    }
  }
  return stream;
}

// Lengths 1 to 9, the short ones more often; what is left over comes whole.
std::vector<std::uint64_t> cut_from(const std::vector<std::uint32_t>& lengths, std::uint64_t total) {
  constexpr std::array<std::uint64_t, 8> choice{9, 1, 2, 3, 1, 5, 7, 4};
  std::vector<std::uint64_t> ends;
  std::uint64_t at = 0;
  for (const auto length : lengths) {
    at += choice.at(length % choice.size());
    if (at >= total) break;
    ends.push_back(at);
  }
  if (total > 0) ends.push_back(total);
  return ends;
}

rc::Gen<std::uint32_t> number() {
  return rc::gen::inRange<std::uint32_t>(0, 100000);
}

rc::Gen<RawRule> raw_rule(const GeneratorOptions& options) {
  // Lists as long as wanted, whatever rapidcheck's size is: the first cases count, too.
  const auto option = rc::gen::container<Raw>(number());
  return rc::gen::build<RawRule>(
      rc::gen::set(&RawRule::options, rc::gen::resize(5, rc::gen::container<std::vector<Raw>>(option))),
      rc::gen::set(&RawRule::bits,
                   options.flowbits
                       ? rc::gen::resize(2, rc::gen::container<std::vector<std::uint32_t>>(number()))
                       : rc::gen::just(std::vector<std::uint32_t>{})),
      rc::gen::set(&RawRule::action, number()));
}

rc::Gen<std::vector<std::uint32_t>> numbers(int most) {
  return rc::gen::resize(most, rc::gen::container<std::vector<std::uint32_t>>(number()));
}

}  // namespace

std::vector<std::string> generated_flowbits() {
  return {"x", "y", "z"};
}

rc::Gen<Case> any_case(const GeneratorOptions& options) {
  const auto raw_rules =
      rc::gen::nonEmpty(rc::gen::resize(4, rc::gen::container<std::vector<RawRule>>(raw_rule(options))));
  const auto raw_cuts =
      rc::gen::resize(3, rc::gen::container<std::vector<std::vector<std::uint32_t>>>(numbers(30)));
  return rc::gen::map(rc::gen::tuple(raw_rules, numbers(45), raw_cuts, number()), [options](const auto& raw) {
    const auto& [rules, tokens, cuts, choice] = raw;
    Case made;
    std::uint32_t sid = 0;
    for (const auto& rule : rules) made.rules.push_back(rule_from(rule, ++sid, options));
    made.stream = stream_from(tokens, made.rules);
    made.cuts.push_back(cut_from({}, made.stream.size()));
    made.cuts.push_back(cut_from(std::vector<std::uint32_t>(made.stream.size(), 1), made.stream.size()));
    for (const auto& cut : cuts) made.cuts.push_back(cut_from(cut, made.stream.size()));
    made.ended = choice % 4 != 3;
    made.end_apart = choice / 4 % 2 == 1;
    if (options.small_windows) made.window = 4 + choice / 8 % 12;
    return made;
  });
}

std::string stream_text(const std::vector<std::uint8_t>& bytes) {
  std::string text;
  for (const auto byte : bytes) {
    if (byte >= 0x20 && byte < 0x7f && byte != '\\' && byte != '"') {
      text += static_cast<char>(byte);
    } else {
      std::array<char, 8> hex{};
      std::snprintf(hex.data(), hex.size(), "\\x%02x", byte);
      text += hex.data();
    }
  }
  return text;
}

void showValue(const Case& value, std::ostream& out) {
  out << "\n";
  for (const auto& rule : value.rules) out << rule.text << "\n";
  out << "stream \"" << stream_text(value.stream) << "\" (" << value.stream.size() << ")"
      << (value.ended ? (value.end_apart ? ", end apart" : ", ended") : ", open") << ", window "
      << value.window << "\n";
  for (const auto& cut : value.cuts) {
    out << "cut";
    for (const auto end : cut) out << ' ' << end;
    out << "\n";
  }
}

}  // namespace lockstep::signatures
