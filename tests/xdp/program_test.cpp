// The kernel program on the kernel: each way and each reason, and what the engine and it agree on.
#include <random>

#include <linux/bpf.h>

#include "engine/kernel_verdicts.hpp"
#include "tests/support/catch.hpp"
#include "tests/xdp/flow_entries.hpp"
#include "tests/xdp/frames.hpp"
#include "tests/xdp/kernel.hpp"

using namespace lockstep;
using namespace lockstep::test;
using reassembly::TcpFlag;

namespace {

constexpr int syn = TcpFlag::syn, ack = TcpFlag::ack, fin = TcpFlag::fin, rst = TcpFlag::rst;

struct Row {
  std::string name;
  Bytes frame;
  std::uint32_t what;
};

std::vector<Row> rows() {
  const PacketSpec six{.source = "fd00::1", .destination = "fd00::2"};
  const Bytes options{0, 1, 4, 0, 0, 0, 0};  // of an IPv6 extension header: padding
  const auto with_extension = [&](std::uint8_t kind) {
    PacketSpec spec = six;
    spec.extensions = {{kind, options}};
    return build_packet(spec);
  };
  const Bytes large = build_packet({.payload = std::string(400, 'x')});
  const Bytes jumbo = build_packet({.payload = std::string(8900, 'x')});
  return {
      {"TCP", build_packet({}), LS_TO_ENGINE},
      {"TCP over IPv6", build_packet(six), LS_TO_ENGINE},
      {"VLAN", build_packet({.vlans = {42}}), LS_TO_ENGINE},
      {"QinQ", build_packet({.vlans = {100, 42}}), LS_TO_ENGINE},
      {"three tags", build_packet({.vlans = {1, 2, 3}}), LS_TO_ENGINE},
      {"PPPoE", build_packet({.pppoe_session = 7}), LS_TO_ENGINE},
      {"a hop-by-hop header", with_extension(0), LS_TO_ENGINE},
      {"destination options", with_extension(60), LS_TO_ENGINE},
      {"a routing header", with_extension(43), LS_TO_ENGINE},
      {"IPv4 options", build_packet({.ip_options = {1, 1, 1, 1}}), LS_TO_ENGINE},
      {"an authentication header", authenticated({}), LS_TO_ENGINE},
      {"an authentication header, IPv6", authenticated(six), LS_TO_ENGINE},
      {"a first fragment", fragment_packet(large, reassembly::LinkType::ethernet, {80}, 9).front(),
       LS_TO_ENGINE},
      {"a later fragment", fragment_packet(large, reassembly::LinkType::ethernet, {80}, 9).back(),
       LS_TO_ENGINE},
      {"a jumbo frame, in several buffers", jumbo, LS_TO_ENGINE},
      {"a jumbo frame, cut in a later buffer", cut(jumbo, 8000), LS_DROP_LENGTH},
      {"UDP", udp({}), LS_FORWARDED},
      {"UDP over IPv6", udp(six), LS_FORWARDED},
      {"ICMP", build_ip({.protocol = 1}, {8, 0, 0, 0, 0, 0, 0, 0}), LS_FORWARDED},
      {"a tunnel", build_ip({.protocol = 47}, {0, 0, 8, 0}), LS_FORWARDED},
      {"ARP", build_ip({.ethertype = 0x0806}, {}), LS_FORWARDED},
      {"LLDP", build_ip({.ethertype = 0x88cc}, {}), LS_FORWARDED},
      {"SYN with FIN", build_packet({.flags = syn | fin}), LS_DROP_FLAGS},
      {"SYN with RST", build_packet({.flags = syn | rst}), LS_DROP_FLAGS},
      {"one endpoint on both ends", build_packet({.destination = "10.0.0.1", .source_port = 80}),
       LS_DROP_LAND},
      {"a data offset of 4", build_packet({.data_offset = 4}), LS_DROP_HEADER},
      {"a data offset behind the packet", build_packet({.data_offset = 15}), LS_DROP_HEADER},
      {"no room for a TCP header", build_ip({.protocol = 6}, {1, 2, 3, 4}), LS_DROP_HEADER},
      {"cut within its TCP header", cut(build_packet({}), 44), LS_DROP_LENGTH},
      {"cut within its payload", cut(large, 200), LS_DROP_LENGTH},
      {"cut within its IP header", cut(build_packet({}), 30), LS_TO_ENGINE},
  };
}

std::uint32_t action_of(std::uint32_t what) {
  return what < LS_DROPPED ? XDP_REDIRECT : XDP_DROP;
}

const PacketSpec forth{
    .source = "10.0.0.1", .destination = "10.0.0.2", .source_port = 4000, .destination_port = 80};
const PacketSpec back{
    .source = "10.0.0.2", .destination = "10.0.0.1", .source_port = 80, .destination_port = 4000};

PacketSpec with_flags(PacketSpec spec, int flags) {
  spec.flags = flags;
  return spec;
}

}  // namespace

