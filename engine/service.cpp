#include "engine/service.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "engine/reload/resident.hpp"

namespace lockstep {
namespace {

std::uint64_t bad_checksums(const Counters& counters) {
  return counters.reason(Reason::ip_bad_checksum).packets + counters.reason(Reason::tcp_bad_checksum).packets;
}

std::vector<PoolUse> pools(const Gauges& gauges, const Settings& share) {
  return {{"stream", gauges.stream_memory, share.stream.memory},
          {"flows", (gauges.flows + gauges.unestablished) * sizeof(Flow),
           (share.flow.max_flows + share.flow.max_unestablished) * sizeof(Flow)},
          {"half_open", gauges.half_open * sizeof(HalfOpenRecord),
           share.flow.max_half_open * sizeof(HalfOpenRecord)},
          {"fragments", gauges.fragment_memory, share.defrag.memory}};
}

// What came in by one side and was decided in the kernel.
void add_kernel(InterfaceCounts& interface, const std::array<ls_count, LS_COUNTED>& counts) {
  for (std::size_t what = LS_FORWARDED; what < LS_DROPPED; ++what) {
    interface.packets += counts[what].packets;
    interface.bypassed += counts[what].packets;
  }
  for (std::size_t what = LS_DROPPED; what < LS_COUNTED; ++what) {
    interface.packets += counts[what].packets;
    interface.dropped += counts[what].packets;
  }
}

}  // namespace

Service::Service(const Settings& settings, InlineRun& run, std::shared_ptr<const RuleGeneration> rules,
                 Hooks hooks)
    : run_(run), hooks_(std::move(hooks)) {
  Reloader::Hooks reloads;
  reloads.settings = hooks_.settings;
  reloads.out_of_reach = hooks_.out_of_reach;
  reloads.prepare = [&run](const Settings& anew) { return run.prepare(anew.wire); };
  reloads.done = [this](const ReloadRequest& request, const ReloadReport& report) {
    if (report.good() && request.what != ReloadRequest::What::compare)
      reloads_.record(static_cast<std::uint64_t>(
          std::chrono::duration_cast<std::chrono::milliseconds>(report.compiled + report.taken_up).count()));
    if (request.what != ReloadRequest::What::compare) hooks_.reloaded(report);
  };
  reloader_ = std::make_unique<Reloader>(settings, std::move(rules), run.board(), std::move(reloads),
                                         ReloadLimits{.memory = settings.reload.memory});
}

tl::expected<void, std::string> Service::check(const MetricsSettings& settings) {
  if (settings.listen.empty()) return {};
  const auto exposer = MetricsExposer::open(settings.listen, [] { return EngineMetrics{}; });
  return exposer ? tl::expected<void, std::string>{} : tl::unexpected(exposer.error());
}

tl::expected<std::unique_ptr<Service>, std::string> Service::open(const Settings& settings, InlineRun& run,
                                                                  std::shared_ptr<const RuleGeneration> rules,
                                                                  Hooks hooks,
                                                                  std::optional<ControlSocket> socket) {
  std::unique_ptr<Service> service(new Service(settings, run, std::move(rules), std::move(hooks)));
  if (!settings.metrics.listen.empty()) {
    auto exposer =
        MetricsExposer::open(settings.metrics.listen, [self = service.get()] { return self->metrics(); });
    if (!exposer) return tl::unexpected(exposer.error());
    service->exposer_ = std::move(*exposer);
  }
  if (socket) service->control_ = std::make_unique<ControlServer>(std::move(*socket), *service);
  return service;
}

Service::~Service() {
  control_.reset();
  exposer_.reset();
}

void Service::reload() {
  static_cast<void>(reloader_->submit({}));
}

std::chrono::seconds Service::uptime() const {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - start_);
}

std::string Service::capture_mode() const {
  return run_.wires().front().pair().plan().afxdp ? "AF_XDP" : "AF_PACKET";
}

// At which interface a packet was broken is not known apart: the pair's stand at its outside.
std::vector<InterfaceCounts> Service::interfaces() const {
  std::vector<InterfaceCounts> all;
  for (const MannedWire& wire : run_.wires()) {
    InterfaceCounts outside{wire.pair().outside()}, inside{wire.pair().inside()};
    const auto arrivals = wire.arrivals();
    outside.packets = arrivals[0].received.packets;
    const auto refused = wire.wire->refused();
    outside.dropped = arrivals[0].lost.packets + refused[0];
    inside.packets = arrivals[1].received.packets;
    inside.dropped = arrivals[1].lost.packets + refused[1];
    for (const auto& worker : wire.workers)
      outside.invalid_checksums += bad_checksums(worker->report().counters);
    if (const auto counts = wire.wire->counts()) {
      add_kernel(outside, (*counts)[0]);
      add_kernel(inside, (*counts)[1]);
    }
    all.push_back(std::move(outside));
    all.push_back(std::move(inside));
  }
  return all;
}

CounterSnapshot Service::counters() const {
  CounterSnapshot snapshot;
  for (const Worker* worker : run_.workers()) {
    const WorkerReport report = worker->report();
    snapshot.counters += report.counters;
    snapshot.gauges += report.gauges;
  }
  snapshot.log = run_.logs().counters();
  return snapshot;
}

EngineMetrics Service::metrics() const {
  EngineMetrics metrics;
  metrics.uptime = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  for (const Worker* worker : run_.workers()) {
    const WorkerReport report = worker->report();
    const WorkerHistograms& histograms = worker->histograms();
    WorkerMetrics& one = metrics.workers.emplace_back();
    one.counters = report.counters;
    one.histograms = {
        {"packet_seconds", "Time of a packet in the engine, from its batch's arrival to the send.", 1e-9,
         histograms.packet},
        {"batch_packets", "Packets of a batch.", 1, histograms.batch},
        {"swap_seconds", "Time for which a worker stood still to take a rule set up.", 1e-9,
         histograms.swap}};
    one.pools = pools(report.gauges, run_.share());
  }
  for (const MannedWire& wire : run_.wires()) {
    if (const auto counts = wire.wire->counts()) {
      metrics.kernel.push_back({wire.pair().outside(), (*counts)[0]});
      metrics.kernel.push_back({wire.pair().inside(), (*counts)[1]});
    }
  }
  metrics.log = run_.logs().counters();
  metrics.histograms = {
      {"reload_seconds", "Time of a reload, from reading to the last worker.", 1e-3, reloads_}};
  const auto rules = reloader_->current();
  metrics.generation = rules->number();
  metrics.rules = rules->counts;
  metrics.resident = resident_bytes();
  return metrics;
}

std::string Service::pair_of(std::size_t worker) const {
  for (const MannedWire& wire : run_.wires()) {
    if (worker < wire.workers.size()) return wire.pair().name();
    worker -= wire.workers.size();
  }
  return {};
}

}  // namespace lockstep
