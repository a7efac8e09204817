// lockstep run: the engine as a wire between interfaces. lockstep detach: what a killed run left is removed.
#include <csignal>
#include <cstdio>
#include <optional>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/random.h>
#include <unistd.h>

#include "engine/cli/commands.hpp"
#include "engine/cli/first_generation.hpp"
#include "engine/cli/summary.hpp"
#include "engine/cli/terminal.hpp"
#include "engine/compile_rules.hpp"
#include "engine/ports/afpacket_port.hpp"
#include "engine/reload/reloader.hpp"
#include "engine/wire_pair.hpp"
#include "engine/worker.hpp"

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

HashSeed random_seed() {
  HashSeed seed;
  while (::getrandom(&seed.value, sizeof seed.value, 0) != sizeof seed.value) {
  }
  return seed;
}

// Of all threads: signals are taken by the main thread, which asks for them.
sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR2}) sigaddset(&set, signal);
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
        signals_(block_signals()),
        hosts_({}, seed_) {}

  int run() {
    auto pair = WirePair::take(settings_.wire, settings_.wire.pairs.front());
    if (!pair) return complain(pair.error());
    pair_.emplace(std::move(*pair));
    for (const Finding& finding : pair_->findings()) {
      if (finding.severity == Severity::warning) spdlog::warn("{}: {}", finding.subject, finding.text);
    }
    int code = work();
    if (worker_) worker_->stop();
    if (const auto restored = pair_->release(); !restored) code = complain({restored.error()});
    if (worker_) code = std::max(code, finish());
    return code;
  }

 private:
  int work() {
    auto rules =
        settings_.wire.start == StartPolicy::open ? no_rules_yet(settings_) : first_generation(settings_);
    if (!rules) return complain(rules.error());
    board_.emplace(1, *rules);
    if (auto started = start_worker(); !started) return complain({started.error()});
    tell("{}: {}\n", pair_->name(), to_string(pair_->plan()));
    if (settings_.wire.start == StartPolicy::open) {
      rules = first_generation(settings_);
      if (!rules) return complain(rules.error());
      if (const auto published = board_->publish(*rules); !published) return complain({published.error()});
    }
    if (!board_->wait_for_workers(std::chrono::seconds(10))) spdlog::warn("a worker is late with the rules");
    tell("inspecting\n");
    Reloader reloader(settings_, *rules, *board_, {.settings = [this] { return settings_anew(); }});
    return follow_signals(reloader);
  }

  tl::expected<void, std::string> start_worker() {
    auto log = EventLog::open(settings_.outputs);
    if (!log) return tl::unexpected(log.error());
    auto port = AfpacketPort::open(pair_->outside(), pair_->inside());
    if (!port) return tl::unexpected(port.error());
    auto worker = Worker::make({settings_, seed_, hosts_, *board_}, 0, std::move(*log), std::move(*port));
    if (!worker) return tl::unexpected(worker.error());
    worker_ = std::move(*worker);
    worker_->start([] { ::kill(::getpid(), SIGTERM); });
    return {};
  }

  // Until the run is to end.
  int follow_signals(Reloader& reloader) {
    for (;;) {
      int signal = 0;
      if (sigwait(&signals_, &signal) != 0) continue;
      if (signal != SIGHUP && signal != SIGUSR2) return exit_ok;
      report(reloader.submit({}).get());
    }
  }

  tl::expected<Settings, std::vector<std::string>> settings_anew() const {
    auto again = configuration_.again();
    if (!again) return tl::unexpected(std::vector<std::string>{again.error()});
    return again->invocation.settings;
  }

  int finish() {
    bool good = worker_->finish_log();
    const Counters counters = worker_->counters();
    fmt::print("{}", to_string(Summary{counters}, use_colours(stdout)));
    if (!worker_->error().empty()) return complain({worker_->error()});
    return good && counters.imbalances().empty() ? exit_ok : exit_bad_input;
  }

  const Configuration& configuration_;
  const Settings& settings_;
  sigset_t signals_;
  HashSeed seed_ = random_seed();
  HostTable hosts_;
  std::optional<WirePair> pair_;
  std::optional<RuleBoard> board_;
  std::unique_ptr<Worker> worker_;
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
  if (pairs.size() > 1) return complain({"one pair a run, for now"});
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
    } else if (const auto released = pair->release(); !released) {
      code = complain({released.error()});
    }
  }
  return code;
}

}  // namespace lockstep
