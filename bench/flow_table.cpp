// What a packet pays for finding its flow: hash, look-up and touch of random flows among 1k, 100k and 1M, one
// at a time and in batches; a connection's insertion and removal; a second of the timer wheel; memory per
// flow.
#include "engine/flow_table.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <random>
#include <unordered_map>
#include <vector>

#include <benchmark/benchmark.h>
#include <unistd.h>

#include "engine/flow.hpp"

namespace {

using namespace lockstep;

// The size of a flow with its session.
struct BenchFlow : FlowNode {
  BenchFlow(const FlowKey& flow_key, Timestamp now) : FlowNode(flow_key, now) {}
  std::array<std::uint64_t, 48> session{};
};
static_assert(sizeof(BenchFlow) == sizeof(Flow));

constexpr std::size_t batch = 32;
const Timestamp start{std::chrono::seconds(1'710'000'000)};

reassembly::Endpoint client(std::uint32_t n) {
  reassembly::Endpoint endpoint;
  endpoint.address.bytes = {10, static_cast<std::uint8_t>(n >> 16U), static_cast<std::uint8_t>(n >> 8U),
                            static_cast<std::uint8_t>(n)};
  endpoint.port = static_cast<std::uint16_t>(1024 + n % 50'000);
  return endpoint;
}

FlowKey key_of(std::uint32_t n) {
  reassembly::Endpoint server;
  server.address.bytes = {192, 0, 2, 1};
  server.port = 80;
  return make_flow_key(client(n), server, {}, 0);
}

void nobody(BenchFlow&) {}

void fill(FlowTable<BenchFlow>& table, std::uint32_t flows) {
  for (std::uint32_t n = 0; n < flows; ++n) {
    const FlowKey key = key_of(n);
    table.insert(key, table.hash(key), client(n).address, start, nobody);
  }
}

// The keys of packets to come, as a decoder would have them in its batch.
std::vector<FlowKey> random_keys(std::uint32_t flows) {
  std::mt19937 random(1);
  std::uniform_int_distribution<std::uint32_t> any(0, flows - 1);
  std::vector<FlowKey> keys(1U << 20U);
  for (FlowKey& key : keys) key = key_of(any(random));
  return keys;
}

void find_single(benchmark::State& state) {
  const auto flows = static_cast<std::uint32_t>(state.range(0));
  FlowTable<BenchFlow> table({.flows = flows}, replay_hash_seed);
  fill(table, flows);
  const auto keys = random_keys(flows);
  std::size_t next = 0;
  Timestamp now = start;
  for ([[maybe_unused]] auto _ : state) {
    const FlowKey& key = keys[next++ & (keys.size() - 1)];
    BenchFlow* flow = table.find(key, table.hash(key));
    table.touch(*flow, now += Duration(100));
    benchmark::DoNotOptimize(flow);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(find_single)->Arg(1'000)->Arg(100'000)->Arg(1'000'000);

void find_batched(benchmark::State& state) {
  const auto flows = static_cast<std::uint32_t>(state.range(0));
  FlowTable<BenchFlow> table({.flows = flows}, replay_hash_seed);
  fill(table, flows);
  const auto keys = random_keys(flows);
  std::size_t next = 0;
  Timestamp now = start;
  std::array<std::uint64_t, batch> hashes{};
  for ([[maybe_unused]] auto _ : state) {
    const FlowKey* const here = &keys[next];
    next = (next + batch) & (keys.size() - 1);
    for (std::size_t i = 0; i < batch; ++i) hashes[i] = table.hash(here[i]);
    table.prefetch(hashes);
    for (std::size_t i = 0; i < batch; ++i) {
      BenchFlow* flow = table.find(here[i], hashes[i]);
      table.touch(*flow, now += Duration(100));
      benchmark::DoNotOptimize(flow);
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch));
}
BENCHMARK(find_batched)->Arg(1'000)->Arg(100'000)->Arg(1'000'000);

// The yardstick of the same run: what the standard library's table takes.
void find_unordered_map(benchmark::State& state) {
  const auto flows = static_cast<std::uint32_t>(state.range(0));
  const auto hash = [](const FlowKey& key) { return static_cast<std::size_t>(key.hash(replay_hash_seed)); };
  std::unordered_map<FlowKey, std::array<std::uint64_t, 56>, decltype(hash)> table(flows, hash);
  for (std::uint32_t n = 0; n < flows; ++n) table[key_of(n)] = {};
  const auto keys = random_keys(flows);
  std::size_t next = 0;
  for ([[maybe_unused]] auto _ : state) {
    auto& found = table.find(keys[next++ & (keys.size() - 1)])->second;
    found[8] = next;
    benchmark::DoNotOptimize(found);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(find_unordered_map)->Arg(1'000)->Arg(100'000)->Arg(1'000'000);

void find_absent(benchmark::State& state) {
  const auto flows = static_cast<std::uint32_t>(state.range(0));
  FlowTable<BenchFlow> table({.flows = flows}, replay_hash_seed);
  fill(table, flows);
  std::uint32_t next = flows;
  for ([[maybe_unused]] auto _ : state) {
    const FlowKey key = key_of(next++);
    benchmark::DoNotOptimize(table.find(key, table.hash(key)));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(find_absent)->Arg(1'000)->Arg(1'000'000);

// A full table: each insertion gives another flow up.
void insert_into_full(benchmark::State& state) {
  const auto flows = static_cast<std::uint32_t>(state.range(0));
  FlowTable<BenchFlow> table({.flows = flows}, replay_hash_seed);
  fill(table, flows);
  std::uint32_t next = flows;
  for ([[maybe_unused]] auto _ : state) {
    const FlowKey key = key_of(next);
    const std::uint64_t hash = table.hash(key);
    if (table.find(key, hash) == nullptr) table.insert(key, hash, client(next).address, start, nobody);
    next = (next + 1) & 0xFF'FFFFU;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(insert_into_full)->Arg(1'000)->Arg(100'000)->Arg(1'000'000);

void insert_and_erase(benchmark::State& state) {
  const auto flows = static_cast<std::uint32_t>(state.range(0));
  FlowTable<BenchFlow> table({.flows = flows + 1}, replay_hash_seed);
  fill(table, flows);
  std::uint32_t next = flows;
  for ([[maybe_unused]] auto _ : state) {
    const FlowKey key = key_of(next);
    const std::uint64_t hash = table.hash(key);
    table.erase(table.insert(key, hash, client(next).address, start, nobody));
    next = std::max(flows, (next + 1) & 0xFF'FFFFU);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(insert_and_erase)->Arg(1'000)->Arg(100'000)->Arg(1'000'000);

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// Not a time but two figures: the flow itself, and what the table adds to it with every flow in use, each /24
// of sources holding 256 of them (0) or one (1).
void memory_per_flow(benchmark::State& state) {
  const bool own_prefix = state.range(0) != 0;
  constexpr std::uint32_t flows = 1'000'000;
  double bytes = 0;
  for ([[maybe_unused]] auto _ : state) {
    const std::size_t before = resident_bytes();
    FlowTable<BenchFlow> table({.flows = flows}, replay_hash_seed);
    for (std::uint32_t n = 0; n < flows; ++n) {
      const FlowKey key = key_of(n);
      auto source = client(n).address;
      if (own_prefix) {
        source.bytes = {static_cast<std::uint8_t>(n), static_cast<std::uint8_t>(n >> 8U),
                        static_cast<std::uint8_t>(n >> 16U), 0};
      }
      table.insert(key, table.hash(key), source, start, nobody);
    }
    bytes = static_cast<double>(resident_bytes() - before) / flows;
  }
  state.counters["flow_bytes"] = sizeof(BenchFlow);
  state.counters["table_bytes"] = bytes - static_cast<double>(sizeof(BenchFlow));
}
BENCHMARK(memory_per_flow)->Arg(0)->Arg(1)->Iterations(1)->Unit(benchmark::kMillisecond);

// One second's turn of the wheel with a million flows that are all alive: 1 in 3600 of them comes due.
void expire_alive(benchmark::State& state) {
  const auto flows = static_cast<std::uint32_t>(state.range(0));
  FlowTable<BenchFlow> table({.flows = flows}, replay_hash_seed);
  Timestamp now = start;
  for (std::uint32_t n = 0; n < flows; ++n) {
    const FlowKey key = key_of(n);
    table.schedule(table.insert(key, table.hash(key), client(n).address, now, nobody),
                   start + std::chrono::seconds(1 + n % 3600));
  }
  std::size_t looked_at = 0;
  for ([[maybe_unused]] auto _ : state) {
    now += std::chrono::seconds(1);
    const auto alive = [&](const BenchFlow& flow) { return now - flow.last_seen() + std::chrono::hours(1); };
    looked_at += table.expire(now, SIZE_MAX, alive, nobody);
  }
  state.counters["looked_at"] =
      benchmark::Counter(static_cast<double>(looked_at), benchmark::Counter::kAvgIterations);
}
BENCHMARK(expire_alive)->Arg(1'000'000)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
