// isdataat and pcre.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <array>
#include <memory>

#include <pcre2.h>

#include "signatures/language/options.hpp"

namespace lockstep::signatures {
namespace {

constexpr std::int64_t kMaxDataAt = 65535;

struct Flag {
  char letter;
  std::uint32_t option;
};
constexpr Flag kCompileFlags[] = {{'i', PCRE2_CASELESS}, {'s', PCRE2_DOTALL},   {'m', PCRE2_MULTILINE},
                                  {'x', PCRE2_EXTENDED}, {'A', PCRE2_ANCHORED}, {'E', PCRE2_DOLLAR_ENDONLY},
                                  {'G', PCRE2_UNGREEDY}};

struct BufferLetter {
  char letter;
  std::string_view buffer;
};
constexpr BufferLetter kBufferLetters[] = {
    {'U', "http.uri"},       {'I', "http.uri.raw"},    {'P', "http.request_body"}, {'Q', "file.data"},
    {'H', "http.header"},    {'D', "http.header.raw"}, {'M', "http.method"},       {'C', "http.cookie"},
    {'S', "http.stat_code"}, {'Y', "http.stat_msg"},   {'V', "http.user_agent"},   {'W', "http.host"},
    {'Z', "http.host.raw"}};

Parsed read_flag(Draft& draft, Pcre& pcre, std::string_view flag) {
  const char letter = flag.front();
  for (const Flag& known : kCompileFlags) {
    if (known.letter == letter) {
      pcre.options |= known.option;
      return {};
    }
  }
  for (const BufferLetter& known : kBufferLetters) {
    if (known.letter == letter) {
      draft.lacks(std::string(known.buffer));
      if (draft.application_buffer.empty()) draft.application_buffer = flag;
      return {};
    }
  }
  if (letter == 'R') {
    pcre.relative = true;
  } else if (letter == 'O') {
    pcre.override_limit = true;
  } else if (letter != 'B') {  // B: raw bytes, which the payload always is
    return refused(flag, "`" + std::string(flag) + "` is no pcre flag");
  }
  return {};
}

// Whether the slash at `at` closes the expression: it does unless a single backslash stands before it.
bool closes(std::string_view value, std::size_t at) {
  return value[at - 1] != '\\' || (at >= 2 && value[at - 2] == '\\');
}

struct Shape {
  std::string_view pattern, flags;
};

tl::expected<Shape, SyntaxError> shape_of(std::string_view value) {
  if (value.size() < 2 || value.front() != '/') {
    return refused(value, "a pcre is written \"/expression/flags\"");
  }
  std::size_t end = value.rfind('/');
  while (end > 0 && !closes(value, end)) end = value.rfind('/', end - 1);
  if (end == 0 || end == std::string_view::npos)
    return refused(value, "the expression's closing `/` is missing");
  if (end == 1) return refused(value, "an empty expression matches everything");
  return Shape{value.substr(1, end - 1), value.substr(end + 1)};
}

// Captures are named behind the flags: /re/i, flow:name, or without flags: /re/,flow:name.
bool names_captures(std::string_view text) {
  return text.find("flow:") != std::string_view::npos || text.find("pkt:") != std::string_view::npos ||
         text.find("alert:") != std::string_view::npos;
}

using Code = std::unique_ptr<pcre2_code, decltype(&pcre2_code_free)>;

Parsed compile(Pcre& pcre, std::string_view place, bool keep_groups) {
  int error = 0;
  PCRE2_SIZE at = 0;
  const auto attempt = [&](std::uint32_t options) {
    return Code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pcre.pattern.data()), pcre.pattern.size(), options,
                              &error, &at, nullptr),
                &pcre2_code_free);
  };
  // Groups mostly serve to group; without captures an expression runs faster. Back-references need them.
  const std::uint32_t plain = pcre.options | PCRE2_NO_AUTO_CAPTURE;
  Code code = attempt(keep_groups ? pcre.options : plain);
  if (code) {
    if (!keep_groups) pcre.options = plain;
    return {};
  }
  if (code = attempt(pcre.options); code) return {};
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(error, text.data(), text.size());
  const std::size_t column = std::min<std::size_t>(at, place.size());
  return refused(place.substr(column), "the expression does not compile: " +
                                           std::string(reinterpret_cast<const char*>(text.data())));
}

}  // namespace

Parsed read_isdataat(Draft& draft, const Option& option) {
  const auto pieces = split(option.value, ',', 4);
  IsDataAt out;
  std::string_view at = pieces[0];
  out.negated = take(at, "!");
  const auto operand = parse_operand(draft, at, 0, kMaxDataAt, "isdataat");
  if (!operand) return tl::unexpected(operand.error());
  out.at = *operand;
  for (std::size_t i = 1; i < pieces.size(); ++i) {
    if (pieces[i] == "relative") {
      out.relative = true;
    } else if (pieces[i] != "rawbytes") {
      return refused(pieces[i], "isdataat takes `relative` and `rawbytes` behind its number");
    }
  }
  draft.add_payload(out, option.value);
  return {};
}

Parsed read_pcre(Draft& draft, const Option& option) {
  const auto shape = shape_of(option.value);
  if (!shape) return tl::unexpected(shape.error());
  if (shape->pattern.size() > kMaxPatternLength) {
    return refused(shape->pattern,
                   "an expression has at most " + std::to_string(kMaxPatternLength) + " bytes");
  }
  Pcre pcre;
  pcre.pattern = std::string(shape->pattern);
  pcre.negated = option.negated;
  std::string_view flags = shape->flags;
  const bool captures = names_captures(flags);
  if (captures) {
    draft.lacks("pcre:capture");
    flags = flags.substr(0, flags.find_first_of(", "));
    for (const std::string_view name : {"flow:", "pkt:", "alert:"}) flags = flags.substr(0, flags.find(name));
  }
  flags = trimmed(flags);
  for (std::size_t i = 0; i < flags.size(); ++i) {
    if (Parsed flag = read_flag(draft, pcre, flags.substr(i, 1)); !flag) return flag;
  }
  if (Parsed compiled = compile(pcre, shape->pattern, captures); !compiled) return compiled;
  draft.add_payload(std::move(pcre), option.value);
  return {};
}

}  // namespace lockstep::signatures
