// What a rule says about itself and does besides matching.
#include <algorithm>

#include "signatures/language/keywords.hpp"
#include "signatures/language/options.hpp"

namespace lockstep::signatures {
namespace {

Parsed read_number(Draft& draft, const Option& option, Once once, std::uint32_t low, std::uint32_t& to) {
  if (!draft.first(once)) return refused(option.name, "a rule has one " + std::string(option.name));
  const auto value = number<std::uint32_t>(option.value);
  if (!value || *value < low) {
    return refused(option.value,
                   std::string(option.name) + " is a number from " + std::to_string(low) + " to 4294967295");
  }
  to = *value;
  return {};
}

struct Version {
  std::array<std::uint8_t, 3> parts{};
  auto operator<=>(const Version&) const = default;  // NOLINT(modernize-use-nullptr)
};

// The version of Suricata whose language this is. Rules for a later one are skipped.
constexpr Version kLanguage{{8, 0, 0}};

std::optional<Version> parse_version(std::string_view text) {
  Version version;
  const auto pieces = split(text, '.', 4);
  if (pieces.size() > 3) return std::nullopt;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const auto part = number<std::uint8_t>(pieces[i].substr(0, pieces[i].find('-')));
    if (!part) return std::nullopt;
    version.parts[i] = *part;
  }
  return version;
}

// One alternative: comparisons in a row, all of which must hold (">= 7.0.3 < 8").
std::optional<bool> version_holds(std::string_view text) {
  bool holds = true;
  text = trimmed(text);
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    const bool greater = text.front() == '>';
    if (!greater && text.front() != '<') return std::nullopt;
    text.remove_prefix(1);
    const bool or_equal = take(text, "=");
    const auto [word, rest] = word_and_rest(text);
    const std::size_t next = std::min(word.find_first_of("<>"), word.size());
    const auto version = parse_version(word.substr(0, next));
    if (!version) return std::nullopt;
    const bool ordered = greater ? kLanguage > *version : kLanguage < *version;
    holds = holds && (ordered || (or_equal && kLanguage == *version));
    text = next < word.size()
               ? trimmed(text.substr(static_cast<std::size_t>(word.data() - text.data()) + next))
               : rest;
  }
  return holds;
}

Parsed require_version(Draft& draft, std::string_view value) {
  bool any = false;
  for (const std::string_view alternative : split(value, '|')) {
    const auto holds = version_holds(alternative);
    if (!holds) return refused(value, "a version requirement is `version >= 7.0.3 < 8 | >= 8.0.1`");
    any = any || *holds;
  }
  if (any) return {};
  draft.requirement_unmet = true;
  draft.lacks("version " + std::string(value));
  return {};
}

}  // namespace

Parsed read_msg(Draft& draft, const Option& option) {
  if (!draft.first(Once::msg)) return refused(option.name, "a rule has one msg");
  draft.rule.message = unescaped(option.value);
  return {};
}

Parsed read_sid(Draft& draft, const Option& option) {
  return read_number(draft, option, Once::sid, 1, draft.rule.id.sid);
}
Parsed read_gid(Draft& draft, const Option& option) {
  return read_number(draft, option, Once::gid, 0, draft.rule.id.gid);
}
Parsed read_rev(Draft& draft, const Option& option) {
  return read_number(draft, option, Once::rev, 0, draft.rule.id.rev);
}

Parsed read_classtype(Draft& draft, const Option& option) {
  if (!draft.first(Once::classtype)) {
    draft.warnings.push_back({option.name, "a second classtype; the first one counts", {}});
    return {};
  }
  draft.rule.classtype = std::string(option.value);
  const Classification::Class* known = draft.settings.classification.find(option.value);
  if (known == nullptr) {
    draft.warnings.push_back({option.value,
                              "the classtype `" + std::string(option.value) +
                                  "` is not in the classification; its "
                                  "priority is 3",
                              "add it to classification.config"});
    return {};
  }
  draft.rule.category = known->description;
  if ((draft.once & static_cast<std::uint32_t>(Once::priority)) == 0) draft.rule.priority = known->priority;
  return {};
}

Parsed read_priority(Draft& draft, const Option& option) {
  const auto value = number<std::uint8_t>(option.value);
  if (!value || *value == 0) return refused(option.value, "priority is a number from 1 to 255");
  if (!draft.first(Once::priority))
    draft.warnings.push_back({option.name, "a second priority; this one counts", {}});
  draft.rule.priority = *value;
  return {};
}

Parsed read_reference(Draft& draft, const Option& option) {
  const auto pieces = split(option.value, ',', 2);
  if (pieces.size() != 2 || pieces[0].empty() || pieces[1].empty()) {
    return refused(option.value, "a reference is `type,id`, for example `cve,2024-1234`");
  }
  std::string_view id = pieces[1];
  if (id.size() > 1 && id.front() == '"' && id.back() == '"') id = id.substr(1, id.size() - 2);
  Reference reference{std::string(pieces[0]), unescaped(id), {}};
  if (const std::string* prefix = draft.settings.references.find(pieces[0])) {
    const bool complete = id.find("://") != std::string_view::npos;
    reference.url = complete ? reference.id : *prefix + reference.id;
  }
  draft.rule.references.push_back(std::move(reference));
  return {};
}

Parsed read_metadata(Draft& draft, const Option& option) {
  for (const std::string_view item : split(option.value, ',')) {
    const auto [key, value] = word_and_rest(item);
    if (!value.empty()) draft.rule.metadata.emplace_back(std::string(key), std::string(value));
  }
  return {};
}

Parsed read_target(Draft& draft, const Option& option) {
  if (option.value == "src_ip") {
    draft.rule.target = Rule::Target::source;
  } else if (option.value == "dest_ip") {
    draft.rule.target = Rule::Target::destination;
  } else {
    return refused(option.value, "target is src_ip or dest_ip");
  }
  return {};
}

Parsed read_noalert(Draft& draft, const Option&) {
  draft.rule.no_alert = true;
  return {};
}
Parsed read_alert(Draft& draft, const Option&) {
  draft.rule.alert_on_pass = true;
  return {};
}
Parsed read_bypass(Draft& draft, const Option&) {
  draft.rule.bypass = true;
  draft.ip_compatible = false;
  return {};
}
Parsed read_prefilter(Draft& draft, const Option&) {
  draft.rule.prefilter = true;
  return {};
}

Parsed read_requires(Draft& draft, const Option& option) {
  for (const std::string_view item : split(option.value, ',')) {
    const auto [kind, value] = word_and_rest(item);
    if (kind.empty()) continue;
    if (kind == "version") {
      if (Parsed parsed = require_version(draft, value); !parsed) return parsed;
      continue;
    }
    const Keyword* keyword = kind == "keyword" ? find_keyword(value) : nullptr;
    if (keyword != nullptr && keyword->built()) continue;
    draft.requirement_unmet = true;  // features are Suricata's own, and what is unknown counts as unmet
    draft.lacks(std::string(kind) + (value.empty() ? "" : " ") + std::string(value));
  }
  return {};
}

}  // namespace lockstep::signatures
