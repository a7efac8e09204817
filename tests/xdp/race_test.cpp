// What the program does on one CPU while the engine writes on another.
#include <algorithm>
#include <atomic>
#include <random>
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

TEST_CASE("while the prefixes are replaced, those in both sets hold for every packet",
          "[xdp][prefixes][threads]") {
  with_kernel([](Kernel& kernel) {
    auto table = xdp::Prefixes::open(kernel.pins());
    REQUIRE(table);
    const std::array<Bytes, 4> blocked{build_packet({.source = "192.0.2.1"}),
                                       build_packet({.source = "198.51.100.1"}),
                                       build_packet({.source = "2001:db8::1", .destination = "fd00::2"}),
                                       build_packet({.source = "2001:db9::1", .destination = "fd00::2"})};
    const std::vector<xdp::Prefix> common{{{192, 0, 2, 0}, 4, 24, false},
                                          {{198, 51, 100, 1}, 4, 32, false},
                                          {{0x20, 1, 0x0d, 0xb8}, 6, 64, false},
                                          {{0x20, 1, 0x0d, 0xb9}, 6, 32, false}};
    REQUIRE(table->replace(common, kernel.config()));
    std::atomic<std::uint64_t> sure = 0, unsure = 0;
    const std::jthread traffic([&](const std::stop_token& stop) {
      while (!stop.stop_requested())
        for (const Bytes& frame : blocked) ++(kernel.run(frame).what == LS_DROP_PREFIX ? sure : unsure);
    });
    std::mt19937 random(5);
    for (int round = 0; round < 60; ++round) {
      std::vector<xdp::Prefix> set = common;
      for (int i = 0; i < 2000; ++i) {
        xdp::Prefix prefix{{10, static_cast<std::uint8_t>(random()), static_cast<std::uint8_t>(random())},
                           4,
                           static_cast<std::uint8_t>(20 + random() % 13),
                           random() % 2 == 0};
        if (random() % 2 == 0) {
          prefix.version = 6;
          prefix.length = static_cast<std::uint8_t>(24 + random() % 105);
        }
        set.push_back(prefix);
      }
      std::shuffle(set.begin(), set.end(), random);
      REQUIRE(table->replace(set, kernel.config()));
    }
    CHECK(sure > 1000);
    CHECK(unsure == 0);
  });
}
