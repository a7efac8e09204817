#include "engine/inline_run.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/random.h>

#include "engine/pipeline_config.hpp"

namespace lockstep {
namespace {

constexpr std::size_t flows_at_once = 64;  // that a worker looks at between two batches

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
  auto prefixes = read_prefixes(settings.wire);
  if (!prefixes) return tl::unexpected(std::vector{prefixes.error()});
  std::unique_ptr<InlineRun> run(new InlineRun(settings));
  const auto give_up = [&](std::vector<std::string> errors) {
    const auto more = run->stop();
    errors.insert(errors.end(), more.begin(), more.end());
    return tl::unexpected(std::move(errors));
  };
  for (const std::string& name : settings.wire.pairs) {
    auto wire = Wire::take(settings, name, static_cast<std::uint16_t>(run->wires_.size()));
    if (!wire) return give_up(std::move(wire.error()));
    run->wires_.push_back({std::move(*wire), {}});
  }
  if (const auto set = run->set_prefixes({std::move(*prefixes), {}}); !set) return give_up({set.error()});
  return run;
}

tl::expected<void, std::string> InlineRun::open_ports() {
  const auto config = make_pipeline_config(settings_, 0);
  if (!config) return tl::unexpected(config.error());
  for (const MannedWire& manned : wires_) {
    auto opened = manned.wire->open_seats(seed_, config->timeouts);
    if (!opened) return tl::unexpected(opened.error());
    seats_.push_back(std::move(*opened));
  }
  return {};
}

bool InlineRun::ends_by_dispatcher() const {
  return settings_.wire.exit == ExitPolicy::detach &&
         std::any_of(wires_.begin(), wires_.end(), [](const MannedWire& manned) {
           return manned.wire->program() != nullptr && manned.wire->program()->dispatched();
         });
}

tl::expected<void, std::string> InlineRun::start(std::shared_ptr<const RuleGeneration> rules,
                                                 const std::function<void()>& failed) {
  std::size_t count = 0;
  for (const auto& seats : seats_) count += seats.size();
  auto logs = LogWriter::open(settings_.outputs, count);
  if (!logs) return tl::unexpected(logs.error());
  logs_ = std::move(*logs);
  board_.emplace(count, std::move(rules));
  share_ = share_of(settings_, count);
  if (auto made = make_workers(); !made) return made;
  for (Worker* worker : workers_) worker->start(failed);
  return {};
}

tl::expected<void, std::string> InlineRun::make_workers() {
  for (std::size_t i = 0; i < wires_.size(); ++i) {
    const WirePair& pair = wires_[i].pair();
    for (WireSeat& seat : seats_[i]) {
      const std::size_t n = workers_.size();
      auto worker = Worker::make({share_, seed_, hosts_, *board_}, n, {pair.outside(), pair.inside()},
                                 EventLog::queued(settings_.outputs, *logs_, n), std::move(seat));
      if (!worker) return tl::unexpected(worker.error());
      workers_.push_back(worker->get());
      wires_[i].workers.push_back(std::move(*worker));
    }
  }
  seats_.clear();
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
    {
      const std::scoped_lock lock(mutex_);
      if (const auto set = set_prefixes({prefixes, prefixes_.listed}); !set)
        spdlog::error(fmt::format("reload: {}", set.error()));
    }
    for (const MannedWire& manned : wires_) {
      // Until the kernel knows what to suspect it suspects everything.
      if (const auto suspected = manned.wire->suspect(*board_->current()); !suspected)
        spdlog::error(fmt::format("reload: {}", suspected.error()));
    }
  };
}

tl::expected<void, std::string> InlineRun::set_prefixes(KernelPrefixes prefixes) {
  const auto all = prefixes.all();
  const auto gone = no_longer_allowed(prefixes_.all(), all);
  prefixes_ = std::move(prefixes);
  tl::expected<void, std::string> done;
  for (const MannedWire& manned : wires_) {
    auto set = manned.wire->set_prefixes(manned.wire->program() != nullptr ? all : prefixes_.files);
    if (!set) done = std::move(set);
  }
  if (gone) mistrust(gone);
  return done;
}

tl::expected<void, std::string> InlineRun::list(const std::vector<std::pair<Prefix, ListWord>>& entries) {
  const std::scoped_lock lock(mutex_);
  return set_prefixes({prefixes_.files, entries});
}

// Their packets went past the engine, which gives up what it believes of their connections, and does not know
// those that began meanwhile.
void InlineRun::mistrust(const std::shared_ptr<const AddressLists>& lists) {
  for (Worker* worker : workers_) {
    const bool asked = worker->ask([lists, place = std::size_t{0}](Pipeline& pipeline) mutable {
      if (place == 0) pipeline.forget_unknown();
      place = pipeline.walk(place, flows_at_once, [&](Flow& flow) {
        if (lists->of(flow.key.low().address, flow.key.high().address) != ListWord::none) pipeline.miss(flow);
      });
      return place == 0;
    });
    if (!asked) spdlog::error("reload: a worker has no room to be told what is no longer allowed");
  }
}

std::vector<std::string> InlineRun::stop() {
  std::vector<std::string> errors;
  for (const MannedWire& manned : wires_) manned.wire->end();
  for (Worker* worker : workers_) {
    worker->stop();
    if (!worker->error().empty()) errors.push_back(worker->error());
  }
  seats_.clear();
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
