#define PCRE2_CODE_UNIT_WIDTH 8
#include "tests/support/rule_text.hpp"

#include <array>
#include <cctype>
#include <cstdio>

#include <pcre2.h>

namespace lockstep::signatures {
namespace {

std::string variable_name(std::int16_t index) {
  return "v" + std::to_string(index);
}

std::string operand_text(const Operand& operand) {
  return operand.is_variable() ? variable_name(operand.variable) : std::to_string(operand.value);
}

std::string pattern_text(const std::vector<std::uint8_t>& pattern) {
  std::string text;
  for (const auto byte : pattern) {
    if (std::isalnum(byte) != 0) {
      text += static_cast<char>(byte);
    } else {
      std::array<char, 8> hex{};
      std::snprintf(hex.data(), hex.size(), "|%02X|", byte);
      text += hex.data();
    }
  }
  return text;
}

const char* base_text(NumberBase base) {
  switch (base) {
    case NumberBase::binary:
      return "";
    case NumberBase::hex:
      return "hex";
    case NumberBase::decimal:
      return "dec";
    case NumberBase::octal:
      return "oct";
  }
  return "";
}

std::string hex_text(std::uint64_t value) {
  std::array<char, 24> hex{};
  std::snprintf(hex.data(), hex.size(), "0x%llx", static_cast<unsigned long long>(value));
  return hex.data();
}

bool has_mask(const ByteRead& read) {
  return read.bitmask != std::numeric_limits<std::uint64_t>::max();
}

std::string read_flags(const ByteRead& read) {
  std::string text;
  if (read.relative) text += ",relative";
  if (read.endian == Endian::little) text += ",little";
  if (read.base != NumberBase::binary) text += std::string(",string,") + base_text(read.base);
  if (has_mask(read)) text += ",bitmask " + hex_text(read.bitmask);
  return text;
}

std::string text_of(const Content& content) {
  std::string text =
      std::string("content:") + (content.negated ? "!" : "") + "\"" + pattern_text(content.pattern) + "\"; ";
  const auto add = [&](const char* keyword, const std::optional<Operand>& operand) {
    if (operand) text += std::string(keyword) + ":" + operand_text(*operand) + "; ";
  };
  if (content.nocase) text += "nocase; ";
  if (content.starts_with) text += "startswith; ";
  add("offset", content.offset);
  add("depth", content.depth);
  add("distance", content.distance);
  add("within", content.within);
  if (content.ends_with) text += "endswith; ";
  switch (content.fast_pattern) {
    case FastPattern::automatic:
      break;
    case FastPattern::whole:
      text += "fast_pattern; ";
      break;
    case FastPattern::only:
      text += "fast_pattern:only; ";
      break;
    case FastPattern::chop:
      text += "fast_pattern:" + std::to_string(content.chop_offset) + "," +
              std::to_string(content.chop_length) + "; ";
      break;
  }
  return text;
}

std::string text_of(const IsDataAt& option) {
  return std::string("isdataat:") + (option.negated ? "!" : "") + operand_text(option.at) +
         (option.relative ? ",relative" : "") + "; ";
}

std::string text_of(const Pcre& pcre) {
  std::string text = std::string("pcre:") + (pcre.negated ? "!" : "") + "\"/";
  for (const char c : pcre.pattern) {
    if (c == '\n') {
      text += "\\n";
      continue;
    }
    if (c == '/' || c == ';' || c == '"') text += '\\';
    text += c;
  }
  text += "/";
  const std::array<std::pair<std::uint32_t, char>, 7> letters{{{PCRE2_CASELESS, 'i'},
                                                               {PCRE2_DOTALL, 's'},
                                                               {PCRE2_MULTILINE, 'm'},
                                                               {PCRE2_EXTENDED, 'x'},
                                                               {PCRE2_ANCHORED, 'A'},
                                                               {PCRE2_DOLLAR_ENDONLY, 'E'},
                                                               {PCRE2_UNGREEDY, 'G'}}};
  for (const auto& [option, letter] : letters) {
    if ((pcre.options & option) != 0) text += letter;
  }
  if (pcre.relative) text += 'R';
  return text + "\"; ";
}

std::string text_of(const ByteTest& test) {
  const std::array<const char*, 7> ops{"<", ">", "=", "<=", ">=", "&", "^"};
  return "byte_test:" + operand_text(test.read.bytes) + "," + (test.negated ? "!" : "") +
         ops.at(static_cast<std::size_t>(test.op)) + "," + operand_text(test.value) + "," +
         operand_text(test.read.offset) + read_flags(test.read) + "; ";
}

std::string text_of(const ByteJump& jump) {
  std::string text = "byte_jump:" + operand_text(jump.read.bytes) + "," + operand_text(jump.read.offset) +
                     read_flags(jump.read);
  if (jump.multiplier != 1) text += ",multiplier " + std::to_string(jump.multiplier);
  if (jump.align) text += ",align";
  if (jump.from == ByteJump::From::beginning) text += ",from_beginning";
  if (jump.from == ByteJump::From::end) text += ",from_end";
  if (jump.post_offset.is_variable() || jump.post_offset.value != 0)
    text += ",post_offset " + operand_text(jump.post_offset);
  return text + "; ";
}

std::string text_of(const ByteExtract& extract) {
  std::string text = "byte_extract:" + operand_text(extract.read.bytes) + "," +
                     operand_text(extract.read.offset) + "," + variable_name(extract.result) +
                     read_flags(extract.read);
  if (extract.multiplier != 1) text += ",multiplier " + std::to_string(extract.multiplier);
  if (extract.align != 0) text += ",align " + std::to_string(extract.align);
  return text + "; ";
}

std::string text_of(const ByteMath& math) {
  const std::array<const char*, 6> ops{"+", "-", "*", "/", "<<", ">>"};
  std::string text = "byte_math:bytes " + operand_text(math.read.bytes) + ",offset " +
                     operand_text(math.read.offset) + ",oper " + ops.at(static_cast<std::size_t>(math.op)) +
                     ",rvalue " + operand_text(math.rvalue) + ",result " + variable_name(math.result);
  if (math.read.relative) text += ",relative";
  if (math.read.base == NumberBase::binary) {
    if (math.read.endian == Endian::little) text += ",endian little";
  } else {
    text += std::string(",string ") + base_text(math.read.base);
  }
  if (has_mask(math.read)) text += ",bitmask " + hex_text(math.read.bitmask);
  return text + "; ";
}

std::string text_of(const Flowbits& flowbits, const std::vector<std::string>& names) {
  const std::array<const char*, 5> ops{"set", "unset", "toggle", "isset", "isnotset"};
  std::string text = std::string("flowbits:") + ops.at(static_cast<std::size_t>(flowbits.op)) + ",";
  for (std::size_t i = 0; i < flowbits.bits.size(); ++i)
    text += (i == 0 ? "" : "|") + names.at(flowbits.bits[i]);
  return text + "; ";
}

const char* action_text(Action action) {
  switch (action) {
    case Action::pass:
      return "pass";
    case Action::drop:
      return "drop";
    case Action::reject:
      return "reject";
    case Action::reject_dst:
      return "rejectdst";
    case Action::reject_both:
      return "rejectboth";
    case Action::alert:
      return "alert";
  }
  return "alert";
}

}  // namespace

std::string rule_text(const Rule& rule, const std::vector<std::string>& flowbits) {
  std::string text = action_text(rule.action);
  text += rule.protocol == RuleProtocol::tcp_stream ? " tcp-stream" : " tcp";
  text += " any any -> any any (";
  for (const auto& option : rule.payload) {
    text += std::visit([](const auto& one) { return text_of(one); }, option);
  }
  for (const auto& option : rule.state) {
    if (const auto* bits = std::get_if<Flowbits>(&option)) text += text_of(*bits, flowbits);
  }
  if (rule.no_alert) text += "noalert; ";
  return text + "sid:" + std::to_string(rule.id.sid) + ";)";
}

}  // namespace lockstep::signatures
