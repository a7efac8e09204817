// The workers of a run over all its pairs, what they share, and their log.
//
//   auto engine = InlineEngine::start(settings, wires, rules, [] { end_the_run(); });
//   ... engine->board().publish(...)
//   engine->stop();
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/output/log_writer.hpp"
#include "engine/reload/rule_board.hpp"
#include "engine/settings.hpp"
#include "engine/wire.hpp"
#include "engine/worker.hpp"

namespace lockstep {

class InlineEngine {
 public:
  // All workers run when this returns, with `rules`. `settings` and `wires` must outlive the engine. `failed`
  // is called, on any thread, when a worker ends by itself. The error is for the user.
  [[nodiscard]] static tl::expected<std::unique_ptr<InlineEngine>, std::string> start(
      const Settings& settings, const std::vector<std::unique_ptr<Wire>>& wires,
      std::shared_ptr<const RuleGeneration> rules, const std::function<void()>& failed);
  ~InlineEngine() { stop(); }
  InlineEngine(const InlineEngine&) = delete;
  InlineEngine& operator=(const InlineEngine&) = delete;

  [[nodiscard]] RuleBoard& board() { return *board_; }
  [[nodiscard]] LogWriter& log() { return *log_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Worker>>& workers() const { return workers_; }
  // Of all workers: as they were at most a second ago; after stop() as they ended.
  [[nodiscard]] Counters counters() const;
  // Lets the workers end. The kernel should be forwarding by then: Wire::end().
  void stop();
  // Why the first worker that did so ended by itself; empty: none did. After stop().
  [[nodiscard]] std::string error() const;
  // After stop(). False: an event was lost.
  [[nodiscard]] bool finish_log();

 private:
  explicit InlineEngine(const Settings& settings);

  HashSeed seed_;
  HostTable hosts_;
  std::unique_ptr<LogWriter> log_;
  std::unique_ptr<RuleBoard> board_;
  std::vector<std::unique_ptr<Worker>> workers_;  // of all pairs
};

}  // namespace lockstep
