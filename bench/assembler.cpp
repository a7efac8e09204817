// The store alone: insert() and release() of 1,448-byte segments, per segment, in order and in orders that
// hold many runs ahead of a hole. One stream, so its blocks are in the cache.
#include "reassembly/assembler.hpp"

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include <benchmark/benchmark.h>

namespace {

using namespace lockstep::reassembly;

constexpr std::size_t segment = 1448;
constexpr std::size_t window = 64;  // segments between two releases: 92 KiB

enum class Order : int { ascending, pairs_swapped, reversed, every_other_first, shuffled };

std::vector<std::size_t> order_of(Order order) {
  std::vector<std::size_t> places(window);
  std::iota(places.begin(), places.end(), std::size_t{0});
  switch (order) {
    case Order::ascending:
      break;
    case Order::pairs_swapped:
      for (std::size_t i = 0; i < window; i += 2) std::swap(places[i], places[i + 1]);
      break;
    case Order::reversed:
      std::reverse(places.begin(), places.end());
      break;
    case Order::every_other_first:  // a run ahead for each of them
      std::stable_partition(places.begin(), places.end(), [](std::size_t n) { return n % 2 == 1; });
      break;
    case Order::shuffled:
      std::shuffle(places.begin(), places.end(), std::mt19937(1));
      break;
  }
  return places;
}

void insert(benchmark::State& state, Order order) {
  const std::vector<std::size_t> places = order_of(order);
  const std::vector<std::uint8_t> payload(segment * window, 'x');
  BytePool pool(1024, 1024);
  Assembler assembler(pool);
  StreamOffset base = 0;
  for ([[maybe_unused]] auto _ : state) {
    for (const std::size_t place : places) {
      const std::size_t at = place * segment;
      const StreamOffset offset = base + static_cast<StreamOffset>(at);
      const bool room = assembler.room_for(offset, segment);
      benchmark::DoNotOptimize(room);
      assembler.insert(offset, std::span(payload).subspan(at, segment));
    }
    base += static_cast<StreamOffset>(segment * window);
    assembler.release(base);
  }
  if (assembler.in_order() != base) state.SkipWithError("bytes are missing");
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(window));
}
BENCHMARK_CAPTURE(insert, in_order, Order::ascending);
BENCHMARK_CAPTURE(insert, pairs_swapped, Order::pairs_swapped);
BENCHMARK_CAPTURE(insert, reversed, Order::reversed);
BENCHMARK_CAPTURE(insert, every_other_first, Order::every_other_first);
BENCHMARK_CAPTURE(insert, shuffled, Order::shuffled);

// A segment that came before, compared with what is kept.
void compare(benchmark::State& state) {
  const std::vector<std::uint8_t> payload(segment * window, 'x');
  BytePool pool(1024, 1024);
  Assembler assembler(pool);
  assembler.insert(0, payload);
  std::size_t place = 0;
  for ([[maybe_unused]] auto _ : state) {
    const std::size_t at = place++ % window * segment;
    auto difference =
        assembler.compare(static_cast<StreamOffset>(at), std::span(payload).subspan(at, segment));
    benchmark::DoNotOptimize(difference);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(compare);

}  // namespace

BENCHMARK_MAIN();
