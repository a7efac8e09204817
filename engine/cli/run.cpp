// lockstep run: the engine as a wire between interfaces. lockstep detach: what a run left is removed.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <optional>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "engine/cli/commands.hpp"
#include "engine/cli/first_generation.hpp"
#include "engine/cli/summary.hpp"
#include "engine/cli/terminal.hpp"
#include "engine/compile_rules.hpp"
#include "engine/inline_engine.hpp"
#include "engine/prefix_files.hpp"
#include "engine/reload/reloader.hpp"

namespace lockstep {
namespace {

int complain(const std::vector<std::string>& errors) {
  for (const std::string& error : errors) fmt::print(stderr, "lockstep: {}\n", error);
  return exit_bad_input;
}

template <class... Values>
void tell(fmt::format_string<Values...> format, Values&&... values) {
  fmt::print(format, std::forward<Values>(values)...);
  std::fflush(stdout);
}

// Of all threads: signals are taken by the main thread, which asks for them.
sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return set;
}

// A set without rules, which lets traffic pass while those of the settings are being compiled.
tl::expected<std::shared_ptr<const RuleGeneration>, std::vector<std::string>> no_rules_yet(
    const Settings& settings) {
  Settings bare = settings;
  bare.rules = {};
  auto loaded = load_rules(bare);
  if (!loaded) return tl::unexpected(loaded.error());
  return compile_rules(std::move(*loaded), bare, 0);
}

void report(const ReloadReport& report) {
  for (const std::string& error : report.errors) spdlog::error("reload: {}", error);
  if (report.good())
    tell("generation {}: {} rules loaded, {} failed, {} skipped\n", report.generation, report.counts.loaded,
         report.counts.failed, report.counts.skipped);
}

// One run, from the interfaces as they were to the interfaces as they were.
class InlineRun {
 public:
  explicit InlineRun(const Configuration& configuration)
      : configuration_(configuration),
        settings_(configuration.invocation.settings),
        signals_(block_signals()) {}

  int run() {
    int code = take_wires();
    if (code == exit_ok) code = work();
    for (const auto& wire : wires_) wire->end();
    if (engine_) engine_->stop();
    for (const auto& wire : wires_) {
      if (const auto released = wire->release(); !released) code = complain({released.error()});
    }
    if (engine_) code = std::max(code, finish());
    return code;
  }

 private:
  int take_wires() {
    const auto prefixes = read_prefixes(settings_.wire);
    if (!prefixes) return complain({prefixes.error()});
    for (const std::string& name : settings_.wire.pairs) {
      auto wire = Wire::take(settings_.wire, name, static_cast<std::uint16_t>(wires_.size()));
      if (!wire) return complain(wire.error());
      wires_.push_back(std::move(*wire));
      if (const auto set = wires_.back()->set_prefixes(*prefixes); !set) return complain({set.error()});
      const WirePair& pair = wires_.back()->pair();
      for (const Finding& finding : pair.findings()) {
        if (finding.severity == Severity::warning) spdlog::warn("{}: {}", finding.subject, finding.text);
      }
      tell("{}: {}\n", pair.name(), wires_.back()->plan());
    }
    return exit_ok;
  }

  // Until the rules are compiled the kernel's part of the wire forwards, where there is one; elsewhere the
  // engine must, without rules.
  int work() {
    const bool early = settings_.wire.start == StartPolicy::open &&
                       std::any_of(wires_.begin(), wires_.end(),
                                   [](const auto& wire) { return wire->program() == nullptr; });
    auto rules = early ? no_rules_yet(settings_) : first_generation(settings_);
    if (!rules) return complain(rules.error());
    auto engine = InlineEngine::start(settings_, wires_, *rules, [] { ::kill(::getpid(), SIGTERM); });
    if (!engine) return complain({engine.error()});
    engine_ = std::move(*engine);
    if (early) {
      rules = first_generation(settings_);
      if (!rules) return complain(rules.error());
      if (const auto published = engine_->board().publish(*rules); !published)
        return complain({published.error()});
    }
    if (!engine_->board().wait_for_workers(std::chrono::seconds(10)))
      spdlog::warn("a worker is late with the rules");
    for (const auto& wire : wires_) {
      if (const auto suspected = wire->suspect(**rules); !suspected) return complain({suspected.error()});
      wire->begin();
    }
    tell("inspecting\n");
    Reloader reloader(settings_, *rules, engine_->board(),
                      {.settings = [this] { return settings_anew(); },
                       .prepare = [this](const Settings& anew) { return prepare(anew.wire); }});
    return follow_signals(reloader);
  }

