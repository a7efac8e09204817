#include "tests/evasions/play_row.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <fmt/format.h>
#include <netinet/tcp.h>

namespace lockstep::evasions {
namespace {

using oracle::Mode;
using oracle::Outcome;
using oracle::Reading;
using oracle::Record;
using oracle::Step;

std::string_view state_name(int state) {
  static constexpr std::array<std::string_view, 13> names{
      "gone",   "established", "SYN-SENT", "SYN-RECEIVED", "FIN-WAIT-1", "FIN-WAIT-2",  "TIME-WAIT",
      "closed", "CLOSE-WAIT",  "LAST-ACK", "listening",    "CLOSING",    "SYN-RECEIVED"};
  return names.at(static_cast<std::size_t>(state));
}

// A long run of one byte is told by its length.
std::string words_of(const std::string& text) {
  if (text.size() <= 40) return fmt::format("\"{}\"", text);
  std::string out;
  std::size_t runs = 0;
  for (std::size_t at = 0; at < text.size(); ++runs) {
    if (runs == 8) return fmt::format("\"{}…\" ({} bytes)", text.substr(0, 8), text.size());
    const std::size_t end = std::min(text.find_first_not_of(text[at], at), text.size());
    out += fmt::format("{}{}*{}", out.empty() ? "" : " ", text[at], end - at);
    at = end;
  }
  return out;
}

std::string describe(const Reading& reading) {
  std::string text = words_of(reading.text);
  if (reading.ended) text += " end";
  if (reading.error == ECONNRESET || reading.error == EPIPE) return text + " reset";
  if (reading.error == ECONNREFUSED) return text + " refused";
  return text + fmt::format(" {}", state_name(reading.state));
}

std::string describe(const Outcome& outcome) {
  if (outcome.readings.empty()) return "no connection";
  std::string text;
  for (const Reading& reading : outcome.readings) text += (text.empty() ? "" : ", then ") + describe(reading);
  return text;
}

bool unscanned(const Outcome& outcome) {
  return std::any_of(outcome.readings.begin(), outcome.readings.end(),
                     [](const Reading& reading) { return reading.unscanned.has_value(); });
}

bool read_the_word(const Outcome& outcome) {
  return std::any_of(outcome.readings.begin(), outcome.readings.end(),
                     [](const Reading& reading) { return reading.text.find(word) != std::string::npos; });
}

// Equal ones in a row are counted; of very many different ones only the number is told.
std::string summed(const std::vector<std::string>& parts, std::string_view separator) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < parts.size();) {
    std::size_t end = at;
    while (end < parts.size() && parts[end] == parts[at]) ++end;
    out.push_back(end - at > 1 ? fmt::format("{} ×{}", parts[at], end - at) : parts[at]);
    at = end;
  }
  if (out.size() > 8) return fmt::format("{} to {}", parts.front(), parts.back());
  return out.empty() ? "-" : fmt::format("{}", fmt::join(out, separator));
}

// What of the steps belongs to which line.
template <class Get>
std::vector<std::string> by_line(const Case& one, const Record& record, std::string_view separator, Get get) {
  std::vector<std::string> out;
  std::size_t at = 0;
  for (const Line& line : one.lines) {
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < line.steps.size() && at < record.steps.size(); ++i, ++at) {
      const auto& of_step = get(record.steps[at]);
      parts.insert(parts.end(), of_step.begin(), of_step.end());
    }
    out.push_back(summed(parts, separator));
  }
  return out;
}

// What must hold of every conversation.
void check_promises(const Outcome& outcome, Mode mode, std::vector<std::string>& broken) {
  const auto expect = [&](bool holds, std::string_view what) {
    if (!holds) broken.push_back(fmt::format("{}: {}", name(mode), what));
  };
  if (mode == Mode::enforce) {
    expect(!unscanned(outcome), "the application read what was not scanned");
    expect(!read_the_word(outcome), "the application read the whole of what a drop rule knows");
    expect(outcome.unclean.empty(), "to the host went what never may: " + outcome.unclean);
    expect(!outcome.reset_untold, "the host was reset, and the engine thinks that it can't have been");
  }
  if (mode == Mode::observe) {
    expect(!unscanned(outcome) || outcome.reported,
           "the application read what no reading had, and nothing told of it");
    expect(!read_the_word(outcome) || outcome.alerted || outcome.reported,
           "the application read what a rule knows, and nothing told of it");
  }
}

Case exchanged(Case one) {
  for (Line& line : one.lines) {
    for (Step& step : line.steps) {
      for (std::size_t at = 0; at + word.size() <= step.payload.size(); ++at) {
        const bool bad = step.payload.compare(at, word.size(), word) == 0;
        const bool good = step.payload.compare(at, 4, "GOOD") == 0;
        if (bad || good) step.payload.replace(at, word.size(), bad ? "GOOD" : word);
      }
    }
  }
  return one;
}

std::string without_events(const std::string& verdict) {
  std::string out;
  for (std::size_t at = 0; at < verdict.size(); ++at) {
    if (verdict.compare(at, 2, " !") != 0) {
      out += verdict[at];
      continue;
    }
    const std::size_t end = verdict.find_first_of(" ,", at + 2);
    at = (end == std::string::npos ? verdict.size() : end) - 1;
  }
  return out;
}