TEST_CASE("each frame is decided and counted in one way, from either side", "[xdp]") {
  with_kernel([](Kernel& kernel) {
    for (const Row& row : rows()) {
      for (const std::uint32_t side : {0U, 1U}) {
        INFO(row.name << ", side " << side);
        const Answer answer = kernel.run(row.frame, side);
        CHECK(answer.what == row.what);
        CHECK(answer.action == action_of(row.what));
      }
    }
    kernel.config().observe = 1;
    CHECK(kernel.run(build_packet({.flags = syn | fin})).what == LS_TO_ENGINE);
    kernel.config().syn_rate = 1;
    for (int i = 0; i < 3; ++i) CHECK(kernel.run(build_packet({.flags = syn})).what == LS_TO_ENGINE);
  });
}

TEST_CASE("what the kernel drops for its own fault the decoder refuses too, for the same", "[xdp]") {
  with_kernel([](Kernel& kernel) {
    std::mt19937 random(4711);
    const std::vector<Bytes> seeds = seed_frames();
    std::size_t dropped = 0;
    for (int round = 0; round < 20'000; ++round) {
      Bytes frame = mutate(seeds[random() % seeds.size()], random);
      const Answer answer = kernel.run(frame);
      REQUIRE(answer.what);
      const auto decoded = reassembly::decode(frame_of(frame), {.verify_checksums = false});
      const auto* malformed = std::get_if<reassembly::Malformed>(&decoded);
      INFO(round << ", " << Catch::StringMaker<Bytes>::convert(frame));
      if (*answer.what >= LS_DROPPED) {
        ++dropped;
        REQUIRE(malformed != nullptr);
        // The decoder looks into options of IP, too, and at them first.
        if (malformed->reason != reassembly::Reason::ip_bad_options &&
            malformed->reason != reassembly::Reason::ip_source_route)
          CHECK(name(kernel_reason(*answer.what)) == name(joined(malformed->reason)));
      } else if (*answer.what == LS_FORWARDED && !std::holds_alternative<reassembly::Passed>(decoded)) {
        // Not TCP, and nothing that the engine would have looked into.
        CHECK((malformed != nullptr && !malformed->segment));
      }
    }
    CHECK(dropped > 1000);
  });
}

TEST_CASE("a blocked connection is dropped, both ways, but for SYNs", "[xdp]") {
  with_kernel([](Kernel& kernel) {
    REQUIRE(kernel.flows().put(key_of(forth), verdict(LS_BLOCKED)));
    CHECK(kernel.run(build_packet(forth), 0).what == LS_DROP_FLOW);
    CHECK(kernel.run(build_packet(back), 1).what == LS_DROP_FLOW);
    CHECK(kernel.run(build_packet(with_flags(forth, rst)), 0).what == LS_DROP_FLOW);
    CHECK(kernel.run(build_packet(with_flags(forth, syn)), 0).what == LS_TO_ENGINE);
    CHECK(kernel.run(build_packet(with_flags(back, syn | ack)), 1).what == LS_TO_ENGINE);
    PacketSpec tagged = forth;
    tagged.vlans = {42};
    CHECK(kernel.run(build_packet(tagged), 0).what == LS_TO_ENGINE);
    const auto left = kernel.flows().erase(key_of(forth));
    REQUIRE(left);
    CHECK(left->packets[0] == 2);
    CHECK(left->packets[1] == 1);
    CHECK(kernel.run(build_packet(forth), 0).what == LS_TO_ENGINE);
  });
}

TEST_CASE("a verdict is void when its time is up, for another generation, or when it says so", "[xdp]") {
  with_kernel([](Kernel& kernel) {
    ls_flow flow = verdict(LS_BYPASSED);
    REQUIRE(kernel.flows().put(key_of(forth), flow));
    CHECK(kernel.run(build_packet(forth)).what == LS_FORWARDED_BYPASS);
    kernel.worker().generation = 5;
    CHECK(kernel.run(build_packet(forth)).what == LS_TO_ENGINE);
    flow.generation = 5;
    REQUIRE(kernel.flows().put(key_of(forth), flow));
    CHECK(kernel.run(build_packet(forth)).what == LS_FORWARDED_BYPASS);
    flow.idle = 0;
    flow.last_seen = 1;
    REQUIRE(kernel.flows().put(key_of(forth), flow));
    CHECK(kernel.run(build_packet(forth)).what == LS_TO_ENGINE);
    flow = verdict(LS_ENGINE);
    flow.generation = 5;
    REQUIRE(kernel.flows().put(key_of(forth), flow));
    CHECK(kernel.run(build_packet(forth)).what == LS_TO_ENGINE);
  });
}

