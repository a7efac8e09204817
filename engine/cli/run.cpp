// lockstep run: the engine as a wire between interfaces. lockstep detach: what a run left is removed.
#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <optional>

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "engine/cli/commands.hpp"
#include "engine/cli/first_generation.hpp"
#include "engine/cli/log.hpp"
#include "engine/cli/summary.hpp"
#include "engine/cli/terminal.hpp"
#include "engine/compile_rules.hpp"
#include "engine/inline_run.hpp"
#include "engine/process/confinement.hpp"
#include "engine/process/service_manager.hpp"
#include "engine/reload/rule_watch.hpp"
#include "engine/service.hpp"

namespace lockstep {
namespace {

int fail(const std::vector<std::string>& errors) {
  for (const std::string& error : errors) complain(error);
  return exit_bad_input;
}

template <class... Values>
void tell(fmt::format_string<Values...> format, Values&&... values) {
  fmt::print(format, std::forward<Values>(values)...);
  std::fflush(stdout);
}

// Of all threads: signals are taken by the main thread, which reads them.
class Signals {
 public:
  Signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) sigaddset(&set, signal);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    file_ = Descriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  [[nodiscard]] int file() const { return file_.get(); }
  // Nothing: none has come.
  [[nodiscard]] std::optional<int> take() const {
    signalfd_siginfo info{};
    if (::read(file_.get(), &info, sizeof info) != sizeof info) return std::nullopt;
    return static_cast<int>(info.ssi_signo);
  }

 private:
  Descriptor file_;
};

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
  for (const std::string& error : report.errors) spdlog::error(fmt::format("reload: {}", error));
  if (report.good())
    tell("generation {}: {} rules loaded, {} failed, {} skipped\n", report.generation, report.counts.loaded,
         report.counts.failed, report.counts.skipped);
}

void tell_lost(const LogCounters& log) {
  for (std::size_t type = 0; type < event_type_count; ++type) {
    if (log.refused[type] != 0)
      spdlog::warn(fmt::format("log: {} lines of type {} were lost, as their queue was full (outputs.queue)",
                               log.refused[type], event_type_names[type]));
  }
}

void end_run() {
  ::kill(::getpid(), SIGTERM);
}

// A run as the user sees it: what is told, what signals do.
class Run {
 public:
  explicit Run(const Configuration& configuration)
      : configuration_(configuration), settings_(configuration.invocation.settings) {}

  int run() {
    if (const std::string& file = configuration_.invocation.config_file; !file.empty())
      tell("settings: {}\n", file);
    auto run = InlineRun::take(settings_);
    if (!run) return fail(run.error());
    run_ = std::move(*run);
    for (const MannedWire& wire : run_->wires()) {
      for (const Finding& finding : wire.pair().findings()) {
        if (finding.severity == Severity::warning)
          spdlog::warn(fmt::format("{}: {}", finding.subject, finding.text));
      }
      tell("{}: {}\n", wire.pair().name(), wire.wire->plan());
    }
    int code = work();
    manager_.tell("STOPPING=1\nSTATUS=putting the interfaces back");
    service_.reset();
    if (const auto errors = run_->stop(); !errors.empty()) code = fail(errors);
    return std::max(code, run_->workers().empty() ? exit_ok : finish());
  }

 private:
  // Until the rules are compiled the kernel's part of the wire forwards, where there is one; elsewhere the
  // engine must, without rules.
  int work() {
    if (const auto free = Service::check(settings_.metrics); !free) return fail({free.error()});
    if (const auto ready = give_up_privileges(); !ready) return fail({ready.error()});
    log_.emplace();
    manager_.tell("STATUS=compiling rules");
    const bool open = settings_.wire.start == UnseenPolicy::open &&
                      std::any_of(run_->wires().begin(), run_->wires().end(),
                                  [](const MannedWire& wire) { return wire.wire->program() == nullptr; });
    auto rules = open ? no_rules_yet(settings_) : first_generation(settings_);
    if (!rules) return fail(rules.error());
    if (const auto started = run_->start(*rules, end_run); !started) return fail({started.error()});
    RuleBoard& board = run_->board();
    if (open) {
      rules = first_generation(settings_);
      if (!rules) return fail(rules.error());
      if (const auto published = board.publish(*rules); !published) return fail({published.error()});
    }
    if (!board.wait_for_workers(std::chrono::seconds(10))) spdlog::warn("a worker is late with the rules");
    auto service = Service::open(
        settings_, *run_, *rules,
        {[this] { return settings_anew(); }, [this](const ReloadReport& done) { reloaded(done); },
         [this](const Settings& anew) { return confinement_->out_of_reach(anew); }, end_run},
        std::move(socket_));
    if (!service) return fail({service.error()});
    service_ = std::move(*service);
    if (const auto begun = run_->begin(**rules); !begun) return fail({begun.error()});
    if (const auto filtered = confinement_->filter_system_calls(); !filtered) return fail({filtered.error()});
    tell("inspecting\n");
    manager_.tell(fmt::format("READY=1\nSTATUS=inspecting by {} rules", (*rules)->counts.loaded));
    return follow();
  }

