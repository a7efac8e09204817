// The honest oracle: transfers between two real Linux hosts over a bad network and the engine, beside the
// same transfers without it.
//   honest [--count N] [--seed S] [--jobs J] [--together T] [--save DIR] [--only SEED] [--kind NAME]
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "engine/ports/capture_writer.hpp"
#include "tests/honest/arena.hpp"
#include "tests/honest/tally.hpp"
#include "tests/support/side_by_side.hpp"

using namespace lockstep;
using namespace lockstep::honest;

namespace {

struct Settings {
  std::uint64_t count = 500;
  std::uint64_t seed = 0;
  std::uint64_t only = 0;
  std::string kind;
  std::size_t together = 100;
  std::size_t jobs = 1;
  std::string save;
  bool show = false;  // the conversation of each transfer
};

constexpr unsigned attempts = 3;

void write_capture(const std::string& path, const std::vector<Recorded>& frames) {
  auto writer = CaptureWriter::create(path, {LinkType::raw_ip});
  if (!writer) return;
  for (const Recorded& frame : frames) writer->write(frame.bytes, LinkType::raw_ip, frame.time);
  static_cast<void>(writer->close());
}

// The start and the end of a long conversation.
std::string shortened(const std::string& transcript) {
  constexpr std::size_t limit = 8000;
  if (transcript.size() <= 2 * limit) return transcript;
  return transcript.substr(0, limit) + "\n       …\n" + transcript.substr(transcript.size() - limit);
}

class Run {
 public:
  Run(const Settings& settings, Arena& arena) : settings_(settings), arena_(&arena) {}

  bool play() {
    std::optional<Kind> kind;
    for (std::size_t i = 0; i < kinds(); ++i) {
      if (name(static_cast<Kind>(i)) == settings_.kind) kind = static_cast<Kind>(i);
    }
    for (std::uint64_t begun = 0; begun < settings_.count || arena_->under_way() > 0;) {
      for (; begun < settings_.count && arena_->under_way() < settings_.together; ++begun) {
        const std::uint64_t seed = settings_.only != 0 ? settings_.only : test::mixed(settings_.seed, begun);
        arena_->begin(scenario_of(seed, profiles.size(), kind));
      }
      arena_->go_on([&](Match& match) { over(match); });
    }
    std::cout << tally_.report() << std::flush;
    return tally_.good();
  }

 private:
  void over(Match& match) {
    Pair pair;
    if (match.plain) pair.plain = match.plain->outcome();
    pair.engine = match.engine->outcome();
    if (settings_.show) tell("shown", match, pair, "");
    // Without the engine it does not end either: the scenario tells nothing.
    if (pair.plain && !pair.plain->in_time && pair.engine.in_time == pair.plain->in_time)
      return tally_.add_void(match.scenario, pair);
    const auto violation = violation_of(match.scenario, pair);
    if (!violation) return tally_.add(match.scenario, pair, match.attempt > 0);
    tell(violation->integrity ? "violation" : "deviation", match, pair, violation->text);
    if (violation->integrity || match.attempt + 1 == attempts)
      return tally_.add_failure(match.scenario, pair);
    // Which frames the faults strike may be bad luck, and hangs on the kernels' clocks: it counts if it comes
    // each time, in other weather too.
    Scenario again = match.scenario;
    again.network = test::mixed(again.network, match.attempt);
    arena_->begin(std::move(again), match.attempt + 1);
  }

  void tell(const char* what, const Match& match, const Pair& pair, const std::string& text) {
    std::string told = fmt::format("\n== {}: {} ==\n{}", what, text, to_string(match.scenario));
    if (pair.plain) told += "without the engine: " + to_string(*pair.plain);
    told += "with the engine: " + to_string(pair.engine);
    const std::string conversation =
        transcript(match.scenario, arena_->rules(), match.engine->link().before());
    std::cout << told << shortened(conversation) << std::flush;
    if (settings_.save.empty()) return;
    std::filesystem::create_directories(settings_.save);
    const std::string path = fmt::format("{}/{}-{:016x}-{}", settings_.save, name(match.scenario.kind),
                                         match.scenario.seed, match.attempt);
    std::ofstream(path + ".txt") << told << conversation;
    write_capture(path + "-before.pcap", match.engine->link().before());
    write_capture(path + "-behind.pcap", match.engine->link().behind());
    if (match.plain) write_capture(path + "-plain.pcap", match.plain->link().behind());
  }

  Settings settings_;
  Arena* arena_;
  Tally tally_;
};

int run_alone(const Settings& settings) {
  auto arena = Arena::make();
  if (!arena) {
    std::cout << "SKIPPED: " << arena.error() << '\n';
    return 0;
  }
  return Run(settings, **arena).play() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app{
      "Transfers between two real Linux hosts over a bad network, with the engine between them and without"};
  app.add_option("--count", settings.count, "transfers");
  app.add_option("--seed", settings.seed, "0: a fresh one");
  app.add_option("--only", settings.only, "play the transfer of this seed alone");
  app.add_option("--kind", settings.kind, "transfers of this kind alone");
  app.add_option("--together", settings.together, "transfers under way at once");
  app.add_option("--jobs", settings.jobs, "processes side by side, each with hosts of its own");
  app.add_option("--save", settings.save, "directory for transcripts and captures of failures");
  app.add_flag("--show", settings.show, "print every transfer, good ones too");
  CLI11_PARSE(app, argc, argv);
  if (settings.seed == 0) settings.seed = std::random_device{}();
  if (settings.only != 0) settings.count = 1;
  std::cout << fmt::format("seed {}\n", settings.seed) << std::flush;
  return settings.jobs > 1 ? test::run_side_by_side(settings, run_alone) : run_alone(settings);
}
