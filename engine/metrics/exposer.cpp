#include "engine/metrics/exposer.hpp"

#include <exception>

#include <fmt/format.h>
#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>

namespace lockstep {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

// Gathers the samples of one family after the other.
class Families {
 public:
  void begin(const std::string& name, const std::string& help, MetricType type) {
    all.push_back({"lockstep_" + name, help, type, {}});
  }
  void add(Labels labels, double value) {
    ClientMetric& metric = all.back().metric.emplace_back();
    metric.label = std::move(labels);
    if (all.back().type == MetricType::Counter) metric.counter.value = value;
    if (all.back().type == MetricType::Gauge) metric.gauge.value = value;
  }
  void add(Labels labels, std::uint64_t value) { add(std::move(labels), static_cast<double>(value)); }
  void add(Labels labels, const HistogramValues& values) {
    ClientMetric& metric = all.back().metric.emplace_back();
    metric.label = std::move(labels);
    ClientMetric::Histogram& histogram = metric.histogram;
    histogram.sample_sum = static_cast<double>(values.sum) * values.unit;
    for (std::size_t i = 0; i < values.counts.size(); ++i) {
      histogram.sample_count += values.counts[i];
      histogram.bucket.push_back(
          {histogram.sample_count, static_cast<double>(Histogram::bound(i)) * values.unit});
    }
    histogram.bucket.push_back({histogram.sample_count, std::numeric_limits<double>::infinity()});
  }

  std::vector<MetricFamily> all;
};

ClientMetric::Label worker_label(std::size_t n) {
  return {"worker", fmt::format("{}", n)};
}

// One family of counters: a sample for each worker and each of `names`.
template <class Names>
void put(Families& families, const EngineMetrics& metrics, const std::string& name, const std::string& help,
         Names names) {
  families.begin(name, help, MetricType::Counter);
  for (std::size_t n = 0; n < metrics.workers.size(); ++n) {
    names(metrics.workers[n].counters,
          [&](const std::string& label, std::string_view value, std::uint64_t count) {
            Labels labels{worker_label(n)};
            if (!label.empty()) labels.push_back({label, std::string(value)});
            families.add(std::move(labels), count);
          });
  }
}

void put_packets(Families& families, const EngineMetrics& metrics) {
  const auto fates = [](std::uint64_t Amount::*what) {
    return [what](const Counters& c, auto add) {
      add("fate", "received", c.received().*what);
      add("fate", "forwarded", c.forwarded().*what);
      add("fate", "rewritten", c.rewritten().*what);
      add("fate", "dropped", c.dropped().*what);
      add("fate", "made", c.made().*what);
    };
  };
  put(families, metrics, "packets_total", "Packets by what became of them.", fates(&Amount::packets));
  put(families, metrics, "bytes_total", "Bytes by what became of them.", fates(&Amount::bytes));
  put(families, metrics, "reason_packets_total", "Packets that did not leave as they came, by reason.",
      [](const Counters& c, auto add) {
        for (std::size_t i = 1; i < reason_count; ++i) {
          const auto reason = static_cast<Reason>(i);
          add("reason", name(reason), c.reason(reason).packets);
        }
      });
  put(families, metrics, "kind_packets_total", "Packets by what they are.", [](const Counters& c, auto add) {
    for (std::size_t i = 0; i < packet_kind_count; ++i) {
      const auto kind = static_cast<PacketKind>(i);
      add("kind", name(kind), c.kind(kind).packets);
    }
  });
}

void put_kernel(Families& families, const EngineMetrics& metrics) {
  const auto put_all = [&](const std::string& name, const std::string& help, __u64 ls_count::*what) {
    families.begin(name, help, MetricType::Counter);
    for (const KernelMetrics& of : metrics.kernel) {
      for (std::size_t way = 0; way < LS_COUNTED; ++way)
        families.add({{"interface", of.interface}, {"fate", std::string(kernel_way(way))}},
                     std::uint64_t{of.counts[way].*what});
    }
  };
  put_all("kernel_packets_total", "Packets in the kernel's part of a wire, by what became of them.",
          &ls_count::packets);
  put_all("kernel_bytes_total", "Bytes in the kernel's part of a wire, by what became of them.",
          &ls_count::bytes);
}

void put_flows(Families& families, const EngineMetrics& metrics) {
  families.begin("flows", "Connections that are tracked.", MetricType::Gauge);
  for (std::size_t n = 0; n < metrics.workers.size(); ++n)
    families.add({worker_label(n)}, metrics.workers[n].counters.flow.active);
  put(families, metrics, "flows_total", "Connections, by what became of them.",
      [](const Counters& c, auto add) {
        add("fate", "seen", c.flow.total);
        add("fate", "timed_out", c.flow.timed_out);
        add("fate", "given_up", c.flow.given_up);
        add("fate", "dropped", c.flow.dropped);
        add("fate", "bypassed", c.flow.bypassed);
        add("fate", "reused", c.flow.reused);
      });
  put(families, metrics, "tcp_total", "What TCP showed.", [](const Counters& c, auto add) {
    add("event", "syn", c.tcp.syn);
    add("event", "syn_ack", c.tcp.syn_ack);
    add("event", "rst", c.tcp.rst);
    add("event", "session", c.tcp.sessions);
    add("event", "adopted", c.tcp.adopted);
    add("event", "gap", c.tcp.gaps);
    add("event", "overlap", c.tcp.overlaps);
    add("event", "overlap_conflict", c.tcp.overlap_conflicts);
    add("event", "hairpin", c.tcp.hairpins);
  });
  put(families, metrics, "alerts_total", "Alerts, and matches without one.", [](const Counters& c, auto add) {
    add("kind", "alert", c.detect.alerts);
    add("kind", "suppressed", c.detect.suppressed);
    add("kind", "shadow", c.detect.shadow_alerts);
  });
}

void put_engine(Families& families, const EngineMetrics& metrics) {
  families.begin("log_refused_total", "Log lines that found their queue full, by type of event.",
                 MetricType::Counter);
  for (std::size_t i = 0; i < event_type_count; ++i)
    families.add({{"type", std::string(event_type_names[i])}}, metrics.log.refused[i]);
  families.begin("log_lost_total", "Log lines that could not be written.", MetricType::Counter);
  families.add({}, metrics.log.lost);
  families.begin("log_bytes_total", "Bytes of logs written.", MetricType::Counter);
  families.add({}, metrics.log.written);
  families.begin("uptime_seconds", "Time since the start.", MetricType::Gauge);
  families.add({}, metrics.uptime);
  families.begin("resident_bytes", "Memory of the process.", MetricType::Gauge);
  families.add({}, metrics.resident);
  families.begin("generation", "The rule set in force.", MetricType::Gauge);
  families.add({}, metrics.generation);
  families.begin("rules", "Rules of the files of the set in force.", MetricType::Gauge);
  families.add({{"state", "loaded"}}, metrics.rules.loaded);
  families.add({{"state", "failed"}}, metrics.rules.failed);
  families.add({{"state", "skipped"}}, metrics.rules.skipped);
  families.begin("pool_bytes", "Memory of a worker, by pool.", MetricType::Gauge);
  for (std::size_t n = 0; n < metrics.workers.size(); ++n) {
    for (const PoolUse& pool : metrics.workers[n].pools) {
      families.add({worker_label(n), {"pool", pool.name}, {"what", "used"}}, pool.used);
      families.add({worker_label(n), {"pool", pool.name}, {"what", "capacity"}}, pool.capacity);
    }
  }
}

void put_histograms(Families& families, const EngineMetrics& metrics) {
  for (const HistogramValues& values : metrics.histograms) {
    families.begin(values.name, values.help, MetricType::Histogram);
    families.add({}, values);
  }
  if (metrics.workers.empty()) return;
  // Every worker has the same ones.
  for (std::size_t i = 0; i < metrics.workers.front().histograms.size(); ++i) {
    const HistogramValues& first = metrics.workers.front().histograms[i];
    families.begin(first.name, first.help, MetricType::Histogram);
    for (std::size_t n = 0; n < metrics.workers.size(); ++n)
      families.add({worker_label(n)}, metrics.workers[n].histograms[i]);
  }
}

class CounterCollector final : public prometheus::Collectable {
 public:
  explicit CounterCollector(std::function<EngineMetrics()> metrics) : metrics_(std::move(metrics)) {}
  [[nodiscard]] std::vector<MetricFamily> Collect() const override {
    const EngineMetrics metrics = metrics_();
    Families families;
    put_packets(families, metrics);
    put_kernel(families, metrics);
    put_flows(families, metrics);
    put_engine(families, metrics);
    put_histograms(families, metrics);
    return std::move(families.all);
  }