  // What needs privileges is opened; then they are dropped, before there is a second thread.
  tl::expected<void, std::string> give_up_privileges() {
    if (auto opened = run_->open_ports(); !opened) return opened;
    if (!settings_.control.socket.empty()) {
      auto socket = ControlSocket::make(settings_.control);
      if (!socket) return tl::unexpected(socket.error());
      socket_.emplace(std::move(*socket));
    }
    auto confinement =
        Confinement::enter(settings_, configuration_.invocation.config_file, run_->ends_by_dispatcher());
    if (!confinement) return tl::unexpected(confinement.error());
    confinement_.emplace(std::move(*confinement));
    return {};
  }

  // In the reloader's thread.
  void reloaded(const ReloadReport& done) {
    report(done);
    if (done.good())
      manager_.tell(fmt::format("READY=1\nSTATUS=inspecting by {} rules, generation {}", done.counts.loaded,
                                done.generation));
    else
      manager_.tell("READY=1\nSTATUS=inspecting by the rules from before a reload that failed");
  }

  // Signals, the rule files and the clock, until the run is to end.
  int follow() {
    std::optional<RuleWatch> watch;
    if (settings_.rules.watch) {
      auto opened = RuleWatch::open();
      if (!opened) return fail({opened.error()});
      watch = std::move(*opened);
      watch->aim(settings_.rules);
    }
    Watchdog watchdog(manager_);
    for (;;) {
      std::array<pollfd, 2> files{{{signals_.file(), POLLIN, 0}, {watch ? watch->file() : -1, POLLIN, 0}}};
      constexpr std::chrono::milliseconds idle(1000), soon(100);
      const auto longest =
          std::min(watch && watch->waiting() ? soon : idle, watchdog.interval().value_or(idle));
      static_cast<void>(::poll(files.data(), files.size(), static_cast<int>(longest.count())));
      while (const auto signal = signals_.take()) {
        if (!obey(*signal)) return exit_ok;
      }
      if (watch && watch->changed(std::chrono::steady_clock::now())) service_->reload();
      if (watch) watch->aim(service_->settings().rules);
      service_->tend();
      watchdog.look(turns(), std::chrono::steady_clock::now());
    }
  }

  [[nodiscard]] std::vector<std::uint64_t> turns() const {
    std::vector<std::uint64_t> turns;
    for (const Worker* worker : run_->workers()) turns.push_back(worker->turns());
    return turns;
  }

  // False: the run is to end.
  bool obey(int signal) {
    switch (signal) {
      case SIGHUP:
      case SIGUSR2:
        manager_.reloading();
        service_->reload();
        return true;
      case SIGUSR1:
        service_->reopen_logs();
        return true;
      default:
        return false;
    }
  }

  [[nodiscard]] tl::expected<Settings, std::vector<std::string>> settings_anew() const {
    auto again = configuration_.again();
    if (!again) return tl::unexpected(std::vector<std::string>{again.error()});
    return again->invocation.settings;
  }

  int finish() {
    const bool good = run_->finish_logs();
    tell_lost(run_->logs().counters());
    const Counters counters = run_->counters();
    fmt::print("{}", to_string(Summary{counters}, use_colours(stdout)));
    bool balanced = counters.imbalances().empty();
    for (const MannedWire& wire : run_->wires()) balanced = tell_sides(wire) && balanced;
    return good && balanced ? exit_ok : exit_bad_input;
  }

  // False: what the kernel gave to the engine is not what that knows of.
  static bool tell_sides(const MannedWire& wire) {
    const auto counts = wire.wire->counts();
    if (!counts) return true;
    const auto arrivals = wire.arrivals();
    const auto refused = wire.wire->refused();
    bool balanced = true;
    for (std::size_t side = 0; side < LS_SIDES; ++side) {
      const SideSummary summary{side == 0 ? wire.pair().outside() : wire.pair().inside(), (*counts)[side],
                                arrivals[side].received.packets, arrivals[side].lost.packets, refused[side]};
      fmt::print("{}", to_string(summary, use_colours(stdout)));
      balanced = summary.balanced() && balanced;
    }
    return balanced;
  }

  const Configuration& configuration_;
  const Settings& settings_;
  Signals signals_;
  ServiceManager manager_;
  std::optional<AsyncLog> log_;
  std::unique_ptr<InlineRun> run_;
  std::optional<ControlSocket> socket_;  // until the service has it
  std::optional<Confinement> confinement_;
  std::unique_ptr<Service> service_;
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
  return Run(configuration).run();
}

int run_detach(const Configuration& configuration) {
  const WireSettings& settings = configuration.invocation.settings.wire;
  if (settings.pairs.empty()) return needs_a_pair("detach");
  int code = exit_ok;
  for (const std::string& name : settings.pairs) {
    auto pair = WirePair::take_over(settings, name);
    if (!pair) {
      code = fail({pair.error()});
    } else if (const auto detached = xdp::Program::detach(pins_of(settings, *pair)); !detached) {
      code = fail({detached.error()});
    } else if (const auto released = pair->release(); !released) {
      code = fail({released.error()});
    }
  }
  return code;
}

}  // namespace lockstep
