// Rule text in, rules and an account out. The language is Suricata's; what it knows and this engine has not
// built is recognised: such a rule is skipped and the report names what it lacks. A broken rule fails with
// line, column and caret. Neither stops the others.
//
//   RuleParser parser(settings);
//   parser.parse("local.rules", text);
//   ParsedRules parsed = std::move(parser).finish();
//
// Bounds: kMaxRuleLength bytes and kMaxRuleOptions options a rule, the bounds of variables.hpp for groups.
// Work is linear in the text; hostile text costs its own rule only. One thread a parser; texts may go after
// `parse` returns.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "signatures/load_report.hpp"
#include "signatures/rule.hpp"
#include "signatures/rule_config.hpp"
#include "signatures/variables.hpp"

namespace lockstep::signatures {

constexpr std::size_t kMaxRuleLength = 65536;
constexpr std::size_t kMaxRuleOptions = 1024;
constexpr std::size_t kMaxRuleVariables = 64;  // byte_extract and byte_math results of one rule
constexpr std::size_t kMaxPatternLength = 8192;

struct ParserSettings {
  Variables variables = Variables::defaults();
  Classification classification = Classification::defaults();
  References references = References::defaults();
  // The rules for UDP, ICMP and SCTP packets load only where the caller inspects such packets; elsewhere they
  // are skipped for want of their protocol. Rules for `ip` always load.
  bool other_transports = true;
  // The names of the set in force: those keep their numbers in this one, so that what flows and hosts
  // remember by number stays true when the one set follows the other.
  Names names;
};

struct ParsedRules {
  std::vector<Rule> rules;  // in the order of the files
  Names names;
  LoadReport report;
};

class RuleParser {
 public:
  explicit RuleParser(ParserSettings settings);
  ~RuleParser();
  RuleParser(RuleParser&&) noexcept;
  RuleParser& operator=(RuleParser&&) noexcept;
  RuleParser(const RuleParser&) = delete;
  RuleParser& operator=(const RuleParser&) = delete;

  // `file` is the name that messages show.
  void parse(std::string_view file, std::string_view text);

  // Settles what needs all rules: sids that came twice, names that are checked and never set.
  [[nodiscard]] ParsedRules finish() &&;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Turns alert rules into drop rules, but for those with `noalert`, which only prepare others: the words are
// `all`, a sid, or `classtype:name`. Gives the number of rules turned, or the first word that is none of
// these or that no rule answers to.
[[nodiscard]] tl::expected<std::size_t, std::string> turn_into_drop(std::vector<Rule>& rules,
                                                                    const std::vector<std::string>& words);

}  // namespace lockstep::signatures