 private:
  std::function<EngineMetrics()> metrics_;
};

}  // namespace

HistogramValues::HistogramValues(std::string with_name, std::string with_help, double in_unit,
                                 const Histogram& from)
    : name(std::move(with_name)), help(std::move(with_help)), unit(in_unit), sum(from.sum()) {
  for (std::size_t i = 0; i < Histogram::buckets; ++i) counts.push_back(from.count(i));
}

struct MetricsExposer::State {
  State(const std::string& address, std::function<EngineMetrics()> metrics)
      : exposer(address), collector(std::make_shared<CounterCollector>(std::move(metrics))) {
    exposer.RegisterCollectable(collector);
  }
  prometheus::Exposer exposer;
  std::shared_ptr<CounterCollector> collector;
};

tl::expected<std::unique_ptr<MetricsExposer>, std::string> MetricsExposer::open(
    const std::string& address, std::function<EngineMetrics()> metrics) {
  try {
    auto state = std::make_unique<State>(address, std::move(metrics));
    return std::unique_ptr<MetricsExposer>(new MetricsExposer(std::move(state)));
  } catch (const std::exception& error) {
    return tl::unexpected(
        fmt::format("{}: metrics can't be served there: {}; name another host:port by metrics.listen",
                    address, error.what()));
  }
}

MetricsExposer::MetricsExposer(std::unique_ptr<State> state) : state_(std::move(state)) {}
MetricsExposer::~MetricsExposer() = default;

int MetricsExposer::port() const {
  const auto ports = state_->exposer.GetListeningPorts();
  return ports.empty() ? 0 : ports.front();
}

}  // namespace lockstep