  // Until the run is to end.
  int follow_signals(Reloader& reloader) {
    for (;;) {
      int signal = 0;
      if (sigwait(&signals_, &signal) != 0) continue;
      switch (signal) {
        case SIGHUP:
        case SIGUSR2:
          report(reloader.submit({}).get());
          break;
        case SIGUSR1:
          engine_->log().reopen();
          break;
        default:
          return exit_ok;
      }
    }
  }

  // What a reload takes along beside the rules.
  tl::expected<Reloader::Hooks::Commit, std::string> prepare(const WireSettings& anew) {
    auto prefixes = read_prefixes(anew);
    if (!prefixes) return tl::unexpected(prefixes.error());
    return [this, prefixes = std::move(*prefixes)] {
      for (const auto& wire : wires_) {
        if (const auto set = wire->set_prefixes(prefixes); !set) spdlog::error("reload: {}", set.error());
        // Until the kernel knows what to suspect it suspects everything.
        if (const auto suspected = wire->suspect(*engine_->board().current()); !suspected)
          spdlog::error("reload: {}", suspected.error());
      }
    };
  }

  [[nodiscard]] tl::expected<Settings, std::vector<std::string>> settings_anew() const {
    auto again = configuration_.again();
    if (!again) return tl::unexpected(std::vector<std::string>{again.error()});
    return again->invocation.settings;
  }

  int finish() {
    const bool good = engine_->finish_log();
    const Counters counters = engine_->counters();
    fmt::print("{}", to_string(Summary{counters}, use_colours(stdout)));
    for (const auto& wire : wires_) {
      if (const auto counts = wire->counts()) fmt::print("{}", kernel_summary(*counts, use_colours(stdout)));
    }
    if (const std::string error = engine_->error(); !error.empty()) return complain({error});
    return good && counters.imbalances().empty() ? exit_ok : exit_bad_input;
  }

  const Configuration& configuration_;
  const Settings& settings_;
  sigset_t signals_;
  std::vector<std::unique_ptr<Wire>> wires_;
  std::unique_ptr<InlineEngine> engine_;
};

int needs_a_pair(std::string_view command) {
  fmt::print(stderr, "lockstep: {0} needs the interfaces, by --pair A:B\nTry 'lockstep help {0}'.\n",
             command);
  return exit_usage;
}

}  // namespace

int run_inline(const Configuration& configuration) {
  const auto& pairs = configuration.invocation.settings.wire.pairs;
  if (pairs.empty()) return needs_a_pair("run");
  return InlineRun(configuration).run();
}

int run_detach(const Configuration& configuration) {
  const WireSettings& settings = configuration.invocation.settings.wire;
  if (settings.pairs.empty()) return needs_a_pair("detach");
  int code = exit_ok;
  for (const std::string& name : settings.pairs) {
    auto pair = WirePair::take_over(settings, name);
    if (!pair) {
      code = complain({pair.error()});
    } else if (const auto detached = xdp::Program::detach(pins_of(settings, *pair)); !detached) {
      code = complain({detached.error()});
    } else if (const auto released = pair->release(); !released) {
      code = complain({released.error()});
    }
  }
  return code;
}

}  // namespace lockstep
