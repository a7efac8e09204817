// The operator's hand on a run: reloads, the control socket, metrics. Everything here runs in threads of its
// own or in the caller's, never in a worker's, and asks workers by their mailboxes.
//
//   auto service = Service::open(settings, run, rules, read_settings, told);
//   service->reload();
//   service->tend();   // once a second
#pragma once
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <tl/expected.hpp>

#include "engine/address_lists.hpp"
#include "engine/control/control_server.hpp"
#include "engine/inline_run.hpp"
#include "engine/metrics/exposer.hpp"
#include "engine/reload/reloader.hpp"

namespace lockstep {

class Service final : public ControlTarget {
 public:
  struct Hooks {
    std::function<tl::expected<Settings, std::vector<std::string>>()> settings;  // as Reloader::Hooks
    std::function<void(const ReloadReport&)> reloaded;  // in the reloader's thread, after each request
    std::function<std::vector<std::string>(const Settings&)> out_of_reach;  // as Reloader::Hooks
    std::function<void()> shut_down;                                        // any thread: the run is to end
  };
  // Whether open() could serve metrics where the settings say, before there are rules: takes the address for
  // a moment. The error is that of open().
  [[nodiscard]] static tl::expected<void, std::string> check(const MetricsSettings& settings);
  // `run` has begun, under `rules`. Without `socket` no commands are taken. The error says what can't be
  // served and the remedy. The run must outlive the service.
  [[nodiscard]] static tl::expected<std::unique_ptr<Service>, std::string> open(
      const Settings& settings, InlineRun& run, std::shared_ptr<const RuleGeneration> rules, Hooks hooks,
      std::optional<ControlSocket> socket);
  ~Service() override;

  // Settings and rules are read anew, soon.
  void reload();
  // Blocks and allows that have run out end. To be called about once a second.
  void tend();

  [[nodiscard]] std::chrono::seconds uptime() const override;
  [[nodiscard]] std::string capture_mode() const override;
  [[nodiscard]] std::vector<InterfaceCounts> interfaces() const override;
  [[nodiscard]] CounterSnapshot counters() const override;
  [[nodiscard]] Settings settings() const override { return reloader_->settings(); }
  [[nodiscard]] Reloader& reloader() override { return *reloader_; }
  void reopen_logs() override { run_.logs().reopen(); }
  void shut_down() override { hooks_.shut_down(); }
  [[nodiscard]] PendingAnswer flows(const FlowFilter& filter) override;
  [[nodiscard]] PendingAnswer flow(std::uint64_t id) override;
  [[nodiscard]] PendingAnswer change_list(ListChange change, const std::string& what,
                                          std::optional<std::chrono::seconds> expiry) override;

  [[nodiscard]] EngineMetrics metrics() const;

 private:
  Service(const Settings& settings, InlineRun& run, std::shared_ptr<const RuleGeneration> rules, Hooks hooks);
  [[nodiscard]] PendingAnswer change_prefix(ListChange change, const Prefix& prefix,
                                            std::optional<std::chrono::seconds> expiry);
  [[nodiscard]] PendingAnswer change_flow(ListChange change, std::uint64_t id);
  // The lists as they are go to all workers; with the mutex held.
  [[nodiscard]] std::vector<std::future<void>> hand_out();
  [[nodiscard]] std::string pair_of(std::size_t worker) const;

  InlineRun& run_;
  Hooks hooks_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  Histogram reloads_;  // milliseconds
  std::unique_ptr<Reloader> reloader_;
  std::mutex mutex_;  // of the lists
  AddressBook book_;
  bool stale_ = false;  // some worker could not be told
  std::unique_ptr<MetricsExposer> exposer_;
  std::unique_ptr<ControlServer> control_;
};

}  // namespace lockstep
