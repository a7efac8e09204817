#include "tests/oracle/generator.hpp"

namespace lockstep::oracle {
namespace {

void choose_connection(Draft& draft) {
  Random& random = draft.random;
  Scenario& scenario = draft.scenario;
  scenario.ipv6 = random.chance(30);
  scenario.host_connects = random.chance(25);
  scenario.service = random.chance(15)   ? Service::small_window
                     : random.chance(12) ? Service::fast_open
                                         : Service::plain;
  scenario.timestamps = random.chance(60);
  scenario.sack = random.chance(75);
  if (random.chance(25)) scenario.window_scale.reset();
  if (random.chance(5)) scenario.window_scale = random.between<std::uint8_t>(0, 16);
  // Near the wrap of the numbers, near the sign change of a difference, or anywhere.
  scenario.isn = random.chance(20)   ? 0xffff'ffffU - static_cast<std::uint32_t>(random.below(300))
                 : random.chance(12) ? 0x7fff'ffffU - static_cast<std::uint32_t>(random.below(300))
                                     : static_cast<std::uint32_t>(random.next());
}

}  // namespace

void Draft::add_somewhere(std::size_t from, Step step) {
  const std::size_t at = random.between(from, scenario.steps.size());
  scenario.steps.insert(scenario.steps.begin() + static_cast<std::ptrdiff_t>(at), std::move(step));
}

Scenario hostile_scenario(std::uint64_t seed) {
  Draft draft(seed);
  Random& random = draft.random;
  choose_connection(draft);
  const std::size_t before = random.chance(30) ? 0 : random.below(random.chance(10) ? 3000 : 60);
  const std::size_t after = random.below(40);
  draft.scenario.stream = draft.fill(before) + signature + draft.fill(after);
  if (random.chance(40)) {
    handshake(draft);
  } else {
    plain_handshake(draft);
  }
  const std::size_t established = draft.scenario.steps.size();
  if (random.chance(15)) draft.add(Step::Kind::writes, random.between(1U, 200U));
  data_phase(draft);
  if (random.chance(35)) control_tricks(draft, established);
  if (random.chance(60)) draft.add(Step::Kind::catch_up, random.pick({7U, 64U, 1400U}));
  if (random.chance(15)) ending(draft);
  return std::move(draft.scenario);
}

Scenario honest_scenario(std::uint64_t seed) {
  Draft draft(seed);
  Random& random = draft.random;
  choose_connection(draft);
  draft.scenario.honest = true;
  draft.name("honest");
  draft.scenario.stream = draft.fill(random.between<std::size_t>(1, random.chance(20) ? 6000 : 400));
  // Farther than a window reaches whose scale was not heeded.
  const bool far = random.chance(1) && draft.scenario.service == Service::plain;
  if (far) draft.scenario.stream = draft.fill(random.between<std::size_t>(70'000, 90'000));
  plain_handshake(draft);
  const std::size_t established = draft.scenario.steps.size();
  // In order or nearly, some of it lost; what is missing comes with the repeats.
  const bool small = draft.scenario.service == Service::small_window;
  const bool full = small && random.chance(40);  // its window closes
  if (full) draft.scenario.stream = draft.fill(random.between<std::size_t>(5000, 9000));
  const std::size_t mss = far || full ? 1400U : random.pick({11U, 100U, 536U, 1400U});
  const std::size_t whole = draft.scenario.stream.size();
  for (std::size_t at = 0; at < whole; at += mss) {
    Step step;
    step.seq = static_cast<std::int64_t>(at);
    step.payload = draft.good(at, mss);
    step.flags = 24;
    step.lost = random.chance(6);
    step.lost_before = random.chance(6);
    step.answers_lost = random.chance(6);
    step.answers_lost_late = random.chance(6);
    draft.add(step);
    // The window that opens may go untold: then a probe has to ask for it.
    if (!full && random.chance(15)) draft.add(Step::Kind::reads).answers_lost = small && random.chance(50);
    if (random.chance(5)) draft.add(Step::Kind::writes, random.between(1U, 300U));
  }
  const std::size_t count = random.between<std::size_t>(1, 6);
  for (std::size_t i = 0; i < count; ++i) noise(draft, established);
  draft.add(Step::Kind::reads).answers_lost = small && random.chance(50);
  draft.add(Step::Kind::catch_up, static_cast<std::uint32_t>(mss));
  return std::move(draft.scenario);
}

}  // namespace lockstep::oracle