TEST_CASE("a RST or FIN lets a bypassed connection's verdict end sooner", "[xdp]") {
  with_kernel([](Kernel& kernel) {
    ls_flow flow = verdict(LS_BYPASSED);
    flow.idle_closed = 7;
    REQUIRE(kernel.flows().put(key_of(forth), flow));
    CHECK(kernel.run(build_packet(with_flags(forth, fin | ack))).what == LS_FORWARDED_BYPASS);
    CHECK(kernel.flows().find(key_of(forth))->idle == 7);
  });
}

TEST_CASE("a connection drains before the kernel forwards it", "[xdp][DRAIN]") {
  with_kernel([](Kernel& kernel) {
    REQUIRE(kernel.flows().put(key_of(forth), verdict(LS_BYPASSED, true)));
    const std::uint64_t sent = kernel.queue(0).sent;
    CHECK(kernel.run(build_packet(forth), 0).what == LS_TO_ENGINE);  // not armed
    CHECK(kernel.queue(0).sent == sent + 1);
    kernel.worker().armed = 1;
    CHECK(kernel.run(build_packet(forth), 0).what ==
          LS_TO_ENGINE);  // armed, and the frame before is not finished
    CHECK(kernel.run(build_packet(back), 1).what == LS_TO_ENGINE);
    kernel.queue(0).finished = kernel.queue(0).sent;
    CHECK(kernel.run(build_packet(forth), 0).what == LS_TO_ENGINE);  // the other side's is not
    kernel.queue(0).finished = kernel.queue(0).sent;
    kernel.queue(1).finished = kernel.queue(1).sent;
    CHECK(kernel.run(build_packet(back), 1).what == LS_FORWARDED_BYPASS);
    CHECK(kernel.run(build_packet(forth), 0).what == LS_FORWARDED_BYPASS);
    CHECK(kernel.flows().find(key_of(forth))->draining[0] == 0);
    CHECK(kernel.flows().find(key_of(forth))->draining[1] == 0);
    kernel.queue(0).finished = 0;  // once it forwards it goes on
    CHECK(kernel.run(build_packet(forth), 0).what == LS_FORWARDED_BYPASS);
  });
}

TEST_CASE("each side drains by itself: what the other one forwards says nothing of its own packets",
          "[xdp][DRAIN]") {
  with_kernel([](Kernel& kernel) {
    REQUIRE(kernel.flows().put(key_of(forth), verdict(LS_BYPASSED, true)));
    kernel.worker().armed = 1;
    CHECK(kernel.run(build_packet(forth), 0).what == LS_FORWARDED_BYPASS);
    // A packet of the other side had found the entry not armed, and is marked only now.
    ls_flow flow = *kernel.flows().find(key_of(forth));
    flow.mark[1] = {.position = kernel.queue(1).sent + 1, .queue = LS_MAX_QUEUES, .reserved = 0};
    REQUIRE(kernel.flows().put(key_of(forth), flow));
    kernel.queue(1).sent += 1;
    CHECK(kernel.run(build_packet(back), 1).what == LS_TO_ENGINE);
    CHECK(kernel.run(build_packet(forth), 0).what == LS_FORWARDED_BYPASS);
    kernel.queue(1).finished = kernel.queue(1).sent;
    CHECK(kernel.run(build_packet(back), 1).what == LS_FORWARDED_BYPASS);
  });
}

TEST_CASE("options of one packet do not take it out of its connection", "[xdp]") {
  with_kernel([](Kernel& kernel) {
    PacketSpec odd = forth;
    odd.ip_options = {7, 7, 4, 0, 0, 0, 0, 0};
    REQUIRE(kernel.flows().put(key_of(forth), verdict(LS_BYPASSED)));
    CHECK(kernel.run(build_packet(odd)).what == LS_FORWARDED_BYPASS);
    REQUIRE(kernel.flows().put(key_of(forth), verdict(LS_BLOCKED)));
    CHECK(kernel.run(build_packet(odd)).what == LS_DROP_FLOW);
    kernel.flows().erase(key_of(forth));
    kernel.config().everything = 0;  // and no rule: nothing is suspicious
    CHECK(kernel.run(build_packet(odd)).what == LS_FORWARDED);
    odd.ip_header_words = 15;  // the header would end behind the packet
    odd.ip_length = 48;
    CHECK(kernel.run(build_packet(odd)).what == LS_TO_ENGINE);
  });
}

