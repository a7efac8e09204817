#include "signatures/load_report.hpp"

#include <algorithm>
#include <iterator>
#include <map>

#include <fmt/format.h>

namespace lockstep::signatures {
namespace {

// A terminal shows each byte of the excerpt as one column, whatever the byte.
char shown(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x7f ? c : (c == '\t' ? ' ' : '?');
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

std::string line_of(const SkippedRule& rule, std::string_view file) {
  std::string head = fmt::format("{}:{}: skipped: sid {}", file, rule.place.line, rule.id.sid);
  switch (rule.why) {
    case SkippedRule::Why::missing:
      return fmt::format("{}: needs {}\n", head, joined(rule.missing));
    case SkippedRule::Why::requires_other:
      return fmt::format("{}: requires {}\n", head, joined(rule.missing));
    case SkippedRule::Why::superseded:
      return fmt::format("{} rev {}: superseded by another rule of this sid\n", head, rule.id.rev);
  }
  return head;
}

}  // namespace

Diagnostic diagnose(std::uint32_t file, const TextPlace& at, const SyntaxError& error) {
  Diagnostic out;
  out.place = {file, at.line};
  out.column = at.column;
  out.message = error.message;
  out.remedy = error.remedy;
  const std::size_t target = at.column - 1;
  const std::size_t begin = target > kExcerptLength * 3 / 4 ? target - kExcerptLength * 3 / 4 : 0;
  const std::string_view piece =
      begin < at.physical.size() ? at.physical.substr(begin, kExcerptLength) : std::string_view{};
  std::transform(piece.begin(), piece.end(), std::back_inserter(out.excerpt), shown);
  out.caret = static_cast<std::uint32_t>(target - begin);
  return out;
}

std::string text_of(const Diagnostic& diagnostic, std::string_view kind, std::string_view file) {
  std::string out = fmt::format("{}:{}:{}: {}: {}\n", file, diagnostic.place.line, diagnostic.column, kind,
                                diagnostic.message);
  if (!diagnostic.excerpt.empty()) {
    out += fmt::format("  {}\n  {:>{}}\n", diagnostic.excerpt, "^", diagnostic.caret + 1);
  }
  if (!diagnostic.remedy.empty()) out += fmt::format("  {}\n", diagnostic.remedy);
  return out;
}

std::uint32_t LoadReport::found() const {
  return loaded + static_cast<std::uint32_t>(failed.size()) + static_cast<std::uint32_t>(skipped.size());
}

std::vector<std::pair<std::string, std::uint32_t>> LoadReport::missing_keywords() const {
  std::map<std::string, std::uint32_t> counts;
  for (const SkippedRule& rule : skipped) {
    for (const std::string& word : rule.missing) ++counts[word];
  }
  std::vector<std::pair<std::string, std::uint32_t>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return sorted;
}

std::string LoadReport::summary() const {
  return fmt::format("{} rules loaded, {} failed, {} skipped", loaded, failed.size(), skipped.size());
}

std::string LoadReport::account(Detail detail) const {
  const auto file = [&](const SourcePlace& place) -> std::string_view {
    return place.file < files.size() ? std::string_view(files[place.file]) : std::string_view("?");
  };
  std::string out;
  for (const Diagnostic& failure : failed) out += text_of(failure, "error", file(failure.place));
  for (const Diagnostic& warning : warnings) out += text_of(warning, "warning", file(warning.place));
  if (detail == Detail::every_rule) {
    for (const SkippedRule& rule : skipped) out += line_of(rule, file(rule.place));
  }
  const auto superseded = std::count_if(skipped.begin(), skipped.end(), [](const SkippedRule& rule) {
    return rule.why == SkippedRule::Why::superseded;
  });
  if (!skipped.empty()) out += "skipped rules by what they need (a rule may need several):\n";
  for (const auto& [word, count] : missing_keywords()) out += fmt::format("  {:>7}  {}\n", count, word);
  if (superseded > 0)
    out += fmt::format("  {:>7}  (superseded by another rule of the same sid)\n", superseded);
  return out + summary() + "\n";
}

}  // namespace lockstep::signatures
