// RST, FIN and SYN inside a connection, what the host's application does, and how it all ends.
#include <algorithm>
#include <array>

#include "tests/oracle/generator.hpp"

namespace lockstep::oracle {
namespace {

Step control(int flags, From from, std::int64_t seq) {
  Step step;
  step.flags = flags;
  step.from = from;
  step.seq = seq;
  return step;
}

Step application(Step::Kind kind, std::uint32_t size = 0) {
  Step step;
  step.kind = kind;
  step.size = size;
  return step;
}

using ControlTrick = void (*)(Draft&, std::size_t);

constexpr std::array tricks{
    +[](Draft& draft, std::size_t from) {
      draft.name("rst-in-window");  // R02, R03, R22
      Step step = control(draft.random.pick({4, 20}), From::acked,
                          draft.random.pick<std::int64_t>({1, 5, 30'000, -1, -100, 10'000'000}));
      draft.add_somewhere(from, step);
    },
    +[](Draft& draft, std::size_t from) {
      draft.name("rst-refused");  // R05, R07
      Step step = control(4, From::acked, 0);
      step.timestamps = false;
      if (draft.random.chance(50)) {
        step.bad_checksum = true;
      } else {
        step.options = {19, 18, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
      }
      draft.add_somewhere(from, step);
    },
    +[](Draft& draft, std::size_t from) {
      draft.name("rst-lost");  // R06, R17, R19
      Step step = control(draft.random.pick({4, 20}), From::acked, 0);
      step.lost = true;
      draft.add_somewhere(from, step);
    },
    +[](Draft& draft, std::size_t from) {
      draft.name("rst-sack-edge");  // R13
      Step step = control(4, From::sack, draft.random.pick<std::int64_t>({0, 0, 0, 1, -1}));
      step.lost = draft.random.chance(25);
      const auto& steps = draft.scenario.steps;
      // Often first of all, while nothing else can have ended the connection.
      const std::size_t last = draft.random.chance(50) ? from : steps.size();
      auto at = static_cast<std::ptrdiff_t>(draft.random.between(from, last));
      if (draft.random.chance(85)) {  // something ahead of a hole, so that there is an edge
        Step ahead = control(24, From::acked, draft.random.between<std::int64_t>(3, 30));
        ahead.payload = draft.fill(4);
        draft.scenario.steps.insert(steps.begin() + at++, ahead);
      }
      draft.scenario.steps.insert(steps.begin() + at, step);
    },
    +[](Draft& draft, std::size_t from) {
      draft.name("rst-fin-edge");  // R14: the number of a FIN that was acknowledged
      draft.add_somewhere(from, control(17, From::acked, 0));
      Step step = control(4, From::acked, draft.random.pick<std::int64_t>({-1, -1, -1, 0, -2}));
      step.lost = draft.random.chance(20);
      // Behind the FIN, at once: what comes in between may be beyond it.
      for (std::size_t i = from; i < draft.scenario.steps.size(); ++i) {
        if (draft.scenario.steps[i].flags != 17) continue;
        draft.scenario.steps.insert(draft.scenario.steps.begin() + static_cast<std::ptrdiff_t>(i) + 1, step);
        break;
      }
    },
    +[](Draft& draft, std::size_t from) {
      draft.name("urgent-in-line");  // U06
      draft.add_somewhere(from, application(Step::Kind::keeps_urgent));
    },
    +[](Draft& draft, std::size_t from) {
      draft.name("rst-odd");  // R08-R12, R15, R16
      Step step = control(draft.random.pick({4, 20, 0x3f, 6, 5}), From::acked,
                          draft.random.pick<std::int64_t>({0, -4, 4}));
      step.value_delta = draft.random.pick({0, -100'000});
      step.ack = draft.random.pick<std::int64_t>({0, 10'000, -100'000});
      step.payload = draft.fill(draft.random.below(9));
      step.lost = draft.random.chance(50);
      draft.add_somewhere(from, step);
    },
    +[](Draft& draft, std::size_t from) {
      draft.name("fin-ahead");  // C02, C04
      Step step = control(17, From::start,
                          static_cast<std::int64_t>(draft.random.below(draft.scenario.stream.size() + 20)));
      step.payload = draft.fill(draft.random.chance(50) ? 0 : draft.random.below(9));
      step.lost = draft.random.chance(25);
      draft.add_somewhere(from, step);
    },
    +[](Draft& draft, std::size_t from) {
      draft.name("fin-refused");  // C01, C03
      Step step = control(17, From::acked, 0);
      refuse(draft, step);
      draft.add_somewhere(from, step);
    },
    +[](Draft& draft, std::size_t from) {
      draft.name("syn-inside");  // D14
      Step step = control(draft.random.pick({2, 18, 19}), From::acked,
                          draft.random.pick<std::int64_t>({0, -1, 100, 0x3000'0000}));
      step.payload = draft.fill(draft.random.below(9));
      step.lost = draft.random.chance(40);
      draft.add_somewhere(from, step);
    },
    +[](Draft& draft, std::size_t from) {
      draft.name("bare-ack");  // D02, D06, D28, D29
      Step step = control(16, From::acked, 0);
      step.ack = draft.random.pick<std::int64_t>({0, 0, 1000, -1000});
      step.value_delta = draft.random.pick({0, 0, 500, -100'000});
      if (draft.random.chance(30)) step.options = {5, 10, 1, 2, 3, 4, 1, 2, 3, 99};
      draft.add_somewhere(from, step);
    },
    +[](Draft& draft, std::size_t from) {
      draft.name("poisoned-timestamp");  // D06
      Step step = control(16, From::acked, draft.random.pick<std::int64_t>({0, 0, 50}));
      step.value_delta = draft.random.pick({0x7000'0000, 0x4000'0000, 5000});
      step.lost = draft.random.chance(70);
      draft.add_somewhere(from, step);
    },
    +[](Draft& draft, std::size_t from) {
      draft.name("pause");
      draft.add_somewhere(from, application(Step::Kind::pauses, draft.random.pick({600U, 5000U})));
    },
    +[](Draft& draft, std::size_t from) {
      draft.add_somewhere(from, application(Step::Kind::writes, draft.random.between(1U, 4000U)));
    },
    +[](Draft& draft, std::size_t from) {
      draft.name("half-close");  // C07, C08
      draft.add_somewhere(from, application(Step::Kind::half_closes));
    },
};

}  // namespace

void control_tricks(Draft& draft, std::size_t from) {
  do {
    draft.random.pick(tricks)(draft, from);
  } while (draft.random.chance(50));
}

void ending(Draft& draft) {
  Random& random = draft.random;
  const auto whole = static_cast<std::int64_t>(draft.scenario.stream.size());
  switch (random.below(4)) {
    case 0:
      draft.name("reset-and-reuse");  // C10
      draft.add(control(4, From::acked, 0)).lost = random.chance(30);
      break;
    case 1:
      draft.name("time-wait-reuse");  // C11
      draft.add(application(Step::Kind::closes));
      draft.add(control(17, From::acked, 0));
      draft.add(control(16, From::acked, 1));
      break;
    case 2:
      draft.name("close-and-reuse");
      draft.add(control(17, From::start, whole));
      draft.add(application(Step::Kind::closes));
      draft.add(control(16, From::start, whole + 1));
      break;
    default:
      draft.name("reuse-without-close");  // D14
      break;
  }
  if (random.chance(30)) {  // C05, C06
    Step late = control(24, From::acked, random.pick<std::int64_t>({0, 1}));
    late.payload = signature;
    draft.add(late);
  }
  reopen(draft);
  draft.add(Step::Kind::catch_up, random.pick({9U, 1400U}));
}

namespace {

// The host keeps it in its queue, until the honest data write over it: section 0, point 10. It must be ahead
// of all that was sent by then: at its end it would be in order, had nothing been lost.
void fin_noise(Draft& draft, std::size_t from) {
  const auto& steps = draft.scenario.steps;
  const std::size_t at = draft.random.between(from, steps.size());
  std::size_t sent = 0;
  for (std::size_t i = 0; i < at; ++i) {
    if (steps[i].forged || steps[i].payload.empty()) continue;
    sent = std::max(sent, static_cast<std::size_t>(steps[i].seq) + steps[i].payload.size());
  }
  const std::size_t whole = draft.scenario.stream.size();
  if (sent + 1 >= whole) return;
  draft.name("fin-noise");
  Step step = control(17, From::start, static_cast<std::int64_t>(draft.random.between(sent + 1, whole - 1)));
  step.forged = true;
  draft.scenario.steps.insert(steps.begin() + static_cast<std::ptrdiff_t>(at), step);
}

// What it knows up to the right edge, what it does not know beyond: D19. A host whose queue holds something
// refuses the whole.
void edge_noise(Draft& draft, std::size_t from) {
  draft.name("edge-noise");
  Step step = control(24, From::edge, -draft.random.between<std::int64_t>(1, 40));
  step.known = static_cast<std::size_t>(-step.seq);
  step.payload = draft.fill(step.known + draft.random.between<std::size_t>(1, 300));
  step.forged = true;
  // An edge that is not the host's last word lies within its window.
  for (Step& other : draft.scenario.steps) {
    if (!other.forged) other.answers_lost = other.answers_lost_late = false;
  }
  draft.add_somewhere(from, step);
}

// Inside what the host holds, though its word of it got lost: C04 the other way round.
void covered_fin(Draft& draft, std::size_t from) {
  auto& steps = draft.scenario.steps;
  const std::size_t at = draft.random.between(from, steps.size() - 1);
  Step& honest = steps[at];
  const bool sent = !honest.forged && honest.payload.size() > 1 && !honest.lost && !honest.lost_before;
  if (!sent || draft.scenario.service == Service::small_window) return;
  draft.name("covered-fin");
  honest.answers_lost = true;
  Step step = control(17, From::start,
                      honest.seq + draft.random.between<std::int64_t>(
                                       1, static_cast<std::int64_t>(honest.payload.size()) - 1));
  step.forged = true;
  steps.insert(steps.begin() + static_cast<std::ptrdiff_t>(at) + 1, step);
}

// Ahead of all that comes, so that the host takes no notice of its timestamp: D06.
void ahead_noise(Draft& draft, std::size_t from) {
  draft.name("timestamp-ahead");
  Step step = control(16, From::start, static_cast<std::int64_t>(draft.scenario.stream.size()) + 10);
  step.value_delta = draft.random.pick({0x4000'0000, 100'000});
  step.forged = true;
  draft.add_somewhere(from, step);
}

}  // namespace

// What a forger beside an honest peer may send and the host refuses.
void noise(Draft& draft, std::size_t from) {
  Random& random = draft.random;
  if (random.chance(8)) return fin_noise(draft, from);
  if (random.chance(6)) return covered_fin(draft, from);
  if (random.chance(4)) return ahead_noise(draft, from);
  if (random.chance(draft.scenario.service == Service::small_window ? 30 : 2)) return edge_noise(draft, from);
  Step step;
  const std::size_t whole = draft.scenario.stream.size();
  step.seq = static_cast<std::int64_t>(random.below(whole));
  step.payload = random.chance(70) ? draft.fill(random.between<std::size_t>(1, 200)) : "";
  step.flags = step.payload.empty() ? random.pick({16, 17, 4, 20}) : random.pick({24, 24, 25});
  const bool reset = (step.flags & 4) != 0;
  if (reset && random.chance(60)) {
    draft.name("rst-noise");
    step.from = From::acked;
    step.seq = random.pick<std::int64_t>({-1, -100, 100'000'000});
    step.payload.clear();
  } else if (!reset) {
    refuse_silently(draft, step);
  } else {
    step.from = From::acked;
    step.seq = 0;
    step.bad_checksum = true;
  }
  step.forged = true;
  draft.add_somewhere(from, step);
}

}  // namespace lockstep::oracle