TEST_CASE("a connection whose packets changed the queue meanwhile stays the engine's", "[xdp][DRAIN]") {
  with_kernel([](Kernel& kernel) {
    ls_flow flow = verdict(LS_BYPASSED, true);
    flow.mark[0] = {.position = 10, .queue = 5, .reserved = 0};  // on another queue, and not finished
    REQUIRE(kernel.flows().put(key_of(forth), flow));
    kernel.worker().armed = 1;
    CHECK(kernel.run(build_packet(forth), 0).what == LS_TO_ENGINE);
    CHECK(kernel.flows().find(key_of(forth))->verdict == LS_ENGINE);
    // A SYN too leaves its mark, and must not wipe another one out.
    REQUIRE(kernel.flows().put(key_of(forth), flow));
    CHECK(kernel.run(build_packet(with_flags(forth, syn)), 0).what == LS_TO_ENGINE);
    CHECK(kernel.flows().find(key_of(forth))->verdict == LS_ENGINE);
    flow.verdict = LS_BLOCKED;
    std::fill(std::begin(flow.draining), std::end(flow.draining), 0);
    REQUIRE(kernel.flows().put(key_of(forth), flow));
    CHECK(kernel.run(build_packet(with_flags(forth, syn)), 0).what == LS_TO_ENGINE);
    CHECK(kernel.run(build_packet(forth), 0).what == LS_DROP_FLOW);
  });
}

TEST_CASE("a pair that fails open forwards, once and until the engine is ready", "[xdp][fail]") {
  with_kernel([](Kernel& kernel) {
    const std::uint64_t epoch = kernel.config().epoch;
    CHECK(kernel.run(build_packet(forth)).what == LS_TO_ENGINE);
    kernel.config().stale_after = 1'000'000'000;
    kernel.worker().heartbeat = 1;
    CHECK(kernel.run(build_packet(forth)).what == LS_FORWARDED_OPEN);
    CHECK(kernel.run(build_packet(forth)).what == LS_FORWARDED_OPEN);
    CHECK(kernel.config().epoch == epoch + 1);
    kernel.config().stale_after = Kernel::far;  // it is back, and has not said that it is ready
    CHECK(kernel.run(build_packet(forth)).what == LS_FORWARDED_OPEN);
    kernel.config().ready = epoch + 1;
    CHECK(kernel.run(build_packet(forth)).what == LS_TO_ENGINE);
    kernel.close_sockets();
    CHECK(kernel.run(build_packet(forth)).what == LS_FORWARDED_OPEN);
    CHECK(kernel.config().epoch == epoch + 2);
    CHECK(kernel.run(build_packet(with_flags(forth, syn | fin))).what == LS_DROP_FLAGS);  // needs no engine
  });
}

TEST_CASE("a pair that fails closed drops what is for the engine, and no more", "[xdp][fail]") {
  with_kernel([](Kernel& kernel) {
    const std::uint64_t epoch = kernel.config().epoch;
    kernel.config().fail_closed = 1;
    kernel.config().stale_after = 1'000'000'000;
    kernel.worker().heartbeat = 1;
    CHECK(kernel.run(build_packet(forth)).what == LS_DROP_ABSENT);
    CHECK(kernel.run(udp({})).what == LS_FORWARDED);
    CHECK(kernel.config().epoch == epoch);
    kernel.config().stale_after = Kernel::far;
    CHECK(kernel.run(build_packet(forth)).what == LS_TO_ENGINE);
  });
}

TEST_CASE("SYNs of a source prefix are bounded, others' and other packets are not", "[xdp]") {
  with_kernel([](Kernel& kernel) {
    kernel.config().syn_burst = 10;
    kernel.config().syn_rate = 1;
    int passed = 0;
    for (int i = 0; i < 40; ++i) {
      PacketSpec spec = with_flags(forth, syn);
      spec.source = "10.0.0." + std::to_string(1 + i);
      passed += kernel.run(build_packet(spec)).what == LS_TO_ENGINE ? 1 : 0;
    }
    CHECK(passed >= 10);
    CHECK(passed <= 12);
    PacketSpec elsewhere = with_flags(forth, syn);
    elsewhere.source = "10.0.1.1";
    CHECK(kernel.run(build_packet(elsewhere)).what == LS_TO_ENGINE);
    CHECK(kernel.run(build_packet(forth)).what == LS_TO_ENGINE);
    CHECK(kernel.run(build_packet(with_flags(forth, syn))).what == LS_DROP_SYN_RATE);
  });
}

TEST_CASE("a clock that another CPU read later gives no SYNs away", "[xdp]") {
  with_kernel([](Kernel& kernel) {
    kernel.config().syn_burst = 10;
    kernel.config().syn_rate = 1;
    const auto syns = [&] {
      int passed = 0;
      for (int i = 0; i < 30; ++i)
        passed += kernel.run(build_packet(with_flags(forth, syn))).what == LS_TO_ENGINE ? 1 : 0;
      return passed;
    };
    CHECK(syns() >= 10);
    kernel.age_rates(-1'000'000'000);  // counted a second ahead of us
    CHECK(syns() <= 1);
    kernel.age_rates(3'000'000'000);
    const int more = syns();
    CHECK(more >= 2);
    CHECK(more <= 4);
  });
}
