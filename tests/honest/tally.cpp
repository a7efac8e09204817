#include "tests/honest/tally.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace lockstep::honest {
namespace {

template <class Number>
Number median(std::vector<Number> values) {
  if (values.empty()) return {};
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

void Tally::add_frames(const Scenario& scenario, const Pair& pair) {
  frames_ += pair.engine.passage.frames;
  forged_ += pair.engine.forged;
  // Where frames are often lost or late, hosts refuse some as well.
  const auto& faults = scenario.faults;
  const bool fine = std::all_of(faults.before.begin(), faults.before.end(),
                                [](const auto& rates) { return rates.loss <= 1; }) &&
                    std::all_of(faults.behind.begin(), faults.behind.end(),
                                [](const auto& rates) { return rates.loss <= 1; });
  const bool usual =
      fine && scenario.expectation == Expectation::same && !scenario.multipath && !scenario.fast_open;
  if (scenario.forger != Forger::none || !usual) return;
  honest_frames_ += pair.engine.passage.frames;
  for (const auto& [reason, count] : pair.engine.passage.changed) changed_[reason] += count;
}

void Tally::add(const Scenario& scenario, const Pair& pair, bool fleeting) {
  OfKind& of_kind = kinds_[scenario.kind];
  ++of_kind.good;
  if (fleeting) ++of_kind.fleeting;
  of_kind.took.push_back(pair.engine.took.count());
  if (pair.plain)
    of_kind.ratios.push_back(static_cast<double>(pair.engine.took.count() + 1) /
                             static_cast<double>(pair.plain->took.count() + 1));
  add_frames(scenario, pair);
}

void Tally::add_failure(const Scenario& scenario, const Pair& pair) {
  ++kinds_[scenario.kind].failed;
  add_frames(scenario, pair);
}

void Tally::add_void(const Scenario& scenario, const Pair& pair) {
  ++kinds_[scenario.kind].idle;
  add_frames(scenario, pair);
}

double Tally::ratio() const {
  std::vector<double> all;
  for (const auto& [kind, of_kind] : kinds_)
    all.insert(all.end(), of_kind.ratios.begin(), of_kind.ratios.end());
  return median(all);
}

double Tally::changed() const {
  std::uint64_t sum = 0;
  for (const auto& [reason, count] : changed_) sum += count;
  return 100.0 * static_cast<double>(sum) / static_cast<double>(std::max<std::uint64_t>(honest_frames_, 1));
}

bool Tally::good() const {
  std::uint64_t all = 0, idle = 0, fleeting = 0;
  for (const auto& [kind, of_kind] : kinds_) {
    if (of_kind.failed > 0) return false;
    all += of_kind.good + of_kind.idle;
    idle += of_kind.idle;
    fleeting += of_kind.fleeting;
  }
  // At least 99 % of honest packets go on as they came; what tells nothing is rare.
  return changed() < 1.0 && idle * 100 <= all && fleeting * 50 <= all && all > 0;
}

std::string Tally::report() const {
  std::string text = fmt::format("{:<20} {:>6} {:>7} {:>9} {:>6} {:>10} {:>14}\n", "kind", "good", "failed",
                                 "fleeting", "void", "median ms", "of the plain");
  for (const auto& [kind, of_kind] : kinds_) {
    text += fmt::format("{:<20} {:>6} {:>7} {:>9} {:>6} {:>10} {:>14}\n", name(kind), of_kind.good,
                        of_kind.failed, of_kind.fleeting, of_kind.idle, median(of_kind.took),
                        of_kind.ratios.empty() ? "-" : fmt::format("{:.2f}", median(of_kind.ratios)));
  }
  text += fmt::format("{} frames, {} forged; median time {:.2f} of that without the engine\n", frames_,
                      forged_, ratio());
  text += fmt::format("{} honest frames, changed {:.3f} %:", honest_frames_, changed());
  for (const auto& [reason, count] : changed_) text += fmt::format(" {} {}", count, name(reason));
  return text + "\n";
}

}  // namespace lockstep::honest
