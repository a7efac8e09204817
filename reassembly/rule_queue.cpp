#include "reassembly/rule_queue.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace lockstep::reassembly {

bool newcomer_wins(OverlapRule rule, Run newcomer, Run present) {
  const bool starts_before = newcomer.begin < present.begin;
  const bool starts_together = newcomer.begin == present.begin;
  switch (rule) {
    case OverlapRule::first:
      return false;
    case OverlapRule::last:
      return true;
    case OverlapRule::bsd:
      return starts_before;
    case OverlapRule::old_linux:
      return starts_before || (starts_together && newcomer.end >= present.end);
    case OverlapRule::linux_rule:
      return starts_before || (starts_together && newcomer.end > present.end);
    case OverlapRule::solaris:
      return newcomer.end > present.end || (newcomer.end == present.end && newcomer.begin <= present.begin);
  }
  return false;
}

void RuleQueue::take(std::uint32_t arrival) {
  const Arrival& it = arrivals_[arrival];
  if (delivers_ && it.in_order > in_order_) {
    in_order_ = it.in_order;
    advance();
  }
  const StreamOffset begin = std::max(it.begin, in_order_);
  if (begin >= it.end) return;

  defended_.clear();
  const Run newcomer{trimmed_ ? begin : it.begin, it.end};
  if (trimmed_) {
    for (auto piece = first_ending_after(begin); piece != pieces_.end() && piece->begin < it.end; ++piece) {
      defend(newcomer, {piece->begin, piece->end});
    }
  } else {
    for (const Arrival& before : arrivals_.first(arrival)) defend(newcomer, {before.begin, before.end});
    std::sort(defended_.begin(), defended_.end(),
              [](const Run& a, const Run& b) { return a.begin < b.begin; });
  }

  StreamOffset from = begin;
  for (const Run& run : defended_) {
    if (run.begin > from) overwrite(arrival, from, run.begin);
    from = std::max(from, run.end);
  }
  if (from < it.end) overwrite(arrival, from, it.end);
  advance();
}

void RuleQueue::defend(Run newcomer, Run present) {
  const Run shared{std::max(newcomer.begin, present.begin), std::min(newcomer.end, present.end)};
  if (shared.begin < shared.end && !newcomer_wins(rule_, newcomer, present)) defended_.push_back(shared);
}

void RuleQueue::overwrite(std::uint32_t arrival, StreamOffset begin, StreamOffset end) {
  const auto first = first_ending_after(begin);
  auto last = first;
  std::array<Piece, 3> parts;
  std::size_t count = 0;
  if (first != pieces_.end() && first->begin < begin) parts[count++] = {first->begin, begin, first->arrival};
  parts[count++] = {begin, end, arrival};
  while (last != pieces_.end() && last->begin < end) ++last;
  if (last != first && std::prev(last)->end > end) {
    parts[count++] = {end, std::prev(last)->end, std::prev(last)->arrival};
  }
  const auto reused = std::min(static_cast<std::size_t>(last - first), count);
  const auto rest = std::copy_n(parts.begin(), reused, first);
  if (reused < count) {
    pieces_.insert(rest, parts.begin() + static_cast<std::ptrdiff_t>(reused),
                   parts.begin() + static_cast<std::ptrdiff_t>(count));
  } else {
    pieces_.erase(rest, last);
  }
}

std::vector<Piece>::iterator RuleQueue::first_ending_after(StreamOffset offset) {
  return std::partition_point(pieces_.begin(), pieces_.end(),
                              [offset](const Piece& piece) { return piece.end <= offset; });
}

void RuleQueue::advance() {
  if (!delivers_) return;
  for (auto piece = first_ending_after(in_order_); piece != pieces_.end() && piece->begin <= in_order_;
       ++piece) {
    in_order_ = piece->end;
  }
}

}  // namespace lockstep::reassembly
