#include "engine/inline_run.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <sys/random.h>

#include "engine/open_ports.hpp"

namespace lockstep {
namespace {

HashSeed random_seed() {
  HashSeed seed;
  while (::getrandom(&seed.value, sizeof seed.value, 0) != sizeof seed.value) {
  }
  return seed;
}

// An interface is an end of one wire.
std::vector<std::string> named_twice(const std::vector<std::string>& pairs) {
  std::set<std::string, std::less<>> seen;
  std::vector<std::string> errors;
  for (const std::string& pair : pairs) {
    const auto colon = pair.find(':');
    for (const std::string& name : {pair.substr(0, colon), pair.substr(colon + 1)}) {
      if (!seen.insert(name).second) errors.push_back(fmt::format("{}: is in two pairs", name));
    }
  }
  return errors;
}

// Tables and pools are each worker's own; the settings bound their sum.
Settings share_of(Settings settings, std::size_t workers) {
  for (std::uint64_t* bound :
       {&settings.flow.max_flows, &settings.flow.max_unestablished, &settings.flow.max_half_open,
        &settings.stream.memory, &settings.defrag.memory, &settings.defrag.max_datagrams})
    *bound = std::max<std::uint64_t>(1, *bound / workers);
  return settings;
}

}  // namespace

InlineRun::InlineRun(const Settings& settings)
    : settings_(settings), seed_(random_seed()), hosts_({}, seed_) {}

InlineRun::~InlineRun() {
  for (Worker* worker : workers_) worker->stop();
}

tl::expected<std::unique_ptr<InlineRun>, std::vector<std::string>> InlineRun::take(const Settings& settings) {
  if (auto errors = named_twice(settings.wire.pairs); !errors.empty())
    return tl::unexpected(std::move(errors));
  std::unique_ptr<InlineRun> run(new InlineRun(settings));
  for (const std::string& name : settings.wire.pairs) {
    auto pair = WirePair::take(settings.wire, name);
    if (!pair) {
      auto errors = std::move(pair.error());
      const auto more = run->stop();
      errors.insert(errors.end(), more.begin(), more.end());
      return tl::unexpected(std::move(errors));
    }
    run->wires_.emplace_back(std::move(*pair));
  }
  return run;
}

tl::expected<void, std::string> InlineRun::start(std::shared_ptr<const RuleGeneration> rules,
                                                 const std::function<void()>& failed) {
  std::vector<std::vector<std::unique_ptr<InlinePort>>> ports;
  std::size_t count = 0;
  for (const Wire& wire : wires_) {
    auto opened = open_ports(wire.pair, settings_.wire);
    if (!opened) return tl::unexpected(opened.error());
    count += opened->size();
    ports.push_back(std::move(*opened));
  }
  auto logs = LogWriter::open(settings_.outputs, count);
  if (!logs) return tl::unexpected(logs.error());
  logs_ = std::move(*logs);
  board_.emplace(count, std::move(rules));
  share_ = share_of(settings_, count);
  if (auto made = make_workers(std::move(ports)); !made) return made;
  for (Worker* worker : workers_) worker->start(failed);
  return {};
}

tl::expected<void, std::string> InlineRun::make_workers(
    std::vector<std::vector<std::unique_ptr<InlinePort>>> ports) {
  for (std::size_t i = 0; i < wires_.size(); ++i) {
    for (auto& port : ports[i]) {
      const std::size_t n = workers_.size();
      auto worker = Worker::make({share_, seed_, hosts_, *board_}, n,
                                 {wires_[i].pair.outside(), wires_[i].pair.inside()},
                                 EventLog::queued(settings_.outputs, *logs_, n), std::move(port));
      if (!worker) return tl::unexpected(worker.error());
      workers_.push_back(worker->get());
      wires_[i].workers.push_back(std::move(*worker));
    }
  }
  return {};
}

std::vector<std::string> InlineRun::stop() {
  std::vector<std::string> errors;
  for (Worker* worker : workers_) {
    worker->stop();
    if (!worker->error().empty()) errors.push_back(worker->error());
  }
  for (Wire& wire : wires_) {
    if (const auto restored = wire.pair.release(); !restored) errors.push_back(restored.error());
  }
  return errors;
}

Counters InlineRun::counters() const {
  Counters sum;
  for (const Worker* worker : workers_) sum += worker->report().counters;
  return sum;
}

bool InlineRun::finish_logs() {
  bool good = true;
  for (Worker* worker : workers_) good = worker->finish_log() && good;
  return good;
}

}  // namespace lockstep
