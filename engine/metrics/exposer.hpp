// What Prometheus scrapes: every counter with its reason, per worker; histograms; memory by pool.
//
//   auto exposer = MetricsExposer::open("127.0.0.1:9469", [&] { return engine.metrics(); });
//   curl http://127.0.0.1:9469/metrics
#pragma once
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "engine/counters.hpp"
#include "engine/metrics/histogram.hpp"
#include "engine/output/log_writer.hpp"
#include "engine/rule_generation.hpp"
#include "xdp/lockstep.h"

namespace lockstep {

// A histogram's numbers at one moment; `unit` is what one counts in Prometheus' own unit (1e-9 of a
// nanosecond).
struct HistogramValues {
  std::string name;  // "packet_seconds"
  std::string help;
  double unit = 1;
  std::vector<std::uint64_t> counts;  // by bucket
  std::uint64_t sum = 0;

  HistogramValues(std::string with_name, std::string with_help, double in_unit, const Histogram& from);
};

struct PoolUse {
  std::string name;
  std::uint64_t used = 0, capacity = 0;  // bytes
};

struct WorkerMetrics {
  Counters counters;
  std::vector<HistogramValues> histograms;
  std::vector<PoolUse> pools;
};

// What the kernel did with the frames of one interface.
struct KernelMetrics {
  std::string interface;
  std::array<ls_count, LS_COUNTED> counts{};
};

struct EngineMetrics {
  double uptime = 0;  // seconds
  std::vector<WorkerMetrics> workers;
  std::vector<KernelMetrics> kernel;
  LogCounters log;
  std::vector<HistogramValues> histograms;  // of the whole: reloads
  std::uint64_t generation = 0;
  RuleCounts rules;
  std::uint64_t resident = 0;  // bytes
};

class MetricsExposer {
 public:
  // `address`: host:port, port 0 for any. `metrics` is called from the exposer's threads. The error says what
  // is wrong and the remedy.
  [[nodiscard]] static tl::expected<std::unique_ptr<MetricsExposer>, std::string> open(
      const std::string& address, std::function<EngineMetrics()> metrics);
  ~MetricsExposer();
  MetricsExposer(const MetricsExposer&) = delete;
  MetricsExposer& operator=(const MetricsExposer&) = delete;

  [[nodiscard]] int port() const;

 private:
  struct State;
  explicit MetricsExposer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace lockstep
