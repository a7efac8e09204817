#include "engine/inline_engine.hpp"

#include <algorithm>

#include <sys/random.h>

#include "engine/pipeline_config.hpp"

namespace lockstep {
namespace {

HashSeed random_seed() {
  HashSeed seed;
  while (::getrandom(&seed.value, sizeof seed.value, 0) != sizeof seed.value) {
  }
  return seed;
}

}  // namespace

InlineEngine::InlineEngine(const Settings&) : seed_(random_seed()), hosts_({}, seed_) {}

tl::expected<std::unique_ptr<InlineEngine>, std::string> InlineEngine::start(
    const Settings& settings, const std::vector<std::unique_ptr<Wire>>& wires,
    std::shared_ptr<const RuleGeneration> rules, const std::function<void()>& failed) {
  std::unique_ptr<InlineEngine> engine(new InlineEngine(settings));
  auto config = make_pipeline_config(settings, 0);
  if (!config) return tl::unexpected(config.error());
  std::vector<WireSeat> seats;
  for (const auto& wire : wires) {
    auto opened = wire->open_seats(engine->seed_, config->timeouts);
    if (!opened) return tl::unexpected(opened.error());
    std::move(opened->begin(), opened->end(), std::back_inserter(seats));
  }
  auto log = LogWriter::open(settings.outputs, seats.size());
  if (!log) return tl::unexpected(log.error());
  engine->log_ = std::move(*log);
  engine->board_ = std::make_unique<RuleBoard>(seats.size(), std::move(rules));
  for (std::size_t n = 0; n < seats.size(); ++n) {
    auto worker = Worker::make({settings, engine->seed_, engine->hosts_, *engine->board_}, n,
                               EventLog::queued(settings.outputs, *engine->log_, n), std::move(seats[n]));
    if (!worker) return tl::unexpected(worker.error());
    engine->workers_.push_back(std::move(*worker));
  }
  for (const auto& worker : engine->workers_) worker->start(failed);
  return engine;
}

Counters InlineEngine::counters() const {
  Counters sum;
  for (const auto& worker : workers_) sum += worker->counters();
  return sum;
}

void InlineEngine::stop() {
  for (const auto& worker : workers_) worker->stop();
}

std::string InlineEngine::error() const {
  const auto failed = std::find_if(workers_.begin(), workers_.end(),
                                   [](const auto& worker) { return !worker->error().empty(); });
  return failed == workers_.end() ? std::string() : (*failed)->error();
}

bool InlineEngine::finish_log() {
  bool good = true;
  for (const auto& worker : workers_) good = worker->finish_log() && good;
  const LogCounters counters = log_->counters();
  return good && counters.lost == 0;
}

}  // namespace lockstep
