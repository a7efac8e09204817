// One thread with one port of a pair and everything that a packet needs: pipeline, inspector, reporter.
// Nothing is shared with other workers but what is made for it: the board of rules, the table of hosts, the
// log's queues.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "engine/clock.hpp"
#include "engine/inspector.hpp"
#include "engine/output/event_log.hpp"
#include "engine/pipeline.hpp"
#include "engine/ports/inline_port.hpp"
#include "engine/reload/rule_board.hpp"
#include "engine/reporter.hpp"

namespace lockstep {

class Worker {
 public:
  // What all workers of a run have in common; must outlive them.
  struct Shared {
    const Settings& settings;
    HashSeed seed;
    HostTable& hosts;
    RuleBoard& board;
  };
  // Worker `n` of the run, of the pair of these interfaces, begins with the rules that stand on the board,
  // and follows it. The error is for the user.
  [[nodiscard]] static tl::expected<std::unique_ptr<Worker>, std::string> make(
      const Shared& shared, std::size_t n, InterfaceNames interfaces, EventLog log,
      std::unique_ptr<InlinePort> port);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Begins to move packets. `failed` is called once, on the worker's thread, if it ends by itself.
  void start(std::function<void()> failed);
  // Lets the worker end behind its batch, and waits for it. What it held is given up.
  void stop();

  // From any thread. As they were at most a second ago; after stop() as they ended.
  [[nodiscard]] Counters counters() const;
  // Why it ended by itself; empty: it did not. After stop().
  [[nodiscard]] const std::string& error() const { return error_; }
  // After stop(). False: an event was lost.
  [[nodiscard]] bool finish_log() { return log_.finish(); }

 private:
  Worker(const Shared& shared, std::size_t n, InterfaceNames interfaces, EventLog log,
         std::unique_ptr<InlinePort> port);
  void run();
  // False: the port can't go on.
  bool turn();
  void tick(Timestamp now);
  void take_rules();
  void take_losses();
  void snapshot();

  RuleBoard& board_;
  std::size_t n_;
  EventLog log_;
  std::unique_ptr<InlinePort> port_;
  Reporter reporter_;
  std::optional<Inspector> inspector_;
  std::optional<Pipeline> pipeline_;
  Clock clock_;
  Timestamp next_tick_{};
  std::array<Frame, 64> batch_;
  std::string error_;

  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;  // of the counters
  Counters counters_;
  std::thread thread_;
};

}  // namespace lockstep
