#include "engine/inline_run.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/random.h>

#include "engine/pipeline_config.hpp"
#include "engine/prefix_files.hpp"

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
    const auto [outside, inside] = pair_names(pair);
    for (const std::string& name : {outside, inside}) {
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

std::array<Arrivals, 2> MannedWire::arrivals() const {
  std::array<Arrivals, 2> sum{};
  for (const auto& worker : workers) {
    const WorkerReport report = worker->report();
    for (std::size_t side = 0; side < sum.size(); ++side) {
      sum[side].received += report.arrivals[side].received;
      sum[side].lost += report.arrivals[side].lost;
    }
  }
  return sum;
}

InlineRun::~InlineRun() {
  for (Worker* worker : workers_) worker->stop();
}

tl::expected<std::unique_ptr<InlineRun>, std::vector<std::string>> InlineRun::take(const Settings& settings) {
  if (auto errors = named_twice(settings.wire.pairs); !errors.empty())
    return tl::unexpected(std::move(errors));
  const auto prefixes = read_prefixes(settings.wire);
  if (!prefixes) return tl::unexpected(std::vector{prefixes.error()});
  std::unique_ptr<InlineRun> run(new InlineRun(settings));
  const auto give_up = [&](std::vector<std::string> errors) {
    const auto more = run->stop();
    errors.insert(errors.end(), more.begin(), more.end());
    return tl::unexpected(std::move(errors));
  };
  for (const std::string& name : settings.wire.pairs) {
    auto wire = Wire::take(settings.wire, name, static_cast<std::uint16_t>(run->wires_.size()));
    if (!wire) return give_up(std::move(wire.error()));
    run->wires_.push_back({std::move(*wire), {}});
    if (const auto set = run->wires_.back().wire->set_prefixes(*prefixes); !set)
      return give_up({set.error()});
  }
  return run;
}

tl::expected<void, std::string> InlineRun::start(std::shared_ptr<const RuleGeneration> rules,
                                                 const std::function<void()>& failed) {
  const auto config = make_pipeline_config(settings_, 0);
  if (!config) return tl::unexpected(config.error());
  std::vector<std::vector<WireSeat>> seats;
  std::size_t count = 0;
  for (const MannedWire& manned : wires_) {
    auto opened = manned.wire->open_seats(seed_, config->timeouts);
    if (!opened) return tl::unexpected(opened.error());
    count += opened->size();
    seats.push_back(std::move(*opened));
  }
  auto logs = LogWriter::open(settings_.outputs, count);
  if (!logs) return tl::unexpected(logs.error());
  logs_ = std::move(*logs);
  board_.emplace(count, std::move(rules));
  share_ = share_of(settings_, count);
  if (auto made = make_workers(std::move(seats)); !made) return made;
  for (Worker* worker : workers_) worker->start(failed);
  return {};
}

tl::expected<void, std::string> InlineRun::make_workers(std::vector<std::vector<WireSeat>> seats) {
  for (std::size_t i = 0; i < wires_.size(); ++i) {
    const WirePair& pair = wires_[i].pair();
    for (WireSeat& seat : seats[i]) {
      const std::size_t n = workers_.size();
      auto worker = Worker::make({share_, seed_, hosts_, *board_}, n, {pair.outside(), pair.inside()},
                                 EventLog::queued(settings_.outputs, *logs_, n), std::move(seat));
      if (!worker) return tl::unexpected(worker.error());
      workers_.push_back(worker->get());
      wires_[i].workers.push_back(std::move(*worker));
    }
  }
  return {};
}

tl::expected<void, std::string> InlineRun::begin(const RuleGeneration& rules) {
  for (const MannedWire& manned : wires_) {
    if (auto suspected = manned.wire->suspect(rules); !suspected) return suspected;
    manned.wire->begin();
  }
  return {};
}

tl::expected<std::function<void()>, std::string> InlineRun::prepare(const WireSettings& anew) {
  auto prefixes = read_prefixes(anew);
  if (!prefixes) return tl::unexpected(prefixes.error());
  return [this, prefixes = std::move(*prefixes)] {
    for (const MannedWire& manned : wires_) {
      if (const auto set = manned.wire->set_prefixes(prefixes); !set)
        spdlog::error("reload: {}", set.error());
      // Until the kernel knows what to suspect it suspects everything.
      if (const auto suspected = manned.wire->suspect(*board_->current()); !suspected)
        spdlog::error("reload: {}", suspected.error());
    }
  };
}

std::vector<std::string> InlineRun::stop() {
  std::vector<std::string> errors;
  for (const MannedWire& manned : wires_) manned.wire->end();
  for (Worker* worker : workers_) {
    worker->stop();
    if (!worker->error().empty()) errors.push_back(worker->error());
  }
  for (Worker* worker : workers_) worker->close();
  for (const MannedWire& manned : wires_) {
    if (const auto restored = manned.wire->release(); !restored) errors.push_back(restored.error());
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
