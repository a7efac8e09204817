#include "signatures/parser.hpp"

#include <algorithm>
#include <unordered_map>

#include "signatures/language/checks.hpp"
#include "signatures/language/header.hpp"
#include "signatures/language/keywords.hpp"
#include "signatures/language/names.hpp"

namespace lockstep::signatures {
namespace {

// Takes the next option off the front. A `;` ends it unless a backslash stands right before it, in quotes or
// not: that is how the language has always been read.
tl::expected<std::string_view, SyntaxError> take_option(std::string_view& rest) {
  std::size_t end = rest.find(';');
  while (end != std::string_view::npos && end > 0 && rest[end - 1] == '\\') end = rest.find(';', end + 1);
  if (end == std::string_view::npos) {
    return refused(rest.substr(0, rest.find_first_of(": ")), "this option does not end with `;`");
  }
  const std::string_view option = rest.substr(0, end);
  rest = trimmed(rest.substr(end + 1));
  return option;
}

Parsed unquote(const Keyword& keyword, Option& option) {
  const std::string name(option.name);
  std::string_view value = option.value;
  const bool quoted = !value.empty() && value.front() == '"';
  if (keyword.quotes == Keyword::Quotes::mandatory && !quoted && !value.empty()) {
    return refused(value, "the value of " + name + " stands in quotes");
  }
  if (!quoted) return {};
  if (keyword.quotes == Keyword::Quotes::never) return refused(value.substr(0, 1), name + " takes no quotes");
  const bool closed = value.size() >= 2 && value.back() == '"';
  if (!closed) {
    return refused(value.substr(0, 1), "this quote is not closed before the `;` that ends the option",
                   "a `;` inside quotes is written \\;");
  }
  option.value = value.substr(1, value.size() - 2);
  if (option.value.empty()) return refused(value, "the value of " + name + " is empty");
  return {};
}

// Takes an option's text apart as its keyword wants it.
tl::expected<Option, SyntaxError> shape_option(const Keyword& keyword, std::string_view name,
                                               std::string_view text, bool has_value) {
  Option option{name, trimmed(text), false};
  if (!keyword.built()) return option;
  if (keyword.value == Keyword::Value::none && has_value && !option.value.empty()) {
    return refused(option.value, std::string(name) + " takes no value");
  }
  if (keyword.value == Keyword::Value::required && option.value.empty()) {
    return refused(name, std::string(name) + " needs a value");
  }
  if (keyword.negatable && !option.value.empty() && option.value.front() == '!') {
    option.negated = true;
    option.value = trimmed(option.value.substr(1));
    if (option.value.empty()) return refused(text, std::string(name) + " needs a value");
  }
  if (Parsed unquoted = unquote(keyword, option); !unquoted) return tl::unexpected(unquoted.error());
  return option;
}

Parsed read_option(Draft& draft, std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view name = trimmed(text.substr(0, colon));
  if (name.empty()) return refused(text, "an option is missing before this `;`");
  const Keyword* keyword = find_keyword(name);
  if (keyword == nullptr) {
    const std::string_view nearest = nearest_keyword(name);
    return refused(name, "`" + std::string(name) + "` is no keyword",
                   nearest.empty() ? std::string() : "did you mean `" + std::string(nearest) + "`?");
  }
  const bool has_value = colon != std::string_view::npos;
  const auto option =
      shape_option(*keyword, name, has_value ? text.substr(colon + 1) : std::string_view{}, has_value);
  if (!option) return tl::unexpected(option.error());
  if (keyword->built()) return keyword->read(draft, *option);
  draft.lacks(std::string(keyword->name));
  draft.ip_compatible = false;
  if (draft.application_buffer.empty() && is_application_buffer(keyword->name))
    draft.application_buffer = name;
  return {};
}

// `requires` and `sid` come first wherever they stand: a rule for another engine may hold anything else.
Parsed read_requirements(Draft& draft, const std::vector<std::string_view>& options) {
  for (const std::string_view text : options) {
    const std::string_view name = trimmed(text.substr(0, text.find(':')));
    if (!same_word(name, "requires") && !same_word(name, "sid")) continue;
    if (Parsed parsed = read_option(draft, text); !parsed) return parsed;
  }
  return {};
}

Parsed read_options(Draft& draft, std::string_view rest) {
  std::vector<std::string_view> options;
  rest = trimmed(rest);
  while (!rest.empty()) {
    if (options.size() == kMaxRuleOptions) {
      return refused(rest, "a rule has at most " + std::to_string(kMaxRuleOptions) + " options");
    }
    const auto option = take_option(rest);
    if (!option) return tl::unexpected(option.error());
    options.push_back(trimmed(*option));
  }
  if (Parsed parsed = read_requirements(draft, options); !parsed) return parsed;
  if (draft.requirement_unmet) return {};
  for (const std::string_view text : options) {
    const std::string_view name = trimmed(text.substr(0, text.find(':')));
    if (same_word(name, "requires") || same_word(name, "sid")) continue;
    if (Parsed parsed = read_option(draft, text); !parsed) return parsed;
  }
  return {};
}

// Events are JSON: what a rule says must be text. The first byte that is none.
std::size_t first_bad_byte(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80) {
      if (byte < 0x20 && byte != '\t' && byte != '\r') return i;
      ++i;
      continue;
    }
    const std::size_t length = byte >= 0xf0 && byte < 0xf5 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 0;
    if (length == 0 || byte >= 0xf5 || i + length > text.size()) return i;
    const auto second = static_cast<unsigned char>(text[i + 1]);
    const bool in_range = !(byte == 0xe0 && second < 0xa0) && !(byte == 0xed && second > 0x9f) &&
                          !(byte == 0xf0 && second < 0x90) && !(byte == 0xf4 && second > 0x8f);
    for (std::size_t k = 1; k < length; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80 || !in_range) return i;
    }
    i += length;
  }
  return text.size();
}

