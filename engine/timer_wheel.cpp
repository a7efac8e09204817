#include "engine/timer_wheel.hpp"

#include <algorithm>
#include <bit>

namespace lockstep {

TimerWheel::~TimerWheel() {
  for (auto& level : levels_) {
    for (auto& list : level.lists) list.clear();
  }
  due_.clear();
}

std::uint64_t TimerWheel::tick_at_or_before(Timestamp time) {
  const auto second = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
  return second <= 0 ? 0 : static_cast<std::uint64_t>(second);
}

void TimerWheel::schedule(WheelNode& node, Timestamp deadline) {
  cancel(node);
  const bool whole = deadline.time_since_epoch() % std::chrono::seconds(1) == Duration::zero();
  const std::uint64_t tick = tick_at_or_before(deadline) + (whole ? 0U : 1U);
  node.tick_ = std::max(tick, now_ + 1);
  place(node);
  ++size_;
}

void TimerWheel::cancel(WheelNode& node) {
  if (!node.is_linked()) return;
  node.unlink();
  --size_;
}

// The level is the lowest on which the tick's slot is not the one that now_ stands in.
void TimerWheel::place(WheelNode& node) {
  const std::uint64_t differing = node.tick_ ^ now_;
  const unsigned level =
      differing == 0 ? 0U : (static_cast<unsigned>(std::bit_width(differing)) - 1U) / slot_bits;
  const std::size_t slot = (node.tick_ >> (level * slot_bits)) & (slots - 1);
  levels_[level].lists[slot].push_back(node);
  levels_[level].maybe_occupied[slot / 64] |= std::uint64_t{1} << (slot % 64);
}

std::size_t TimerWheel::first_occupied(Level& level, std::size_t from) const {
  for (std::size_t slot = from; slot < slots;) {
    auto& word = level.maybe_occupied[slot / 64];
    const std::uint64_t rest = word >> (slot % 64);
    if (rest == 0) {
      slot = (slot / 64 + 1) * 64;
      continue;
    }
    slot += static_cast<std::size_t>(std::countr_zero(rest));
    if (!level.lists[slot].empty()) return slot;
    word &= ~(std::uint64_t{1} << (slot % 64));
  }
  return slots;
}

bool TimerWheel::step(std::uint64_t target) {
  if (now_ >= target) return false;
  if (size_ == 0) {
    now_ = target;
    return false;
  }
  for (unsigned level = 0; level < levels; ++level) {
    const unsigned shift = level * slot_bits;
    const std::size_t slot = first_occupied(levels_[level], ((now_ >> shift) & (slots - 1)) + 1);
    if (slot == slots) continue;
    const std::uint64_t block = now_ >> (shift + slot_bits) << slot_bits;
    const std::uint64_t tick = (block | slot) << shift;
    now_ = std::min(tick, target);
    if (tick > target) return false;
    cascade();
    return true;
  }
  // Not reached while size_ counts what the slots hold: each node is placed after now_.
  now_ = target;
  return false;
}

// now_ has just entered a slot of some level: what waits there belongs to lower levels, or is due.
void TimerWheel::cascade() {
  for (unsigned level = levels; level-- > 0;) {
    const unsigned shift = level * slot_bits;
    if ((now_ & ((std::uint64_t{1} << shift) - 1)) != 0) continue;
    List& list = levels_[level].lists[(now_ >> shift) & (slots - 1)];
    while (!list.empty()) {
      WheelNode& node = list.front();
      list.pop_front();
      if (node.tick_ == now_) {
        due_.push_back(node);
      } else {
        place(node);
      }
    }
  }
}

}  // namespace lockstep
