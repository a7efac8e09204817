#include "signatures/rule_order.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace lockstep::signatures {
namespace {

bool is_read(BitOp op) {
  return op == BitOp::is_set || op == BitOp::is_not_set;
}
bool is_read(Flowint::Op op) {
  return op != Flowint::Op::assign && op != Flowint::Op::add && op != Flowint::Op::subtract;
}

// 0: writes, 1: writes and reads, 2: reads, 3: neither.
template <typename Option>
int use_of(const Rule& rule) {
  bool writes = false;
  bool reads = false;
  for (const StateOption& option : rule.state)
    if (const auto* used = std::get_if<Option>(&option)) (is_read(used->op) ? reads : writes) = true;
  if (writes) return reads ? 1 : 0;
  return reads ? 2 : 3;
}

std::size_t place_of(Action action, const std::array<Action, 4>& order) {
  if (action == Action::reject_dst || action == Action::reject_both) action = Action::reject;
  return static_cast<std::size_t>(std::find(order.begin(), order.end(), action) - order.begin());
}

}  // namespace

std::vector<std::uint32_t> evaluation_order(const std::vector<Rule>& rules,
                                            const std::array<Action, 4>& action_order) {
  using Key = std::tuple<std::size_t, int, int, int, unsigned, RuleId>;
  std::vector<Key> keys;
  keys.reserve(rules.size());
  for (const Rule& rule : rules)
    keys.emplace_back(place_of(rule.action, action_order), use_of<Flowbits>(rule), use_of<Flowint>(rule),
                      use_of<Xbits>(rule), rule.priority, rule.id);
  std::vector<std::uint32_t> order(rules.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t left, std::uint32_t right) { return keys[left] < keys[right]; });
  return order;
}

}  // namespace lockstep::signatures
