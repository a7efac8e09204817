#include "tests/oracle/checks.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace lockstep::oracle {
namespace {

bool blind(const Outcome& outcome) {
  return std::any_of(outcome.readings.begin(), outcome.readings.end(),
                     [](const Reading& reading) { return reading.unscanned.has_value(); });
}

// The peer's stream arrived whole, and what it received is what the host's application wrote.
bool whole(const Scenario& scenario, const Outcome& outcome) {
  return outcome.readings.size() == 1 && outcome.readings.front().text == scenario.stream &&
         outcome.acked >= static_cast<std::int64_t>(scenario.stream.size()) &&
         outcome.written.compare(0, outcome.received.size(), outcome.received) == 0;
}

// What was refused in one round comes with the next; and one for what waits on the host's answer.
constexpr std::uint32_t spare_rounds = 2;
constexpr std::uint64_t few_packets = 1000;

double percent(std::uint64_t part, std::uint64_t all) {
  return all == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(all);
}

}  // namespace

std::string_view name(Violation violation) {
  switch (violation) {
    case Violation::blind_byte:
      return "blind-byte";
    case Violation::signature_read:
      return "signature-read";
    case Violation::honest_cut:
      return "honest-cut";
    case Violation::slow:
      return "slow";
    case Violation::meddling:
      return "meddling";
    case Violation::unclean:
      return "unclean";
    case Violation::reset_untold:
      return "reset-untold";
    case Violation::false_alarm:
      return "false-alarm";
    case Violation::missed:
      return "missed";
  }
  return "missed";
}

std::optional<Violation> violation_of(const Scenario& scenario, Mode mode, const Outcome& outcome,
                                      bool strict) {
  if (mode == Mode::observe && blind(outcome) && !outcome.reported) return Violation::missed;
  if (mode == Mode::observe && strict && outcome.alerted && !outcome.reported && !outcome.delivered())
    return Violation::false_alarm;
  if (mode != Mode::enforce) return std::nullopt;
  if (outcome.delivered()) return Violation::signature_read;
  if (blind(outcome)) return Violation::blind_byte;
  if (!outcome.unclean.empty()) return Violation::unclean;
  if (outcome.reset_untold) return Violation::reset_untold;
  if (scenario.honest && !whole(scenario, outcome)) return Violation::honest_cut;
  if (scenario.honest && outcome.rounds > outcome.bare_rounds.value_or(outcome.rounds) + spare_rounds)
    return Violation::slow;
  return std::nullopt;
}

Judged judge(const Scenario& scenario, Mode mode, KernelHost& host, Rules& rules, bool strict) {
  Judged judged;
  std::optional<std::uint32_t> bare_rounds;
  if (scenario.honest && mode == Mode::enforce) {
    const Outcome bare = play(scenario, Mode::direct, host, rules);
    judged.counts = whole(scenario, bare);
    if (!judged.counts) return judged;
    bare_rounds = bare.rounds;
  }
  judged.outcome = play(scenario, mode, host, rules);
  judged.outcome.bare_rounds = bare_rounds;
  judged.violation = violation_of(scenario, mode, judged.outcome, strict);
  return judged;
}

void Sums::add(const Scenario& scenario, const Judged& judged) {
  ++scenarios;
  if (scenario.honest) ++honest;
  if (!judged.counts) ++left_out;
  const Outcome& outcome = judged.outcome;
  if (outcome.delivered()) ++delivered;
  if (!blind(outcome)) ++settled;
  if (outcome.reported && blind(outcome)) ++reported;
  if (outcome.reported) ++told;
  if (outcome.alerted && !outcome.delivered()) ++false_alarms;
  if (outcome.gave_up) ++gave_up;
  honest_packets += outcome.honest_packets;
  for (const auto& [reason, count] : outcome.honest_changed) honest_changed[reason] += count;
  if (judged.violation) ++violations[*judged.violation];
}

bool Sums::meddled() const {
  std::uint64_t changed = 0;
  for (const auto& [reason, count] : honest_changed) changed += count;
  return honest_packets >= few_packets && changed * 100 > honest_packets;
}

std::string Sums::report(Mode mode) const {
  std::string text =
      fmt::format("{:<8} {} scenarios, {} honest ({} left out)", name(mode), scenarios, honest, left_out);
  const std::uint64_t hostile = scenarios - honest;
  text += fmt::format(", signature read {} ({:.1f} %)", delivered, percent(delivered, hostile));
  if (mode == Mode::observe) {
    text += fmt::format(
        ", settled {} ({:.2f} %), reported {} ({:.2f} %), told to be ambiguous {} ({:.2f} %), "
        "false alarms {} ({:.2f} %)",
        settled, percent(settled, scenarios), reported, percent(reported, scenarios), told,
        percent(told, scenarios), false_alarms, percent(false_alarms, scenarios));
  }
  if (mode == Mode::enforce) {
    std::uint64_t changed = 0;
    for (const auto& [reason, count] : honest_changed) changed += count;
    text += fmt::format(", given up {}, honest packets {}, of them changed {} ({:.2f} %:", gave_up,
                        honest_packets, changed, percent(changed, honest_packets));
    for (const auto& [reason, count] : honest_changed) text += fmt::format(" {}={}", name(reason), count);
    text += ")";
  }
  std::uint64_t all = 0;
  for (const auto& [violation, count] : violations) all += count;
  text += fmt::format(", violations {}", all);
  for (const auto& [violation, count] : violations) text += fmt::format(" {}={}", name(violation), count);
  return text;
}

}  // namespace lockstep::oracle