// The opening is another one where the sides are exchanged; events name sides.
void forget_sides(Case& one) {
  for (Line& line : one.lines) {
    line.verdict = without_events(line.verdict);
    if (line.text == "handshake") line.answers = line.verdict = "-";
  }
}

struct Variant {
  std::string_view title;
  Case played;
};

std::vector<Variant> variants_of(const Case& one) {
  std::vector<Variant> out;
  if (one.alone || one.lines.empty()) return out;
  Case six = one;
  six.scenario.ipv6 = true;
  out.push_back({"over IPv6", std::move(six)});
  Case wrapping = one;
  wrapping.scenario.isn = 0xffff'fffdU;
  out.push_back({"across the wrap", std::move(wrapping)});
  if (one.lines.front().text != "handshake") return out;
  Case mirrored = one;
  mirrored.scenario.host_connects = true;
  Step connects;
  connects.kind = Step::Kind::connects;
  Step answers;
  answers.from = oracle::From::isn;
  answers.flags = 18;
  mirrored.lines.front().steps = {connects, answers};
  out.push_back({"mirrored", std::move(mirrored)});
  return out;
}

std::vector<std::string> check_once(const Case& expected, Case played, bool sides, oracle::KernelHost& host,
                                    oracle::Rules& rules) {
  Measured measured = measure(played, host, rules);
  Case wanted = expected;
  if (!sides) {
    forget_sides(wanted);
    forget_sides(measured.as_measured);
  }
  auto wrong = differences(wanted, measured.as_measured);
  wrong.insert(wrong.end(), measured.broken.begin(), measured.broken.end());
  return wrong;
}

template <class Try>
void until_right(std::string_view title, Try once, std::vector<std::string>& wrong) {
  std::vector<std::string> last;
  for (int attempt = 0; attempt < 3; ++attempt) {
    last = once();
    if (last.empty()) return;
  }
  for (const std::string& what : last) wrong.push_back(fmt::format("{}: {}", title, what));
}

}  // namespace

Measured measure(const Case& one, oracle::KernelHost& host, oracle::Rules& rules) {
  const oracle::Scenario scenario = scenario_of(one);
  Measured out{one, {}};
  Record direct;
  const Outcome alone = play(scenario, Mode::direct, host, rules, &direct);
  Record through;
  const Outcome enforced = play(scenario, Mode::enforce, host, rules, &through);
  const Outcome observed = play(scenario, Mode::observe, host, rules);
  const auto answers = by_line(one, direct, " ", [](const auto& trace) { return trace.answers; });
  const auto verdicts = by_line(one, through, ", ", [](const auto& trace) { return trace.verdicts; });
  for (std::size_t i = 0; i < one.lines.size(); ++i) {
    out.as_measured.lines[i].answers = answers[i];
    out.as_measured.lines[i].verdict = verdicts[i];
  }
  out.as_measured.host = describe(alone);
  out.as_measured.lockstep = describe(enforced) + (enforced.alerted ? ", signature" : "");
  out.as_measured.observed =
      std::string(observed.reported ? "ambiguous" : "scanned") + (observed.alerted ? ", signature" : "");
  check_promises(enforced, Mode::enforce, out.broken);
  check_promises(observed, Mode::observe, out.broken);
  return out;
}

std::vector<std::string> differences(const Case& expected, const Case& measured) {
  std::vector<std::string> out;
  const auto compare = [&](std::string_view what, const std::string& wanted, const std::string& got) {
    if (wanted != got) out.push_back(fmt::format("{}: expected {}, got {}", what, wanted, got));
  };
  for (std::size_t i = 0; i < expected.lines.size(); ++i) {
    compare(expected.lines[i].text + ": host", expected.lines[i].answers, measured.lines[i].answers);
    compare(expected.lines[i].text + ": engine", expected.lines[i].verdict, measured.lines[i].verdict);
  }
  compare("host", expected.host, measured.host);
  compare("lockstep", expected.lockstep, measured.lockstep);
  compare("observed", expected.observed, measured.observed);
  return out;
}

std::vector<std::string> check(const Case& one, oracle::KernelHost& host, oracle::Rules& rules) {
  std::vector<std::string> wrong;
  until_right(
      "as written", [&] { return check_once(one, one, true, host, rules); }, wrong);
  for (const Variant& variant : variants_of(one)) {
    const bool sides = !variant.played.scenario.host_connects;
    until_right(
        variant.title, [&] { return check_once(one, variant.played, sides, host, rules); }, wrong);
  }
  const Case other = exchanged(one);
  until_right(
      "words exchanged", [&] { return measure(other, host, rules).broken; }, wrong);
  return wrong;
}

std::string transcripts(const Case& one, oracle::KernelHost& host, oracle::Rules& rules) {
  std::string text;
  for (const Mode mode : {Mode::enforce, Mode::observe}) {
    Record record;
    const Outcome outcome = play(scenario_of(one), mode, host, rules, &record);
    text += fmt::format("== {} {}\n{}{}\n", name(mode), one.title, record.transcript, describe(outcome));
  }
  return text;
}

}  // namespace lockstep::evasions
