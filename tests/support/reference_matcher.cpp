#include "tests/support/reference_matcher.hpp"

#include <algorithm>
#include <numeric>
#include <set>
#include <tuple>

#include "tests/support/reference_options.hpp"

namespace lockstep::signatures::reference {
namespace {

bool judged_on_stream(const Rule& rule) {
  return rule.inspection == Inspection::stream || rule.inspection == Inspection::packet_and_stream;
}

bool holds_from(std::span<const PayloadOption> options, const Buffer& buffer, const Cursor& cursor) {
  if (options.empty()) return true;
  for (const auto& after : outcomes(options.front(), buffer, cursor)) {
    if (holds_from(options.subspan(1), buffer, after)) return true;
  }
  return false;
}

bool writes(BitOp op) {
  return op == BitOp::set || op == BitOp::unset || op == BitOp::toggle;
}

class Flowbitset {
 public:
  [[nodiscard]] bool allow(const Rule& rule) const {
    return std::all_of(rule.state.begin(), rule.state.end(), [&](const StateOption& option) {
      const auto* flowbits = std::get_if<Flowbits>(&option);
      if (flowbits == nullptr || writes(flowbits->op)) return true;
      const bool wanted = flowbits->op == BitOp::is_set;
      return std::any_of(flowbits->bits.begin(), flowbits->bits.end(),
                         [&](std::uint32_t bit) { return bits_.contains(bit) == wanted; });
    });
  }

  void apply(const Rule& rule) {
    for (const auto& option : rule.state) {
      const auto* flowbits = std::get_if<Flowbits>(&option);
      if (flowbits == nullptr || !writes(flowbits->op)) continue;
      for (const auto bit : flowbits->bits) {
        const bool present = bits_.contains(bit);
        if (flowbits->op == BitOp::unset || (flowbits->op == BitOp::toggle && present)) {
          bits_.erase(bit);
        } else {
          bits_.insert(bit);
        }
      }
    }
  }

 private:
  std::set<std::uint32_t> bits_;
};

bool drops(const Rule& rule) {
  return rule.action != Action::pass && rule.action != Action::alert;
}

int action_rank(Action action) {
  switch (action) {
    case Action::pass:
      return 0;
    case Action::drop:
      return 1;
    case Action::reject:
    case Action::reject_dst:
    case Action::reject_both:
      return 2;
    case Action::alert:
      return 3;
  }
  return 3;
}

int flowbits_rank(const Rule& rule) {
  bool any_write = false;
  bool any_read = false;
  for (const auto& option : rule.state) {
    if (const auto* flowbits = std::get_if<Flowbits>(&option)) {
      (writes(flowbits->op) ? any_write : any_read) = true;
    }
  }
  if (any_write) return any_read ? 1 : 0;
  return any_read ? 2 : 3;
}

std::vector<std::size_t> order_of(std::span<const Rule> rules) {
  std::vector<std::size_t> order(rules.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto key = [&](std::size_t i) {
    const auto& rule = rules[i];
    return std::tuple(action_rank(rule.action), flowbits_rank(rule), rule.priority, rule.id.gid, rule.id.sid,
                      i);
  };
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  return order;
}

enum class Ending { none, packet, direction };

class Run {
 public:
  Run(std::span<const Rule> rules, const Stream& stream, std::uint64_t window)
      : rules_(rules),
        stream_(stream),
        window_(window),
        order_(order_of(rules)),
        last_fire_(rules.size(), 0) {}

  std::vector<Fire> all() {
    const std::uint64_t length = stream_.bytes.size();
    for (std::uint64_t end = 1; end <= length; ++end) {
      judge(end, Ending::none);
      if (ends_packet(end)) judge(end, Ending::packet);
    }
    if (stream_.ended && length > 0) judge(length, Ending::direction);
    std::sort(fires_.begin(), fires_.end());
    return fires_;
  }

 private:
  // Where the end comes with the last packet, the direction has ended there for every rule.
  [[nodiscard]] bool ends_packet(std::uint64_t end) const {
    const auto& ends = stream_.packet_ends;
    const bool with_end = end == stream_.bytes.size() && stream_.ended && !stream_.end_apart;
    return !with_end && std::binary_search(ends.begin(), ends.end(), end);
  }

  void judge(std::uint64_t end, Ending ending) {
    for (bool again = true; again;) {
      again = false;
      for (const auto i : order_) again = judge_one(i, end, ending) || again;
    }
  }

  bool judge_one(std::size_t i, std::uint64_t end, Ending ending) {
    const auto& rule = rules_[i];
    if (!judged_on_stream(rule) || last_fire_[i] == end || !bits_.allow(rule)) return false;
    const bool whole = ending == Ending::direction || (ending == Ending::packet && drops(rule));
    if (!holds_from(rule.payload, buffer(i, end, whole), Cursor{})) return false;
    const bool early = ending == Ending::packet && !holds_from(rule.payload, buffer(i, end, false), Cursor{});
    last_fire_[i] = end;
    bits_.apply(rule);
    fires_.push_back({.end = end, .rule = i, .early = early});
    return true;
  }

  [[nodiscard]] Buffer buffer(std::size_t i, std::uint64_t end, bool ended) const {
    const std::uint64_t reach = end > window_ ? end - window_ : 0;
    return {.stream = stream_.bytes,
            .fired = static_cast<Position>(last_fire_[i]),
            .begin = static_cast<Position>(std::max(last_fire_[i], reach)),
            .end = static_cast<Position>(end),
            .ended = ended};
  }

  std::span<const Rule> rules_;
  const Stream& stream_;
  std::uint64_t window_;
  std::vector<std::size_t> order_;
  std::vector<std::uint64_t> last_fire_;
  Flowbitset bits_;
  std::vector<Fire> fires_;
};

}  // namespace

bool covers(const Rule& rule) {
  return rule.packet.empty() &&
         std::all_of(rule.state.begin(), rule.state.end(),
                     [](const StateOption& option) { return std::holds_alternative<Flowbits>(option); });
}

std::vector<Fire> fires(std::span<const Rule> rules, const Stream& stream, std::uint64_t window) {
  return Run(rules, stream, window).all();
}

}  // namespace lockstep::signatures::reference
