// The account of loading rules: what was loaded, what failed and where, what was skipped and for want of
// what. Every rule found is counted exactly once: loaded + failed + skipped = rules found.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "signatures/language/lines.hpp"
#include "signatures/language/text.hpp"
#include "signatures/rule.hpp"

namespace lockstep::signatures {

// A message about a place in a file, with the line and a caret to show. Copies what it shows, at most
// kExcerptLength bytes of the line.
struct Diagnostic {
  SourcePlace place;
  std::uint32_t column = 1;  // from 1, bytes
  std::uint32_t sid = 0;     // of the rule, if it was read
  std::string message;
  std::string remedy;
  std::string excerpt;
  std::uint32_t caret = 0;  // from 0, in the excerpt
};

constexpr std::size_t kExcerptLength = 160;

[[nodiscard]] Diagnostic diagnose(std::uint32_t file, const TextPlace& at, const SyntaxError& error);

// "file:line:column: error: message", the excerpt, the caret, the remedy; each line ends with a newline.
[[nodiscard]] std::string text_of(const Diagnostic& diagnostic, std::string_view kind, std::string_view file);

struct SkippedRule {
  enum class Why : std::uint8_t {
    missing,         // it needs keywords that are known and not built
    requires_other,  // its `requires` is not met
    superseded       // another rule of this sid has a higher rev, or came first with the same
  };
  SourcePlace place;
  RuleId id;
  Why why = Why::missing;
  std::vector<std::string> missing;  // each keyword, protocol or requirement once; empty for superseded
};

struct LoadReport {
  std::vector<std::string> files;
  std::uint32_t loaded = 0;
  std::vector<Diagnostic> failed;
  std::vector<SkippedRule> skipped;
  std::vector<Diagnostic> warnings;

  [[nodiscard]] std::uint32_t found() const;
  // How many skipped rules lack each keyword, most first.
  [[nodiscard]] std::vector<std::pair<std::string, std::uint32_t>> missing_keywords() const;
  // "N rules loaded, N failed, N skipped"
  [[nodiscard]] std::string summary() const;

  enum class Detail : std::uint8_t {
    totals,     // skipped rules as one line a keyword
    every_rule  // and one line a skipped rule
  };
  // Failures, warnings, skipped rules, the summary as the last line.
  [[nodiscard]] std::string account(Detail detail) const;
};

}  // namespace lockstep::signatures
