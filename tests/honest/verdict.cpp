#include "tests/honest/verdict.hpp"

#include <fmt/format.h>

#include "tests/oracle/rules.hpp"

namespace lockstep::honest {
namespace {

std::string label(std::size_t end) {
  return fmt::format("the {} of connection {}", end % 2 == 0 ? "client" : "server", end / 2);
}

std::optional<Violation> broken_integrity(const Scenario& scenario, const Outcome& outcome) {
  if (!outcome.unscanned.empty()) return Violation{"not scanned: " + outcome.unscanned, true};
  if (!outcome.unclean.empty() && scenario.forger == Forger::none)
    return Violation{"left the engine: " + outcome.unclean, true};
  for (std::size_t i = 0; i < outcome.ends.size(); ++i) {
    const EndpointOutcome& end = outcome.ends[i];
    if (end.text.find(oracle::signature) != std::string::npos)
      return Violation{label(i) + " read the signature", true};
    if (!end.honest && scenario.forger != Forger::knowing)
      return Violation{label(i) + " read what the other end did not write", true};
  }
  return std::nullopt;
}

std::optional<std::string> differs(const Scenario& scenario, const Outcome& plain, const Outcome& engine) {
  if (!engine.in_time) return "it does not end";
  for (std::size_t i = 0; i < plain.ends.size(); ++i) {
    const EndpointOutcome& without = plain.ends[i];
    const EndpointOutcome& with = engine.ends[i];
    if (without.ending != with.ending || without.finished != with.finished)
      return fmt::format("{}: {}, without the engine {}", label(i), name(with.ending), name(without.ending));
    if (scenario.bytes_certain() && without.text.size() != with.text.size())
      return fmt::format("{}: {} bytes, without the engine {}", label(i), with.text.size(),
                         without.text.size());
  }
  if (engine.took > time_bound(plain))
    return fmt::format("{} ms, without the engine {} ms", engine.took.count(), plain.took.count());
  return std::nullopt;
}

// Every end of every connection ends so, or every second one from `first` on.
std::optional<std::string> all_end(const Outcome& outcome, Ending ending, std::size_t first = 0) {
  if (!outcome.in_time) return "it does not end";
  for (std::size_t i = first; i < outcome.ends.size(); i += 1 + first) {
    // The packet that completes the handshake may be the one that is dropped: no application heard of it.
    if (ending == Ending::reset && !outcome.ends[i].connected && outcome.ends[i].finished) continue;
    if (outcome.ends[i].ending != ending || !outcome.ends[i].finished)
      return fmt::format("{}: {}, not {}", label(i), name(outcome.ends[i].ending), name(ending));
  }
  return std::nullopt;
}

}  // namespace

std::chrono::milliseconds time_bound(const Outcome& plain) {
  return 3 * plain.took + std::chrono::seconds(10);
}

std::optional<Violation> violation_of(const Scenario& scenario, const Pair& pair) {
  if (auto broken = broken_integrity(scenario, pair.engine)) return broken;
  std::optional<std::string> text;
  switch (scenario.expectation) {
    case Expectation::same:
      text = differs(scenario, *pair.plain, pair.engine);
      break;
    case Expectation::cut:
      text = all_end(pair.engine, Ending::reset);
      break;
    case Expectation::server_cut:
      text = all_end(pair.engine, Ending::reset, 1);
      break;
    case Expectation::whole:
      text = all_end(pair.engine, Ending::end);
      break;
    case Expectation::intact:
      break;
  }
  if (!text) return std::nullopt;
  return Violation{*text, false};
}

}  // namespace lockstep::honest
