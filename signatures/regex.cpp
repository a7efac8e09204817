#include "signatures/regex.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>
#include <pcre2.h>

namespace lockstep::signatures {
namespace {

// Suricata's defaults; the flag O lifts them by this factor, never to infinity.
constexpr std::uint32_t match_limit = 3500;
constexpr std::uint32_t recursion_limit = 1500;
constexpr std::uint32_t override_factor = 100;

struct Limits {
  pcre2_match_context* context;
  explicit Limits(std::uint32_t factor) : context(pcre2_match_context_create(nullptr)) {
    pcre2_set_match_limit(context, match_limit * factor);
    pcre2_set_depth_limit(context, recursion_limit * factor);
  }
  Limits(const Limits&) = delete;
  Limits& operator=(const Limits&) = delete;
  ~Limits() { pcre2_match_context_free(context); }
};

std::string message(int error) {
  std::array<PCRE2_UCHAR, 200> text{};
  pcre2_get_error_message(error, text.data(), text.size());
  return {reinterpret_cast<const char*>(text.data())};
}

// `(?:`, `(?i)`, `(?i:`, `(?<name>` and `(?P<name>` change nothing about which bytes an answer depends on;
// every other
// `(?` may. `rest` follows the bracket.
bool is_plain_group(std::string_view rest) {
  if (rest.empty() || rest.front() != '?') return rest.empty() || rest.front() != '*';
  rest.remove_prefix(1);
  const auto flags = rest.find_first_not_of("imsx-");
  if (flags != std::string_view::npos && (rest[flags] == ':' || rest[flags] == ')')) return true;
  if (rest.starts_with('P')) rest.remove_prefix(1);
  return rest.size() > 1 && rest[0] == '<' && rest[1] != '=' && rest[1] != '!';
}

}  // namespace

struct RegexScratch::Parts {
  pcre2_match_data* data = pcre2_match_data_create(1, nullptr);  // only the whole match is asked for
  Limits normal{1};
  Limits lifted{override_factor};
  Parts() = default;
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  ~Parts() { pcre2_match_data_free(data); }
};

RegexScratch::RegexScratch() : parts_(std::make_unique<Parts>()) {}
RegexScratch::~RegexScratch() = default;

struct Regex::Code {
  pcre2_code* code;
  explicit Code(pcre2_code* compiled) : code(compiled) {}
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  ~Code() { pcre2_code_free(code); }
};

Regex::Regex() = default;
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;
Regex::~Regex() = default;

tl::expected<Regex, std::string> Regex::compile(const Pcre& pcre) {
  int error = 0;
  PCRE2_SIZE at = 0;
  // Without the last option `.*` would count as an anchor, and a retry from further on find nothing. Without
  // PCRE2_UTF: streams are bytes. \C would be harmless, callouts do nothing without a callback.
  pcre2_code* code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pcre.pattern.data()), pcre.pattern.size(),
                    pcre.options | PCRE2_NEVER_UTF | PCRE2_NO_DOTSTAR_ANCHOR, &error, &at, nullptr);
  if (code == nullptr)
    return tl::make_unexpected(fmt::format("pcre: {} at character {}", message(error), at + 1));
  Regex regex;
  regex.code_ = std::make_unique<Code>(code);
  regex.override_limit_ = pcre.override_limit;
  regex.classify(pcre);
  // Without JIT the interpreter answers, more slowly.
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE | (regex.resumes_ ? PCRE2_JIT_PARTIAL_SOFT : 0U));
  return regex;
}

// Conservative: what is not known to grow is asked at every offset, which is slower and never wrong.
void Regex::classify(const Pcre& pcre) {
  const std::string_view text = pcre.pattern;
  grows_ = true;
  std::uint32_t options = 0;
  pcre2_pattern_info(code_->code, PCRE2_INFO_ALLOPTIONS, &options);
  anchored_ = (options & PCRE2_ANCHORED) != 0;
  // The letter m may also stand in brackets.
  const bool multiline = (pcre.options & PCRE2_MULTILINE) != 0 || text.find("(?") != std::string_view::npos;
  bool in_class = false;
  bool names_ends = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const char following = i + 1 < text.size() ? text[i + 1] : '\0';
    if (c == '\\') {
      ++i;
      if (in_class) continue;
      if (following == 'z' || following == 'Z') wants_end_ = true;
      if (following == 'A' || following == 'Q') names_ends = true;  // \Q: quoted text is not looked through
      if (std::string_view("bBGKRXgk").find(following) != std::string_view::npos) grows_ = false;
      if (following >= '1' && following <= '9') grows_ = false;  // a back-reference, or octal
      continue;
    }
    if (in_class) {
      in_class = c != ']';
      continue;
    }
    if (c == '[') {
      in_class = true;
      // A bracket that comes first is a member.
      if (following == '^') ++i;
      if (i + 1 < text.size() && text[i + 1] == ']') ++i;
    }
    if (c == '$') has_dollar_ = true;
    if (c == '^') looks_back_ = multiline;
    if (c == '(' && !is_plain_group(text.substr(i + 1))) grows_ = false;
    if (following == '+' && (c == '+' || c == '*' || c == '?' || c == '}')) grows_ = false;  // possessive
  }
  resumes_ = grows_ && !anchored_ && !names_ends && !wants_end_ && !has_dollar_;
}

Regex::Ahead Regex::search_ahead(const Subject& subject, RegexScratch& scratch) const {
  const std::uint32_t options = PCRE2_PARTIAL_SOFT | PCRE2_NOTEOL | (subject.first_line ? 0U : PCRE2_NOTBOL);
  RegexScratch::Parts& parts = *scratch.parts_;
  const int result =
      pcre2_match(code_->code, subject.bytes.data(), subject.bytes.size(), subject.start, options, parts.data,
                  (override_limit_ ? parts.lifted : parts.normal).context);
  if (result == PCRE2_ERROR_NOMATCH) return {Status::absent, subject.bytes.size()};
  // The first that ran into the end of the subject: those before it failed on bytes that are there.
  if (result == PCRE2_ERROR_PARTIAL) return {Status::absent, pcre2_get_ovector_pointer(parts.data)[0]};
  return {result < 0 ? Status::limit : Status::found, 0};
}

Regex::Result Regex::search(const Subject& subject, RegexScratch& scratch) const {
  std::uint32_t options = 0;
  if (!subject.first_line) options |= PCRE2_NOTBOL;
  if (!subject.last_line) options |= PCRE2_NOTEOL;
  RegexScratch::Parts& parts = *scratch.parts_;
  const int result =
      pcre2_match(code_->code, subject.bytes.data(), subject.bytes.size(), subject.start, options, parts.data,
                  (override_limit_ ? parts.lifted : parts.normal).context);
  if (result == PCRE2_ERROR_NOMATCH) return {};
  if (result < 0) return {Status::limit, {}};
  const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(parts.data);
  // \K can put the start behind the end.
  return {Status::found, {std::min(ends[0], ends[1]), ends[1]}};
}

}  // namespace lockstep::signatures
