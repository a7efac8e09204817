#include "engine/timer_wheel.hpp"

#include <cmath>
#include <deque>
#include <map>

#include <rapidcheck.h>

#include "tests/engine/tables_support.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep;
using namespace lockstep::test;
using std::chrono::seconds;

namespace {

struct Timer : WheelNode {
  explicit Timer(int number) : id(number) {}
  int id;
};

constexpr std::size_t unbounded = SIZE_MAX;

std::vector<int> fired(TimerWheel& wheel, Timestamp now, std::size_t budget = unbounded) {
  std::vector<int> ids;
  wheel.advance(now, budget, [&](WheelNode& node) -> std::optional<Timestamp> {
    ids.push_back(static_cast<Timer&>(node).id);
    return std::nullopt;
  });
  return ids;
}

}  // namespace

TEST_CASE("a timer fires in the second that completes its deadline, never before", "[engine][timer_wheel]") {
  const double wait = GENERATE(0.25, 1.0, 59.5, 255.0, 256.0, 257.0, 65535.0, 65536.5, 432000.0, 2e7, 3e8);
  TimerWheel wheel;
  Timer timer(1);
  fired(wheel, at(0.5));
  wheel.schedule(timer, at(0.5 + wait));
  const double whole = std::ceil(0.5 + wait);
  CHECK(fired(wheel, at(whole - 0.001)).empty());
  CHECK(timer.scheduled());
  CHECK(fired(wheel, at(whole)) == std::vector{1});
  CHECK_FALSE(timer.scheduled());
  CHECK(wheel.size() == 0);
}

TEST_CASE("a deadline of the past fires in the next second", "[engine][timer_wheel]") {
  TimerWheel wheel;
  Timer timer(1);
  fired(wheel, at(100));
  wheel.schedule(timer, at(3));
  CHECK(fired(wheel, at(100.9)).empty());
  CHECK(fired(wheel, at(101)) == std::vector{1});
}

TEST_CASE("time that goes back fires nothing and loses nothing", "[engine][timer_wheel]") {
  TimerWheel wheel;
  Timer timer(1);
  fired(wheel, at(100));
  wheel.schedule(timer, at(200));
  CHECK(fired(wheel, at(50)).empty());
  CHECK(fired(wheel, at(-1e10)).empty());
  CHECK(fired(wheel, at(200)) == std::vector{1});
}

TEST_CASE("a wheel is advanced over centuries at once", "[engine][timer_wheel]") {
  TimerWheel wheel;
  Timer soon(1), never(2);
  wheel.schedule(soon, Timestamp(seconds(10)));
  wheel.schedule(never, Timestamp::max());
  CHECK(fired(wheel, Timestamp(seconds(1))).empty());
  CHECK(fired(wheel, Timestamp::max() - seconds(2)) == std::vector{1});
  CHECK(wheel.size() == 1);
  wheel.cancel(never);
}

TEST_CASE("what a budget holds back fires in the next call, in order", "[engine][timer_wheel]") {
  TimerWheel wheel;
  std::deque<Timer> timers;
  fired(wheel, at(0));
  for (int i = 0; i < 10; ++i) wheel.schedule(timers.emplace_back(i), at(5 + std::floor(i / 4.0)));
  CHECK(fired(wheel, at(60), 3) == std::vector{0, 1, 2});
  wheel.cancel(timers[4]);
  CHECK(fired(wheel, at(60), 3) == std::vector{3, 5, 6});
  CHECK(fired(wheel, at(60)) == std::vector{7, 8, 9});
}

TEST_CASE("a handler's answer is the next deadline", "[engine][timer_wheel]") {
  TimerWheel wheel;
  Timer timer(1);
  fired(wheel, at(0));
  wheel.schedule(timer, at(10));
  int calls = 0;
  const auto again = [&](WheelNode&) -> std::optional<Timestamp> {
    return ++calls < 3 ? std::optional(at(10 + 1000 * calls)) : std::nullopt;
  };
  wheel.advance(at(10), unbounded, again);
  CHECK(calls == 1);
  wheel.advance(at(1009), unbounded, again);
  CHECK(calls == 1);
  wheel.advance(at(5000), unbounded, again);
  CHECK(calls == 3);
}

// The model: a map from node to the second at which it is due.
TEST_CASE("a wheel fires what a plain map of deadlines would", "[engine][timer_wheel][property]") {
  CHECK(rc::check([] {
    constexpr int count = 6;
    std::deque<Timer> timers;
    TimerWheel wheel;
    for (int i = 0; i < count; ++i) timers.emplace_back(i);
    std::map<int, std::int64_t> due;  // whole seconds
    std::int64_t now = *rc::gen::inRange<std::int64_t>(0, std::int64_t{1} << 32);
    fired(wheel, Timestamp(seconds(now)));
    const int steps = *rc::gen::inRange(1, 60);
    for (int step = 0; step < steps; ++step) {
      const auto span =
          *rc::gen::element<std::int64_t>(1, 3, 256, 300, 70'000, 432'000, 20'000'000, 5'000'000'000);
      constexpr std::int64_t end_of_time = 9'223'372'035;
      const auto delta = std::min(*rc::gen::inRange<std::int64_t>(0, span + 1), end_of_time - now);
      const int id = *rc::gen::inRange(0, count);
      Timer& timer = timers[static_cast<std::size_t>(id)];
      switch (*rc::gen::inRange(0, 4)) {
        case 0:
          wheel.cancel(timer);
          due.erase(id);
          break;
        case 1:
        case 2: {
          const auto part = *rc::gen::element(0, 1, 999'999'999);
          wheel.schedule(timer, Timestamp(seconds(now + delta) + std::chrono::nanoseconds(part)));
          due[id] = std::max(now + delta + (part != 0 ? 1 : 0), now + 1);
          break;
        }
        default: {
          now += delta;
          std::vector<std::pair<std::int64_t, int>> expected;
          for (const auto& [node, second] : due) {
            if (second <= now) expected.emplace_back(second, node);
          }
          std::vector<std::pair<std::int64_t, int>> got;
          for (const int node : fired(wheel, Timestamp(seconds(now)))) {
            got.emplace_back(due.at(node), node);
            due.erase(node);
          }
          RC_ASSERT(
              std::is_sorted(got.begin(), got.end(), [](auto& a, auto& b) { return a.first < b.first; }));
          std::sort(got.begin(), got.end());
          std::sort(expected.begin(), expected.end());
          RC_ASSERT(got == expected);
        }
      }
      RC_ASSERT(wheel.size() == due.size());
    }
    for (Timer& timer : timers) wheel.cancel(timer);
  }));
}
