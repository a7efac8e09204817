// What the program does on one CPU while the engine writes on another.
#include <atomic>
#include <thread>

#include "tests/support/catch.hpp"
#include "tests/xdp/flow_entries.hpp"
#include "tests/xdp/kernel.hpp"

using namespace lockstep;
using namespace lockstep::test;

TEST_CASE("a packet on its way as the entry of its flow is made is waited for", "[xdp][DRAIN][threads]") {
  with_kernel([](Kernel& kernel) {
    const PacketSpec spec{.source = "10.0.0.1", .destination = "10.0.0.2"};
    const ls_flow_key key = key_of(spec);
    const Bytes frame = build_packet(spec);
    std::atomic_ref sent(kernel.queue(0).sent);
    std::atomic_ref finished(kernel.queue(0).finished);
    std::atomic_ref armed(kernel.worker().armed);
    std::jthread traffic([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) static_cast<void>(kernel.cost(frame, 20'000));
    });
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(3);
    int rounds = 0, passed = 0, overtaken = 0;
    for (; std::chrono::steady_clock::now() < end; ++rounds) {
      ls_flow flow = verdict(LS_BYPASSED, true);
      flow.ticket = armed + 1;
      REQUIRE(kernel.flows().put(key, flow));
      // The engine's part: all that was sent by now is finished, and no more.
      const std::uint64_t known = sent;
      finished = known;
      ++armed;
      for (int i = 0; i < 50; ++i) {
        const ls_flow now = *kernel.flows().find(key);
        if (now.draining[0] != 0) continue;
        ++passed;
        // It forwards; whatever it sent before is behind the mark or among what was known.
        if (sent != known) ++overtaken;
        break;
      }
      kernel.flows().erase(key);
    }
    INFO(rounds << " entries, " << passed << " came into effect");
    CHECK(passed > 100);
    CHECK(overtaken == 0);
  });
}
