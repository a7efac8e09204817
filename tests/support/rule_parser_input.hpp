// What the fuzzer and the test that replays its corpus do with one input: the text goes through every reader
// of the signatures folder, and what comes out is asked for what it promises.
#pragma once
#include <string>
#include <string_view>
#include <variant>

#include "signatures/parser.hpp"
#include "signatures/rate_control.hpp"

namespace lockstep::test {

inline bool within_its_names(const signatures::Rule& rule, const signatures::Names& names) {
  using namespace signatures;
  for (const StateOption& option : rule.state) {
    if (const auto* bits = std::get_if<Flowbits>(&option)) {
      for (const std::uint32_t bit : bits->bits) {
        if (bit >= names.flowbits.size()) return false;
      }
    } else if (const auto* host = std::get_if<Xbits>(&option)) {
      if (host->bit >= names.xbits.size()) return false;
    } else if (const auto* number = std::get_if<Flowint>(&option)) {
      if (number->variable >= names.flowints.size()) return false;
    }
  }
  return true;
}

inline bool sound(const signatures::Rule& rule, const signatures::Names& names) {
  using namespace signatures;
  for (const PayloadOption& option : rule.payload) {
    const auto* content = std::get_if<Content>(&option);
    if (content == nullptr) continue;
    if (content->pattern.empty() || content->pattern.size() > kMaxPatternLength) return false;
    if (std::size_t{content->chop_offset} + content->chop_length > content->pattern.size()) return false;
  }
  return rule.id.sid != 0 && !rule.source.empty() && !rule.destination.empty() &&
         within_its_names(rule, names);
}

// The promises: every rule is accounted for once, what loads is sound, the account can be printed.
inline bool keeps_promises(std::string_view text) {
  using namespace signatures;
  ParserSettings settings;
  const auto classes = settings.classification.add(text);
  const auto references = settings.references.add(text);
  RateControl control;
  const auto rates = control.add(text, settings.variables);
  settings.variables.set_addresses("FUZZED", std::string(text.substr(0, text.find('\n'))));
  RuleParser parser(std::move(settings));
  parser.parse("input", text);
  const ParsedRules parsed = std::move(parser).finish();
  for (const Rule& rule : parsed.rules) {
    if (!sound(rule, parsed.names)) return false;
  }
  const std::string account = parsed.report.account(LoadReport::Detail::every_rule);
  const std::string ending = parsed.report.summary() + "\n";
  return parsed.report.loaded == parsed.rules.size() && account.size() >= ending.size() &&
         account.compare(account.size() - ending.size(), ending.size(), ending) == 0 &&
         classes.size() <= text.size() && references.size() <= text.size() && rates.size() <= text.size();
}

}  // namespace lockstep::test
