// Frame → Segment: what one decode() costs by kind of frame, checksums verified; the same frame again and
// again, so its bytes are in the cache.
#include <benchmark/benchmark.h>

#include "reassembly/wire.hpp"
#include "tests/support/packet_builder.hpp"

namespace {

using namespace lockstep;
using reassembly::TcpFlag;
using test::Bytes;
using test::PacketSpec;

const Bytes timestamps = {1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 8};
const std::string full(1448, 'x');
const std::string full_v6(1428, 'x');

void decode(benchmark::State& state, Bytes bytes, bool verify) {
  const reassembly::Frame frame = test::frame_of(bytes);
  const reassembly::WireConfig config{.verify_checksums = verify};
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(bytes.data());
    auto decoded = reassembly::decode(frame, config);
    benchmark::DoNotOptimize(decoded);
  }
  if (std::holds_alternative<reassembly::Malformed>(reassembly::decode(frame, config)))
    state.SkipWithError("malformed");
  state.SetItemsProcessed(state.iterations());
}

Bytes segment(const PacketSpec& spec) {
  return test::build_packet(spec);
}

BENCHMARK_CAPTURE(decode, ack, segment({.options = timestamps}), true);
BENCHMARK_CAPTURE(decode, ack_with_sack,
                  segment({.options = {1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 8, 1, 1, 5, 18,
                                       0, 0, 1, 0,  0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0}}),
                  true);
BENCHMARK_CAPTURE(decode, syn, segment({.flags = TcpFlag::syn, .options = {2, 4, 5, 180, 4, 2, 8, 10, 0, 0,
                                                                           0, 9, 0, 0,   0, 0, 1, 3,  3, 7}}),
                  true);
BENCHMARK_CAPTURE(decode, full, segment({.options = timestamps, .payload = full}), true);
BENCHMARK_CAPTURE(decode, full_unverified, segment({.options = timestamps, .payload = full}), false);
BENCHMARK_CAPTURE(decode, full_in_two_vlans,
                  segment({.vlans = {100, 200}, .options = timestamps, .payload = full}), true);
BENCHMARK_CAPTURE(decode, full_ipv6,
                  segment({.source = "2001:db8::1",
                           .destination = "2001:db8::2",
                           .options = timestamps,
                           .payload = full_v6}),
                  true);
BENCHMARK_CAPTURE(decode, fragment,
                  test::fragment_packet(segment({.options = timestamps, .payload = full}),
                                        reassembly::LinkType::ethernet, {1400}, 7)[0],
                  true);
BENCHMARK_CAPTURE(decode, udp, test::build_ip({.protocol = 17}, Bytes(512)), true);

}  // namespace

BENCHMARK_MAIN();
