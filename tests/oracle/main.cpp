// The hostile oracle: random hostile connections against a real Linux stack, with and without the engine.
//   oracle [--mode direct|observe|enforce|all] [--count N] [--seed S] [--jobs J] [--show K] [--save DIR]
//          [--only SEED] [--strict] [--fault NAME|table|sample]
#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "engine/ports/capture_writer.hpp"
#include "reassembly/fault.hpp"
#include "tests/oracle/checks.hpp"
#include "tests/oracle/generator.hpp"
#include "tests/oracle/shrink.hpp"
#include "tests/support/side_by_side.hpp"

using namespace lockstep;
using namespace lockstep::oracle;

namespace {

struct Settings {
  std::string mode = "all";
  std::uint64_t count = 2000;
  std::uint64_t seed = 0;
  std::uint64_t only = 0;
  std::size_t show = 10;  // failures that are printed in full
  std::size_t jobs = 1;
  std::string save;
  std::string fault;    // a name, "table" for all of them, or "sample"
  bool strict = false;  // observing: a false alarm is a violation as well
};

struct NamedFault {
  reassembly::Fault fault;
  std::string_view name;
  std::string_view text;
};
constexpr std::array faults{
#define X(name, text) NamedFault{reassembly::Fault::name, #name, text},
    LOCKSTEP_FAULTS_LIST(X)
#undef X
};

// Found only after thousands of scenarios: left out of the sample in every run of the tests.
constexpr std::array rare{
    reassembly::Fault::source_route_taken,     reassembly::Fault::synack_number_unchecked,
    reassembly::Fault::handshake_reset_untold, reassembly::Fault::reset_flags_kept,
    reassembly::Fault::fin_edge_reset_ignored, reassembly::Fault::stray_urgent_kept,
    reassembly::Fault::data_after_fin_taken,   reassembly::Fault::fast_open_unnoticed,
    reassembly::Fault::prediction_ignored,     reassembly::Fault::split_handshake_unnoticed,
};

bool is_asked_for(const NamedFault& named, const std::string& which) {
  if (which == "sample") return std::find(rare.begin(), rare.end(), named.fault) == rare.end();
  return which == "table" || which == named.name;
}

Scenario scenario_of(std::uint64_t seed) {
  return seed % 5 == 0 ? honest_scenario(seed) : hostile_scenario(seed);
}

void save(const Settings& settings, const Scenario& scenario, Mode mode, Violation violation,
          const Record& record) {
  if (settings.save.empty()) return;
  std::filesystem::create_directories(settings.save);
  const std::string path =
      fmt::format("{}/{}-{}-{:016x}", settings.save, name(mode), name(violation), scenario.seed);
  std::ofstream(path + ".txt") << to_string(scenario) << record.transcript;
  auto writer = CaptureWriter::create(path + ".pcap", {reassembly::LinkType::raw_ip});
  if (!writer) return;
  for (const Recorded& packet : record.packets)
    writer->write(packet.bytes, reassembly::LinkType::raw_ip, packet.time);
  static_cast<void>(writer->close());
}

// The start and the end of a long conversation.
std::string shortened(const std::string& transcript) {
  constexpr std::size_t limit = 6000;
  if (transcript.size() <= 2 * limit) return transcript;
  return transcript.substr(0, limit) + "\n       …\n" + transcript.substr(transcript.size() - limit);
}

void print(const Scenario& scenario, Mode mode, Violation violation, const Outcome& outcome,
           const Record& record) {
  std::cout << fmt::format("\n== {} {} ==\n{}{}", name(mode), name(violation), to_string(scenario),
                           shortened(record.transcript));
  for (const Reading& reading : outcome.readings) {
    std::cout << fmt::format(
        "host: state {} {}{}{}\n", reading.state, reading.ended ? "ended " : "",
        reading.error != 0 ? fmt::format("errno {} ", reading.error) : "",
        reading.unscanned ? fmt::format("byte {} was not scanned", *reading.unscanned) : "");
  }
  std::cout << std::flush;
}

// A failure that does not come three times in a row hangs on the host's clock. It is named, with its seed,
// and printed if it comes once more.
void tell_fleeting(const Settings& settings, const Scenario& scenario, Mode mode, Violation violation,
                   KernelHost& host, Rules& rules) {
  std::cout << fmt::format("{} {} seed {:#018x}: not three times\n", name(mode), name(violation),
                           scenario.seed);
  for (int i = 0; i < 20; ++i) {
    Record record;
    const Outcome outcome = play(scenario, mode, host, rules, &record);
    if (violation_of(scenario, mode, outcome, settings.strict) != violation) continue;
    print(scenario, mode, violation, outcome, record);
    return save(settings, scenario, mode, violation, record);
  }
}

// Shrinks it, prints it, saves it. False: it is fleeting.
bool tell(const Settings& settings, const Scenario& found, Mode mode, Violation violation, KernelHost& host,
          Rules& rules) {
  const auto fails = [&](const Scenario& scenario) {
    return judge(scenario, mode, host, rules, settings.strict).violation == violation;
  };
  for (int run = 0; run < 3; ++run) {
    if (fails(found)) continue;
    if (settings.show > 0) tell_fleeting(settings, found, mode, violation, host, rules);
    return false;
  }
  if (settings.show == 0) return true;
  const Scenario shortest = shrink(found, fails, 400);
  Record record;
  const Outcome outcome = play(shortest, mode, host, rules, &record);
  print(shortest, mode, violation, outcome, record);
  save(settings, shortest, mode, violation, record);
  return true;
}

Sums run(Settings settings, Mode mode, KernelHost& host, Rules& rules) {
  Sums sums;
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < settings.count; ++i) {
    const Scenario scenario = scenario_of(settings.only != 0 ? settings.only : mixed(settings.seed, i));
    Judged judged = judge(scenario, mode, host, rules, settings.strict);
    if (judged.violation) {
      if (!tell(settings, scenario, mode, *judged.violation, host, rules)) judged.violation.reset();
      if (settings.show > 0) --settings.show;
    }
    sums.add(scenario, judged);
  }
  if (sums.meddled()) ++sums.violations[Violation::meddling];
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::cout << sums.report(mode)
            << fmt::format(", {:.0f} scenarios/s\n", static_cast<double>(settings.count) / took.count())
            << std::flush;
  return sums;
}