Parsed check_text(std::string_view line) {
  if (line.size() > kMaxRuleLength) {
    return refused(line.substr(kMaxRuleLength),
                   "a rule has at most " + std::to_string(kMaxRuleLength) + " bytes");
  }
  const std::size_t bad = first_bad_byte(line);
  if (bad == line.size()) return {};
  const bool control = static_cast<unsigned char>(line[bad]) < 0x20;
  return refused(line.substr(bad, 1), control ? "a control character" : "this is not UTF-8",
                 "other bytes are written in a content as |..|");
}

}  // namespace

struct RuleParser::State {
  explicit State(ParserSettings use_settings) : settings(std::move(use_settings)), headers(settings) {}

  Parsed read_rule(Draft& draft) {
    if (Parsed text = check_text(draft.line); !text) return text;
    const auto fields = split_rule(draft.line);
    if (!fields) return tl::unexpected(fields.error());
    if (!fields->closed) {
      draft.warnings.push_back({draft.line.substr(draft.line.size()), "the closing `)` is missing", {}});
    }
    // Whatever fails, the report should name the sid: the options come before the header's values.
    if (Parsed options = read_options(draft, fields->options); !options) return options;
    if (draft.requirement_unmet) return {};
    if (Parsed header = headers.read(*fields, draft); !header) return header;
    return check_rule(draft);
  }

  void settle(Draft& draft, const Parsed& parsed, const LineReader& reader) {
    Rule& rule = draft.rule;
    if (!parsed) {
      const SyntaxError& error = parsed.error();
      report.failed.push_back(diagnose(rule.place.file, reader.place_of(error.where), error));
      report.failed.back().sid = rule.id.sid;
      return;
    }
    if (draft.requirement_unmet) {
      report.skipped.push_back(
          {rule.place, rule.id, SkippedRule::Why::requires_other, std::move(draft.missing)});
      return;
    }
    for (const SyntaxError& warning : draft.warnings) {
      report.warnings.push_back(diagnose(rule.place.file, reader.place_of(warning.where), warning));
      report.warnings.back().sid = rule.id.sid;
    }
    const bool loads = draft.missing.empty();
    uses.note(draft, loads, reader);
    if (!loads) {
      report.skipped.push_back({rule.place, rule.id, SkippedRule::Why::missing, std::move(draft.missing)});
      return;
    }
    rule.inspection = inspection_of(draft);
    rule.text = std::string(trimmed(draft.line));
    uses.adopt(rule, draft.names);
    rules.push_back(std::move(rule));
  }

  // Of each sid the highest rev stays, and of one rev the rule that came first.
  void drop_superseded() {
    std::unordered_map<std::uint64_t, std::size_t> best;
    std::vector<bool> keep(rules.size(), true);
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const RuleId& id = rules[i].id;
      const auto [it, fresh] = best.emplace(std::uint64_t{id.gid} << 32 | id.sid, i);
      if (fresh) continue;
      const bool newer = id.rev > rules[it->second].id.rev;
      const std::size_t loser = newer ? it->second : i;
      if (newer) it->second = i;
      keep[loser] = false;
      report.skipped.push_back({rules[loser].place, rules[loser].id, SkippedRule::Why::superseded, {}});
    }
    std::vector<Rule> kept;
    kept.reserve(best.size());
    for (std::size_t i = 0; i < rules.size(); ++i) {
      if (keep[i]) kept.push_back(std::move(rules[i]));
    }
    rules = std::move(kept);
  }

  ParserSettings settings;
  HeaderReader headers;
  std::vector<Rule> rules;
  NameUses uses;
  LoadReport report;
};

RuleParser::RuleParser(ParserSettings settings) : state_(std::make_unique<State>(std::move(settings))) {}
RuleParser::~RuleParser() = default;
RuleParser::RuleParser(RuleParser&&) noexcept = default;
RuleParser& RuleParser::operator=(RuleParser&&) noexcept = default;

void RuleParser::parse(std::string_view file, std::string_view text) {
  State& state = *state_;
  const auto index = static_cast<std::uint32_t>(state.report.files.size());
  state.report.files.emplace_back(file);
  LineReader reader(text);
  for (LogicalLine line; reader.next(line);) {
    Draft draft(state.settings, line.text);
    draft.rule.place = {index, line.number};
    const Parsed parsed = state.read_rule(draft);
    state.settle(draft, parsed, reader);
  }
}

ParsedRules RuleParser::finish() && {
  State& state = *state_;
  state.drop_superseded();
  ParsedRules out;
  out.names = state.uses.compact(state.rules, state.settings.names);
  state.uses.warn(state.report.warnings);
  state.report.loaded = static_cast<std::uint32_t>(state.rules.size());
  out.rules = std::move(state.rules);
  out.report = std::move(state.report);
  return out;
}

}  // namespace lockstep::signatures
