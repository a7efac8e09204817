// Rule sets while the engine runs: compiles in a thread of its own at the lowest priority, publishes what is
// whole on a RuleBoard, and keeps the set before it for a rollback. What fails changes nothing and says why.
//
//   Reloader reloader(settings, generation, board, {.settings = read_settings, .prepare = prepare_others});
//   ReloadReport report = reloader.submit({ReloadRequest::What::reload}).get();
//
// All functions from any thread. A set that nobody holds any more is destroyed in the reloader's thread,
// never in a worker's.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <tl/expected.hpp>

#include "engine/load_rules.hpp"
#include "engine/reload/rule_board.hpp"
#include "engine/reload/rule_changes.hpp"
#include "engine/rule_generation.hpp"
#include "engine/settings.hpp"
#include "reassembly/time.hpp"

namespace lockstep {

struct ReloadRequest {
  enum class What : std::uint8_t {
    reload,   // settings and rule files are read anew, and take effect
    compare,  // the same, but nothing takes effect
    shadow,   // the rules of `path` become shadows beside those in force; an empty path: no shadows any more
    promote,  // the shadows take the place of the rules in force
  };
  What what = What::reload;
  std::string path = {};
};

struct ReloadReport {
  std::vector<std::string> errors;  // not empty: nothing has changed
  std::uint64_t generation = 0;     // that is in force, or would be
  RuleCounts counts;
  RuleChanges changes;
  std::vector<FailedRule> failed;
  std::size_t shadows = 0;
  std::chrono::nanoseconds compiled{};  // reading, parsing, compiling
  std::chrono::nanoseconds taken_up{};  // until the last worker had it
  bool by_all = true;                   // false: some worker had not within ReloadLimits::patience
  std::uint64_t memory_before = 0;      // resident bytes of the process
  std::uint64_t memory_peak = 0;        // the most seen while compiling
  std::uint64_t memory_after = 0;

  [[nodiscard]] bool good() const { return errors.empty(); }
};

struct ReloadLimits {
  std::uint64_t memory = 0;  // bytes by which the process may grow while it compiles; 0: no limit
  std::chrono::milliseconds patience = std::chrono::seconds(10);
};

struct KnownGeneration {
  enum class State : std::uint8_t { running, previous, leaving };
  std::uint64_t number = 0;
  State state = State::running;
  RuleCounts counts;
  std::size_t shadows = 0;
  std::size_t database_bytes = 0;
  reassembly::Timestamp loaded{};
};
[[nodiscard]] std::string_view name(KnownGeneration::State state);

class Reloader {
 public:
  struct Hooks {
    // Reads the settings as at the start.
    std::function<tl::expected<Settings, std::vector<std::string>>()> settings;
    // Lines about files that these settings name and that the process can't read any more. Null: it reads
    // all.
    std::function<std::vector<std::string>(const Settings&)> out_of_reach = {};
    // Makes ready what a reload takes along beside the rules, and gives what puts it in force, which can't
    // fail. Null: nothing.
    using Commit = std::function<void()>;
    std::function<tl::expected<Commit, std::string>(const Settings&)> prepare = {};
    // In the reloader's thread, of each request that was done, before its answer is given. Null: nobody.
    std::function<void(const ReloadRequest&, const ReloadReport&)> done = {};
  };
  // `rules` is on the board, `settings` are what it was loaded with. The board must outlive the reloader.
  Reloader(Settings settings, std::shared_ptr<const RuleGeneration> rules, RuleBoard& board, Hooks hooks,
           ReloadLimits limits = {});
  // Gives up what is under way between two databases; requests that wait are answered with an error.
  ~Reloader();
  Reloader(const Reloader&) = delete;
  Reloader& operator=(const Reloader&) = delete;

  // Requests are done one after the other.
  [[nodiscard]] std::future<ReloadReport> submit(ReloadRequest request);
  // At once, in the caller's thread: the set before takes its place again, which it would give up by another
  // rollback. A compilation under way is given up. The error says that there is none.
  [[nodiscard]] tl::expected<std::uint64_t, std::string> rollback();

  [[nodiscard]] std::vector<KnownGeneration> generations() const;  // newest first
  [[nodiscard]] std::shared_ptr<const RuleGeneration> current() const;
  [[nodiscard]] Settings settings() const;  // in force
  [[nodiscard]] reassembly::Timestamp last_reload() const;

 private:
  struct Job {
    ReloadRequest request;
    std::promise<ReloadReport> answer;
  };
  struct Held {
    std::shared_ptr<const RuleGeneration> rules;
    reassembly::Timestamp since{};
  };
  using Plan = tl::expected<LoadedRules, std::vector<std::string>>;

  void run();
  [[nodiscard]] ReloadReport work(const ReloadRequest& request);
  [[nodiscard]] Plan read_rules(const Settings& settings) const;
  [[nodiscard]] Plan plan(const ReloadRequest& request, const RuleGeneration& now, Settings& settings) const;
  [[nodiscard]] std::optional<std::string> object(ReloadReport& report, std::uint64_t turn) const;
  [[nodiscard]] bool put_in_force(const std::shared_ptr<const RuleGeneration>& rules,
                                  const Settings& settings, std::uint64_t turn);
  void release();

  RuleBoard& board_;
  Hooks hooks_;
  ReloadLimits limits_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  Settings settings_;  // in force
  Held current_, previous_;
  std::vector<Held> leaving_;  // held by workers or flows
  std::uint64_t last_number_;
  signatures::Names names_;             // of all sets so far
  std::atomic<std::uint64_t> turn_{0};  // moves on with each rollback and at the end
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace lockstep
