#include "tests/evasions/overlaps.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

namespace lockstep::evasions {
namespace {

using oracle::Mode;
using oracle::Outcome;
using oracle::Scenario;
using oracle::Step;

struct Span {
  int begin;
  int end;
};
using Layout = std::vector<Span>;

// One of each kind: two layouts are of a kind if their ends are in the same order, equal ones included.
std::vector<Layout> layouts(std::size_t segments) {
  constexpr int places = 6;
  std::vector<Span> spans;
  for (int begin = 0; begin < places; ++begin) {
    for (int end = begin + 1; end < places; ++end) spans.push_back({begin, end});
  }
  std::set<std::vector<int>> kinds;
  std::vector<Layout> out;
  std::vector<std::size_t> at(segments, 0);
  while (true) {
    Layout layout;
    std::set<int> used;
    for (const std::size_t i : at) {
      layout.push_back(spans[i]);
      used.insert({spans[i].begin, spans[i].end});
    }
    std::vector<int> kind;
    for (const Span& span : layout) {
      for (const int place : {span.begin, span.end})
        kind.push_back(static_cast<int>(std::distance(used.begin(), used.find(place))));
    }
    if (kinds.insert(kind).second) {
      Layout ranked;
      for (std::size_t i = 0; i < kind.size(); i += 2) ranked.push_back({kind[i], kind[i + 1]});
      out.push_back(std::move(ranked));
    }
    std::size_t digit = 0;
    while (digit < segments && ++at[digit] == spans.size()) at[digit++] = 0;
    if (digit == segments) return out;
  }
}

// Each place is four bytes; the segments are filled with A, B, C. What no segment covers comes last, as '-'.
Scenario scenario_of(const Layout& layout, bool hole) {
  constexpr int unit = 4;
  Scenario scenario;
  scenario.tight = false;
  const auto add = [&](std::int64_t seq, std::string payload) {
    Step step;
    step.seq = seq;
    step.flags = 24;
    step.payload = std::move(payload);
    scenario.steps.push_back(step);
  };
  Step syn;
  syn.from = oracle::From::isn;
  syn.flags = 2;
  scenario.steps = {syn, Step{}};
  const int shift = hole ? unit : 0;
  int end = 0;
  char fill = 'A';
  for (const Span& span : layout) {
    const auto places = static_cast<std::size_t>(span.end - span.begin);
    add(shift + span.begin * unit, std::string(places * unit, fill++));
    end = std::max(end, span.end);
  }
  if (hole) add(0, std::string(unit, '-'));
  for (int place = 0; place < end; ++place) {
    const bool covered = std::any_of(layout.begin(), layout.end(), [&](const Span& span) {
      return span.begin <= place && place < span.end;
    });
    if (!covered) add(shift + place * unit, std::string(unit, '-'));
  }
  return scenario;
}

// Where several lie over a byte: the first that came, the last, or another rule.
std::string_view who_won(const std::string& read, const Layout& layout, bool hole) {
  constexpr std::size_t unit = 4;
  bool first = true;
  bool last = true;
  for (std::size_t at = hole ? unit : 0; at < read.size(); ++at) {
    const auto place = static_cast<int>((at - (hole ? unit : 0)) / unit);
    std::string fills;
    for (std::size_t i = 0; i < layout.size(); ++i) {
      if (layout[i].begin <= place && place < layout[i].end) fills += static_cast<char>('A' + i);
    }
    if (fills.empty()) continue;
    first = first && read[at] == fills.front();
    last = last && read[at] == fills.back();
  }
  return first && last ? "no difference"
         : first       ? "the first copy"
         : last        ? "the last copy"
                       : "now one, now the other";
}

struct Counts {
  std::size_t cases = 0;
  std::map<std::string_view, std::size_t> host;
  std::size_t same = 0;       // behind the engine the application reads what it reads alone
  std::size_t other = 0;      // … something else, which was scanned
  std::size_t given_up = 0;   // both ends reset
  std::size_t ambiguous = 0;  // observing
};

bool all_scanned(const Outcome& outcome) {
  return std::none_of(outcome.readings.begin(), outcome.readings.end(),
                      [](const oracle::Reading& reading) { return reading.unscanned.has_value(); });
}

void play_one(const Layout& layout, bool hole, oracle::KernelHost& host, oracle::Rules& rules, Counts& counts,
              std::vector<std::string>& broken) {
  const Scenario scenario = scenario_of(layout, hole);
  const Outcome alone = play(scenario, Mode::direct, host, rules);
  const Outcome enforced = play(scenario, Mode::enforce, host, rules);
  const Outcome observed = play(scenario, Mode::observe, host, rules);
  const std::string read = alone.readings.empty() ? "" : alone.readings.front().text;
  const std::string then = enforced.readings.empty() ? "" : enforced.readings.front().text;
  ++counts.cases;
  ++counts.host[who_won(read, layout, hole)];
  ++(enforced.gave_up ? counts.given_up : then == read ? counts.same : counts.other);
  if (observed.reported) ++counts.ambiguous;
  const auto expect = [&](bool holds, std::string_view what) {
    if (!holds) broken.push_back(fmt::format("{} where the host alone reads {}", what, read));
  };
  expect(!read.empty(), "nothing is read");
  expect(all_scanned(enforced), "enforcing: bytes are read that were not scanned");
  expect(enforced.gave_up || then.size() == read.size(), "enforcing: the stream is cut");
  expect(all_scanned(observed) || observed.reported, "observing: bytes are read that no reading has");
}

}  // namespace

Sweep play_overlaps(const std::string& id, oracle::KernelHost& host, oracle::Rules& rules) {
  Sweep sweep;
  Counts counts;
  for (const Layout& layout : layouts(id == "O01" ? 2 : 3)) {
    for (const bool hole : {false, true}) play_one(layout, hole, host, rules, counts, sweep.broken);
  }
  sweep.told = fmt::format("{} cases. Alone, the application reads:", counts.cases);
  for (const auto& [what, count] : counts.host) sweep.told += fmt::format(" {} {},", what, count);
  sweep.told.back() = '.';
  sweep.told += fmt::format(
      " Behind Lockstep: the same {}, other bytes that were scanned {}, both ends reset {}. Observing: told "
      "as "
      "ambiguous {}, and in every case what was read had been scanned or told as ambiguous.",
      counts.same, counts.other, counts.given_up, counts.ambiguous);
  return sweep;
}

}  // namespace lockstep::evasions