// A false alarm as well is held against the engine here.
std::optional<Violation> strictly(const Scenario& scenario, Mode mode, KernelHost& host, Rules& rules) {
  return judge(scenario, mode, host, rules, true).violation;
}

// Whether the first `count` of the scenarios, the honest ones, leave more than they may in another shape.
bool meddles(reassembly::Fault fault, const Settings& settings, std::uint64_t count, KernelHost& host,
             Rules& rules) {
  reassembly::fault = fault;
  Sums sums;
  for (std::uint64_t i = 0; i < count; ++i) {
    const Scenario scenario = scenario_of(mixed(settings.seed, i));
    if (scenario.honest) sums.add(scenario, judge(scenario, Mode::enforce, host, rules));
  }
  return sums.meddled();
}

// The violation comes each time with the fault, and never without.
bool due_to(reassembly::Fault fault, const Scenario& scenario, Mode mode, Violation violation,
            KernelHost& host, Rules& rules) {
  bool always = true;
  bool ever = false;
  for (int run = 0; run < 6; ++run) {
    reassembly::fault = reassembly::Fault::none;
    ever = ever || strictly(scenario, mode, host, rules).has_value();
    reassembly::fault = fault;
    always = always && strictly(scenario, mode, host, rules) == violation;
  }
  return always && !ever;
}

// The oracle proves itself: with each fault switched on it must find a violation. Scenarios alternate between
// the modes.
bool find_faults(const Settings& settings, KernelHost& host, Rules& rules) {
  bool all = true;
  bool any = false;  // a name that no fault has finds nothing
  for (const NamedFault& named : faults) {
    if (!is_asked_for(named, settings.fault)) continue;
    any = true;
    reassembly::fault = named.fault;
    std::string found = "NOT FOUND";
    Sums sums;
    for (std::uint64_t i = 0; i < settings.count; ++i) {
      const Scenario scenario = scenario_of(mixed(settings.seed, i));
      const Mode mode = settings.mode == "observe" || (settings.mode == "all" && i % 2 == 1) ? Mode::observe
                                                                                             : Mode::enforce;
      const Judged judged = judge(scenario, mode, host, rules, true);
      const auto violation = judged.violation;
      sums.add(scenario, judged);
      if (sums.meddled() && meddles(named.fault, settings, i + 1, host, rules) &&
          !meddles(reassembly::Fault::none, settings, i + 1, host, rules)) {
        found = fmt::format("after {} scenarios: {} {}", i + 1, name(mode), name(Violation::meddling));
        break;
      }
      reassembly::fault = named.fault;
      if (!violation || !due_to(named.fault, scenario, mode, *violation, host, rules)) continue;
      found = fmt::format("after {} scenarios: {} {}", i + 1, name(mode), name(*violation));
      if (settings.show > 0) tell(settings, scenario, mode, *violation, host, rules);
      break;
    }
    all = all && found.front() == 'a';
    std::cout << fmt::format("{:<30} {:<55} {}\n", named.name, named.text, found) << std::flush;
  }
  reassembly::fault = reassembly::Fault::none;
  return all && any;
}

int run_alone(Settings settings) {
  auto host = KernelHost::make();
  if (!host) {
    std::cout << "SKIPPED: " << host.error() << '\n';
    return 0;
  }
  Rules rules(signature);
  settings.strict = settings.strict || !settings.fault.empty();
  if (!settings.fault.empty()) return find_faults(settings, **host, rules) ? 0 : 1;
  if (settings.only != 0) {
    settings.count = 1;
    std::cout << to_string(scenario_of(settings.only));
  }
  bool good = true;
  for (const Mode mode : {Mode::direct, Mode::observe, Mode::enforce}) {
    if (settings.mode != "all" && settings.mode != name(mode)) continue;
    good = run(settings, mode, **host, rules).violations.empty() && good;
  }
  return good ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app{"Random hostile connections against a real Linux TCP stack, with and without the engine"};
  app.add_option("--mode", settings.mode, "direct, observe, enforce or all")
      ->check(CLI::IsMember({"direct", "observe", "enforce", "all"}));
  app.add_option("--count", settings.count, "scenarios of each mode");
  app.add_option("--seed", settings.seed, "0: a fresh one");
  app.add_option("--only", settings.only, "play the scenario of this seed alone");
  app.add_option("--jobs", settings.jobs, "processes side by side, each with hosts of its own");
  app.add_option("--show", settings.show, "failures that are shrunk and printed");
  app.add_option("--save", settings.save, "directory for transcripts and captures of failures");
  app.add_flag("--strict", settings.strict, "observing: a false alarm is a violation as well");
  app.add_option("--fault", settings.fault,
                 "switch this fault on and find it; \"table\": each of them in turn, \"sample\": those that "
                 "are found soon");
  CLI11_PARSE(app, argc, argv);
  if (settings.seed == 0) settings.seed = std::random_device{}();
  std::cout << fmt::format("seed {}\n", settings.seed) << std::flush;
  return settings.jobs > 1 ? test::run_side_by_side(settings, run_alone) : run_alone(settings);
}
