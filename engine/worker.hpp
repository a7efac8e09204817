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
#include "engine/mailbox.hpp"
#include "engine/metrics/histogram.hpp"
#include "engine/output/event_log.hpp"
#include "engine/pipeline.hpp"
#include "engine/reload/rule_board.hpp"
#include "engine/reporter.hpp"
#include "engine/wire.hpp"

namespace lockstep {

// How long and how much, as one worker saw it; any thread reads.
struct WorkerHistograms {
  Histogram packet;  // nanoseconds of a packet in the engine, from its batch's arrival to the send
  Histogram batch;   // packets
  Histogram swap;    // nanoseconds that a rule set took to be taken up
};

// What was for a worker by one of the interfaces.
struct Arrivals {
  Amount received;  // it was looked at
  Amount lost;      // before that; under a reason among the counters; bytes may be unknown
};

// What a worker told of itself at one moment.
struct WorkerReport {
  Counters counters;
  Gauges gauges;
  std::array<Arrivals, 2> arrivals;  // by the outside interface, by the inside one
};

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
  [[nodiscard]] static tl::expected<std::unique_ptr<Worker>, std::string> make(const Shared& shared,
                                                                               std::size_t n,
                                                                               InterfaceNames interfaces,
                                                                               EventLog log, WireSeat seat);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Begins to move packets. `failed` is called once, on the worker's thread, if it ends by itself.
  void start(std::function<void()> failed);
  // Lets the worker end behind its batch, and waits for it. What it held is given up.
  void stop();
  // Tells what was for it and came too late. Once no worker of its pair runs.
  void close();

  // From any thread. As it was at most a second ago; after stop() as it ended.
  [[nodiscard]] WorkerReport report() const;
  // From any thread: grows while it goes on, ten times a second at least.
  [[nodiscard]] std::uint64_t turns() const { return turns_.load(std::memory_order_relaxed); }
  [[nodiscard]] const WorkerHistograms& histograms() const { return histograms_; }
  // From any thread: asked between two batches. False: see Mailbox::post.
  [[nodiscard]] bool ask(Mailbox::Task task);
  // Why it ended by itself; empty: it did not. After stop().
  [[nodiscard]] const std::string& error() const { return error_; }
  // After stop(). False: an event was lost.
  [[nodiscard]] bool finish_log() { return log_.finish(); }

 private:
  Worker(const Shared& shared, std::size_t n, InterfaceNames interfaces, EventLog log, WireSeat seat);
  void run();
  // False: the port can't go on.
  bool turn();
  // Nothing: the port can't go on.
  [[nodiscard]] std::optional<std::size_t> take_batch();
  void take_what_is_left();
  void tick(Timestamp now);
  void take_rules();
  void take_losses();
  void snapshot();
  void process(std::size_t count);

  RuleBoard& board_;
  std::size_t n_;
  EventLog log_;
  std::unique_ptr<InlinePort> port_;
  std::unique_ptr<KernelVerdicts> verdicts_;  // null: the kernel decides nothing
  std::unique_ptr<KernelSamples> samples_;    // null: another worker has them, or nobody
  Reporter reporter_;
  std::optional<Inspector> inspector_;
  std::optional<Pipeline> pipeline_;
  Clock clock_;
  Timestamp next_tick_{};
  std::array<Frame, 64> batch_;
  std::string error_;

  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> turns_{0};  // the worker alone writes
  Mailbox mailbox_;
  WorkerHistograms histograms_;
  std::array<Arrivals, 2> arrivals_{};
  mutable std::mutex mutex_;  // of the report
  WorkerReport report_;
  std::thread thread_;
};

}  // namespace lockstep
