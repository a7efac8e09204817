#include "signatures/shadow.hpp"

#include <algorithm>
#include <string_view>

#include "signatures/language/names.hpp"

namespace lockstep::signatures {
namespace {

// No name in a rule has a blank in it.
constexpr std::string_view prefix = "shadow ";

std::string shadowed(const std::string& name) {
  return std::string(prefix) + name;
}
std::string acting(const std::string& name) {
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

// Numbers of the renamed names, which stand behind those that are there already.
class Renaming {
 public:
  using Rename = std::string (*)(const std::string&);
  Renaming(std::vector<std::string>& names, Rename rename) : names_(names), rename_(rename) {
    for (std::uint32_t i = 0; i < names.size(); ++i) numbers_.emplace(names[i], i);
  }
  std::uint32_t operator()(std::uint32_t from) {
    const std::string name = rename_(names_[from]);
    const auto [known, fresh] = numbers_.emplace(name, static_cast<std::uint32_t>(names_.size()));
    if (fresh) names_.push_back(name);
    return known->second;
  }

 private:
  std::vector<std::string>& names_;
  Rename rename_;
  std::unordered_map<std::string, std::uint32_t> numbers_;
};

void rename(std::vector<Rule>& rules, Names& names, Renaming::Rename how) {
  Renaming flowbits(names.flowbits, how);
  Renaming xbits(names.xbits, how);
  Renaming flowints(names.flowints, how);
  for (Rule& rule : rules)
    for (StateOption& option : rule.state)
      map_indices(
          option, [&](std::uint32_t i) { return flowbits(i); }, [&](std::uint32_t i) { return xbits(i); },
          [&](std::uint32_t i) { return flowints(i); });
}

}  // namespace

void make_shadows(std::vector<Rule>& rules, Names& names) {
  rename(rules, names, shadowed);
  for (Rule& rule : rules) rule.shadow = true;
}

void make_acting(std::vector<Rule>& shadows, Names& names) {
  rename(shadows, names, acting);
  for (Rule& rule : shadows) rule.shadow = false;
}

std::vector<Rule> rules_of(const RuleSet& set, bool shadows) {
  std::vector<Rule> rules;
  for (std::uint32_t i = 0; i < set.size(); ++i)
    if (set.rule(i).shadow == shadows) rules.push_back(set.rule(i));
  return rules;
}

}  // namespace lockstep::signatures
