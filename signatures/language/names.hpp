// The names of flowbits, xbits and flowints over all rules: who sets one, who asks for one, and the indices
// that the loaded rules share.
#pragma once
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "signatures/language/draft.hpp"
#include "signatures/language/lines.hpp"

namespace lockstep::signatures {

// Applies one mapping a list to every index that a state option holds.
template <typename Flowbit, typename Xbit, typename Int>
void map_indices(StateOption& option, Flowbit flowbit, Xbit xbit, Int flowint) {
  if (auto* bits = std::get_if<Flowbits>(&option)) {
    for (std::uint32_t& bit : bits->bits) bit = flowbit(bit);
  } else if (auto* host = std::get_if<Xbits>(&option)) {
    host->bit = xbit(host->bit);
  } else if (auto* number = std::get_if<Flowint>(&option)) {
    number->variable = flowint(number->variable);
    if (number->other >= 0)
      number->other = static_cast<std::int32_t>(flowint(static_cast<std::uint32_t>(number->other)));
  }
}

class NameUses {
 public:
  // Remembers what a rule sets and asks for, be it loaded or skipped.
  void note(const Draft& draft, bool loads, const LineReader& reader);

  // Replaces the draft's indices by those of the whole set.
  void adopt(Rule& rule, const Names& of_draft);

  // `earlier` and behind them the further names that the rules use, each once; renumbers the rules
  // accordingly.
  [[nodiscard]] Names compact(std::vector<Rule>& rules, const Names& earlier) const;

  // One warning for each flowbit that is asked for and that no loaded rule sets.
  void warn(std::vector<Diagnostic>& warnings) const;

 private:
  struct Bit {
    bool set = false;  // by a rule that loaded
    bool set_by_skipped = false;
    bool asked = false;  // isset in a rule that loaded
    Diagnostic where;
  };
  struct List {
    std::vector<std::string> names;
    std::unordered_map<std::string, std::uint32_t> index;
    std::uint32_t of(const std::string& name);
  };

  std::unordered_map<std::string, Bit> bits_;
  std::vector<std::string> order_;  // of bits_, by first mention
  List flowbits_, xbits_, flowints_;
};

}  // namespace lockstep::signatures
