#include <functional>
#include <string_view>

#include "signatures/language/text.hpp"
#include "signatures/parser.hpp"

namespace lockstep::signatures {
namespace {

// Which rules a word names, or nothing where it is no such word.
std::optional<std::function<bool(const Rule&)>> selection(std::string_view word) {
  if (word == "all") return [](const Rule&) { return true; };
  constexpr std::string_view classtype = "classtype:";
  if (std::string_view name = word; take(name, classtype) && !name.empty()) {
    return [name](const Rule& rule) { return same_word(rule.classtype, name); };
  }
  if (const auto sid = number<std::uint32_t>(word)) {
    return [sid](const Rule& rule) { return rule.id.sid == *sid; };
  }
  return std::nullopt;
}

}  // namespace

tl::expected<std::size_t, std::string> turn_into_drop(std::vector<Rule>& rules,
                                                      const std::vector<std::string>& words) {
  std::vector<bool> chosen(rules.size(), false);
  for (const std::string& word : words) {
    const auto selects = selection(word);
    if (!selects) return tl::unexpected(word);
    bool any = word == "all";
    for (std::size_t i = 0; i < rules.size(); ++i) {
      if (!(*selects)(rules[i])) continue;
      chosen[i] = any = true;
    }
    if (!any) return tl::unexpected(word);
  }
  std::size_t turned = 0;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (!chosen[i] || rules[i].action != Action::alert || rules[i].no_alert) continue;
    rules[i].action = Action::drop;
    ++turned;
  }
  return turned;
}

}  // namespace lockstep::signatures
