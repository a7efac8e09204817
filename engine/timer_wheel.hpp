// Deadlines of many nodes: five levels of 256 slots, the lowest of one second each, so every second from 1970
// to the end of Timestamp has its place (earlier ones count as 1970). A node fires in the first advance() at
// or after its deadline, never before it, at most one second (and what the budget holds back) late.
//
// Meant for lazy use: whoever is touched stores the time and leaves the wheel alone; when the old deadline
// comes, the handler answers with the new one. schedule() and cancel() are O(1); a node is moved at most four
// times between schedule() and its deadline. Time that goes back is taken as standing still. Not for several
// threads.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <boost/intrusive/list.hpp>

#include "reassembly/time.hpp"

namespace lockstep {

using reassembly::Duration;
using reassembly::Timestamp;

struct WheelTag;
// Base of what a wheel holds. Must be cancelled before it dies.
class WheelNode
    : public boost::intrusive::list_base_hook<boost::intrusive::tag<WheelTag>,
                                              boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  [[nodiscard]] bool scheduled() const { return is_linked(); }

 private:
  friend class TimerWheel;
  std::uint64_t tick_ = 0;
};

class TimerWheel {
 public:
  TimerWheel() = default;
  ~TimerWheel();
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Replaces an earlier deadline. One that has passed fires in the next second.
  void schedule(WheelNode& node, Timestamp deadline);
  void cancel(WheelNode& node);

  // Calls `handler(node) -> std::optional<Timestamp>` for the nodes whose deadline has come, in order of
  // their seconds, `budget` at most; the others fire in later calls. The node is out of the wheel when it is
  // handed over and may be destroyed; a value schedules it anew. The handler may schedule and cancel other
  // nodes. Returns how many calls were made.
  template <class Handler>
  std::size_t advance(Timestamp now, std::size_t budget, Handler&& handler) {
    const std::uint64_t target = tick_at_or_before(now);
    std::size_t calls = 0;
    do {
      while (!due_.empty()) {
        if (calls == budget) return calls;
        WheelNode& node = due_.front();
        cancel(node);
        ++calls;
        if (const std::optional<Timestamp> next = handler(node)) schedule(node, *next);
      }
    } while (step(target));
    return calls;
  }

  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  static constexpr unsigned levels = 5;
  static constexpr unsigned slot_bits = 8;
  static constexpr std::size_t slots = std::size_t{1} << slot_bits;

  using List = boost::intrusive::list<
      WheelNode,
      boost::intrusive::base_hook<boost::intrusive::list_base_hook<
          boost::intrusive::tag<WheelTag>, boost::intrusive::link_mode<boost::intrusive::auto_unlink>>>,
      boost::intrusive::constant_time_size<false>>;
  struct Level {
    std::array<List, slots> lists;
    std::array<std::uint64_t, slots / 64> maybe_occupied{};  // a cancelled node leaves its bit behind
  };

  [[nodiscard]] static std::uint64_t tick_at_or_before(Timestamp time);
  void place(WheelNode& node);
  // Moves on to the next second, at most `target`, at which something may be due, and puts that into due_.
  // False when target is reached.
  bool step(std::uint64_t target);
  void cascade();
  [[nodiscard]] std::size_t first_occupied(Level& level, std::size_t from) const;

  std::array<Level, levels> levels_;
  List due_;
  std::uint64_t now_ = 0;  // seconds since 1970, the last one taken out; nothing is placed at or before it
  std::size_t size_ = 0;
};

}  // namespace lockstep
