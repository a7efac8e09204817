// Rules from text, for tests: one rule in, the rule or its failure out.
#pragma once
#include <string>
#include <string_view>

#include "signatures/parser.hpp"

namespace lockstep::test {

inline signatures::ParsedRules load(std::string_view text, signatures::ParserSettings settings = {}) {
  signatures::RuleParser parser(std::move(settings));
  parser.parse("test.rules", text);
  return std::move(parser).finish();
}

// A rule of options alone; the sid is 1.
inline std::string with_options(std::string_view options, std::string_view protocol = "tcp") {
  return "alert " + std::string(protocol) + " any any -> any any (" + std::string(options) + " sid:1;)";
}

// How a text ended: the line, column and message of its failure, "skipped: …", or "loaded".
inline std::string outcome(std::string_view text, signatures::ParserSettings settings = {}) {
  const signatures::ParsedRules parsed = load(text, std::move(settings));
  if (!parsed.report.failed.empty()) {
    const signatures::Diagnostic& failure = parsed.report.failed.front();
    return std::to_string(failure.place.line) + ":" + std::to_string(failure.column) + ": " + failure.message;
  }
  if (parsed.report.skipped.empty()) return parsed.rules.empty() ? "nothing" : "loaded";
  std::string out = "skipped:";
  for (const std::string& word : parsed.report.skipped.front().missing) out += " " + word;
  return out;
}

// The one rule of a text that must load; an empty rule (sid 0) if it does not.
inline signatures::Rule rule_of(std::string_view text) {
  signatures::ParsedRules parsed = load(text);
  return parsed.rules.size() == 1 ? std::move(parsed.rules.front()) : signatures::Rule{};
}

// The first payload, packet or state option of its type in the rule; nullptr if there is none.
template <typename Wanted, typename Options>
const Wanted* first_of(const Options& options) {
  for (const auto& option : options) {
    if (const auto* found = std::get_if<Wanted>(&option)) return found;
  }
  return nullptr;
}

}  // namespace lockstep::test
