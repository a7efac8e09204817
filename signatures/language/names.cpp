#include "signatures/language/names.hpp"

#include <limits>
#include <string_view>
#include <unordered_map>

namespace lockstep::signatures {
namespace {

// Gives each used index the number that its name had earlier, or else the next one; the names in that order.
class Renumbering {
 public:
  Renumbering(const std::vector<std::string>& names, const std::vector<std::string>& earlier)
      : names_(names), to_(names.size(), std::numeric_limits<std::uint32_t>::max()), used_(earlier) {
    std::unordered_map<std::string_view, std::uint32_t> numbers;
    for (std::uint32_t i = 0; i < earlier.size(); ++i) numbers.emplace(earlier[i], i);
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (const auto known = numbers.find(names[i]); known != numbers.end()) to_[i] = known->second;
    }
  }

  std::uint32_t operator()(std::uint32_t from) {
    if (to_[from] == std::numeric_limits<std::uint32_t>::max()) {
      to_[from] = static_cast<std::uint32_t>(used_.size());
      used_.push_back(names_[from]);
    }
    return to_[from];
  }
  [[nodiscard]] std::vector<std::string> used() && { return std::move(used_); }

 private:
  const std::vector<std::string>& names_;
  std::vector<std::uint32_t> to_;
  std::vector<std::string> used_;
};

}  // namespace

std::uint32_t NameUses::List::of(const std::string& name) {
  const auto [it, fresh] = index.emplace(name, static_cast<std::uint32_t>(names.size()));
  if (fresh) names.push_back(name);
  return it->second;
}

void NameUses::note(const Draft& draft, bool loads, const LineReader& reader) {
  for (const StateOption& option : draft.rule.state) {
    const auto* use = std::get_if<Flowbits>(&option);
    if (use == nullptr || use->op == BitOp::unset || use->op == BitOp::is_not_set) continue;
    for (const std::uint32_t index : use->bits) {
      const std::string& name = draft.names.flowbits[index];
      const auto [it, fresh] = bits_.try_emplace(name);
      if (fresh) order_.push_back(name);
      Bit& bit = it->second;
      const bool sets = use->op == BitOp::set || use->op == BitOp::toggle;
      if (sets) (loads ? bit.set : bit.set_by_skipped) = true;
      if (!sets && loads && !bit.asked) {
        bit.asked = true;
        const std::size_t at = std::min(draft.line.find(name), draft.line.size());
        bit.where = diagnose(draft.rule.place.file, reader.place_of(draft.line.substr(at)), {});
        bit.where.sid = draft.rule.id.sid;
      }
    }
  }
}

void NameUses::adopt(Rule& rule, const Names& of_draft) {
  for (StateOption& option : rule.state) {
    map_indices(
        option, [&](std::uint32_t i) { return flowbits_.of(of_draft.flowbits[i]); },
        [&](std::uint32_t i) { return xbits_.of(of_draft.xbits[i]); },
        [&](std::uint32_t i) { return flowints_.of(of_draft.flowints[i]); });
  }
}

Names NameUses::compact(std::vector<Rule>& rules, const Names& earlier) const {
  Renumbering flowbits(flowbits_.names, earlier.flowbits);
  Renumbering xbits(xbits_.names, earlier.xbits);
  Renumbering flowints(flowints_.names, earlier.flowints);
  for (Rule& rule : rules) {
    for (StateOption& option : rule.state) {
      map_indices(
          option, [&](std::uint32_t i) { return flowbits(i); }, [&](std::uint32_t i) { return xbits(i); },
          [&](std::uint32_t i) { return flowints(i); });
    }
  }
  return {std::move(flowbits).used(), std::move(xbits).used(), std::move(flowints).used()};
}

void NameUses::warn(std::vector<Diagnostic>& warnings) const {
  for (const std::string& name : order_) {
    const Bit& bit = bits_.at(name);
    if (!bit.asked || bit.set) continue;
    Diagnostic warning = bit.where;
    warning.message =
        "the flowbit `" + name + "` is asked for and no loaded rule sets it: this can never match";
    if (bit.set_by_skipped) warning.remedy = "the rules that set it were skipped";
    warnings.push_back(std::move(warning));
  }
}

}  // namespace lockstep::signatures
