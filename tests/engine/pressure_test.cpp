// Attacks on the tables and pools, each beside honest connections that must go on: memory stays within its
// limit, no honest established connection is pushed out, no host reads a byte that was not scanned, and the
// pool is of use afterwards (DESIGN: bounded).
#include <deque>

#include "tests/engine/crowd.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep;
using namespace lockstep::test;
using std::chrono::hours;
using std::chrono::seconds;

namespace {

PipelineConfig small() {
  PipelineConfig config;
  config.blocks = 512;
  config.islands = 1024;
  config.flows.flows = 256;
  config.flows.unestablished = 64;
  config.half_open.connections = 64;
  config.fragments.bytes = 1U << 18U;
  config.fragments.datagrams = 64;
  return config;
}

PipelineConfig usual() {
  return {};
}

// An address outside: number n of prefix p, 10.p.p.n or, for many prefixes, from 11.0.0.0 on.
std::string outside(std::size_t prefix, std::size_t n = 1) {
  return std::to_string(20 + prefix / 65'536) + "." + std::to_string(prefix / 256 % 256) + "." +
         std::to_string(prefix % 256) + "." + std::to_string(n % 256);
}

PacketSpec hostile(std::size_t prefix, std::size_t port) {
  PacketSpec spec;
  spec.source = outside(prefix, port % 250);
  spec.destination = "192.0.2.1";
  spec.source_port = static_cast<std::uint16_t>(1024 + port / 250);
  spec.seq = 7000;
  return spec;
}

PacketSpec from(const PacketSpec& opened, std::uint32_t offset, const std::string& payload) {
  PacketSpec spec = opened;
  spec.flags = TcpFlag::ack;
  spec.seq = opened.seq + 1 + offset;
  spec.ack = 1'000'001;
  spec.payload = payload;
  return spec;
}

PacketSpec to(const PacketSpec& opened, std::uint32_t offset, const std::string& payload) {
  PacketSpec spec;
  spec.source = opened.destination;
  spec.destination = opened.source;
  spec.source_port = opened.destination_port;
  spec.destination_port = opened.source_port;
  spec.flags = TcpFlag::ack;
  spec.seq = 1'000'001 + offset;
  spec.ack = opened.seq + 1;
  spec.payload = payload;
  return spec;
}

// Eight connections of one prefix, the heaviest but for the attackers', which go on while `attack` runs.
class Town {
 public:
  explicit Town(const PipelineConfig& config) : crowd(config), limits(config) {
    for (std::uint16_t i = 0; i < 8; ++i) {
      honest.emplace_back(crowd, "10.1.0." + std::to_string(i + 1), static_cast<std::uint16_t>(5000 + i));
      REQUIRE(honest.back().opens());
      REQUIRE(honest.back().sends(3000));
    }
  }
  // Between two packets of an attack, now and then: one of them sends, and the limits hold.
  void go_on() {
    if (++steps_ % 97 != 0) return;
    const std::size_t which = steps_ / 97 % honest.size();
    progress = progress && honest[which].sends(1500, which % 2 == 0);
    check_limits();
  }
  void check_limits() {
    const Gauges gauges = crowd.pipeline().gauges();
    const bool within =
        gauges.stream_memory <= limits.blocks * reassembly::Block::size && gauges.islands <= limits.islands &&
        gauges.flows <= limits.flows.flows && gauges.unestablished <= limits.flows.unestablished &&
        gauges.half_open <= limits.half_open.connections && gauges.datagrams <= limits.fragments.datagrams &&
        gauges.fragment_memory <= limits.fragments.bytes;
    bounded = bounded && within;
  }
  // All went on, all goes on, and once the honest ones have closed nothing is left of anything.
  void check() {
    CHECK(bounded);
    CHECK(progress);
    for (std::size_t i = 0; i < honest.size(); ++i) {
      CHECK(honest[i].sends(2000, i % 2 == 0));
      CHECK(honest[i].whole());
    }
    Honest newcomer(crowd, "10.2.0.1", 6000);
    CHECK(newcomer.opens());
    CHECK(newcomer.sends(5000, true));
    CHECK(newcomer.whole());
    CHECK(crowd.unseen() == 0);
    newcomer.closes();
    for (Honest& connection : honest) connection.closes();
    crowd.wait(seconds(200));
    const Gauges gauges = crowd.pipeline().gauges();
    CHECK(gauges.islands == 0);
    CHECK(gauges.fragment_memory == 0);
    CHECK(gauges.half_open == 0);
    crowd.finish();
    CHECK(crowd.pipeline().bytes().blocks_in_use() == 0);
  }

  Crowd crowd;
  PipelineConfig limits;
  std::deque<Honest> honest;
  bool progress = true;
  bool bounded = true;

 private:
  std::size_t steps_ = 0;
};

}  // namespace

TEST_CASE("tiny islands of one source leave room for others", "[pressure][L5]") {
  Town town(GENERATE(small(), usual()));
  const std::size_t flows = town.limits.islands / town.limits.session.max_islands * 2;
  std::vector<PacketSpec> opened;
  for (std::size_t i = 0; i < flows; ++i) {
    town.crowd.open(opened.emplace_back(hostile(7, i)));
    for (std::uint32_t island = 0; island < 255; ++island) {
      town.crowd.from_outside(from(opened.back(), 2 + 2 * island, "x"));
      town.go_on();
    }
  }
  CHECK(town.crowd.pipeline().gauges().over_share > 0);
  CHECK(town.crowd.pipeline().gauges().flows >= town.honest.size());
  // Filling the first hole of one that was reset gets nowhere.
  for (const PacketSpec& flow : opened) town.crowd.from_outside(from(flow, 0, "yx"));
  town.check();
}

TEST_CASE("large islands of many sources, each below its share, are refused and run out of time",
          "[pressure][L5]") {
  Town town(GENERATE(small(), usual()));
  const std::size_t flows = std::min(town.limits.flows.flows, town.limits.blocks) / 2;
  const std::size_t per_flow = 4 * town.limits.blocks / flows;
  std::vector<PacketSpec> opened;
  Reason last = Reason::none;
  for (std::size_t i = 0; i < flows; ++i) {
    town.crowd.open(opened.emplace_back(hostile(1000 + i, 1)));
    for (std::uint32_t block = 0; block < std::min<std::size_t>(per_flow, 31); ++block) {
      const Verdict verdict = town.crowd.from_outside(from(opened.back(), 1 + 2048 * block, "EVIL"));
      if (!verdict.passes()) last = verdict.reason;
      town.go_on();
    }
  }
  CHECK(last == Reason::store_full);
  CHECK(town.crowd.pipeline().gauges().over_share == 0);
  const std::size_t three_quarters = town.limits.blocks * 3 / 4 * reassembly::Block::size;
  CHECK(town.crowd.pipeline().gauges().stream_memory > three_quarters / 2);
  town.crowd.wait(seconds(120));
  CHECK(town.crowd.pipeline().gauges().holes_expired > 0);
  CHECK(town.crowd.pipeline().gauges().islands == 0);
  const Verdict verdict = town.crowd.from_outside(from(opened.front(), 0, "?"));
  CHECK(verdict.reason == Reason::flow_expired);
  town.check();
}

TEST_CASE("clients that never acknowledge what they asked for do not wedge the pool", "[pressure][L5]") {
  Town town(GENERATE(small(), usual()));
  const std::size_t flows = std::min(town.limits.flows.flows, town.limits.blocks) / 4;
  const std::size_t per_flow = town.limits.blocks * 3 / 2 / flows + 1;
  const bool one_source = GENERATE(true, false);
  std::vector<PacketSpec> opened;
  for (std::size_t i = 0; i < flows; ++i) {
    town.crowd.open(opened.emplace_back(one_source ? hostile(7, i) : hostile(1000 + i / 16, i)));
    const std::string segment(1024, 'z');
    for (std::uint32_t n = 0; n < std::min<std::size_t>(per_flow * 2, 60); ++n) {
      town.crowd.from_inside(to(opened.back(), n * 1024, segment));
      town.go_on();
    }
  }
  CHECK(town.crowd.pipeline().gauges().over_share > 0);
  town.check();
}

TEST_CASE("a flood of SYNs that nobody answers", "[pressure][L5]") {
  Town town(GENERATE(small(), usual()));
  for (std::size_t i = 0; i < town.limits.half_open.connections * 2; ++i) {
    PacketSpec syn = hostile(i % 500'000, i);
    syn.flags = TcpFlag::syn;
    town.crowd.from_outside(syn);
    town.go_on();
  }
  CHECK(town.crowd.pipeline().gauges().stateless_syns > 0);
  SECTION("with a flood of forged SYN-ACKs beside it") {
    for (std::size_t i = 0; i < town.limits.flows.unestablished * 2; ++i) {
      PacketSpec syn_ack = hostile(600'000 + i, i);
      syn_ack.flags = TcpFlag::syn | TcpFlag::ack;
      syn_ack.ack = 77;
      town.crowd.from_outside(syn_ack);
      town.go_on();
    }
    CHECK(town.crowd.pipeline().gauges().given_up_unestablished > 0);
  }
  CHECK(town.crowd.pipeline().gauges().given_up == 0);
  town.check();
}

TEST_CASE("a flood of SYNs that a server answers pushes out none that is established", "[pressure][L5]") {
  PipelineConfig config = GENERATE(small(), usual());
  Town town(config);
  for (std::size_t i = 0; i < config.flows.unestablished * 2; ++i) {
    PacketSpec syn = hostile(i % 500'000, i);
    syn.flags = TcpFlag::syn;
    town.crowd.from_outside(syn);
    PacketSpec syn_ack = to(syn, 0, "");
    syn_ack.seq -= 1;
    syn_ack.flags = TcpFlag::syn | TcpFlag::ack;
    town.crowd.from_inside(syn_ack);
    town.go_on();
  }
  CHECK(town.crowd.pipeline().gauges().given_up_unestablished > 0);
  CHECK(town.crowd.pipeline().gauges().given_up == 0);
  town.check();
}

TEST_CASE("floods of one direction only push out none that is established", "[pressure][L5]") {
  PipelineConfig config = GENERATE(small(), usual());
  Town town(config);
  const int kind = GENERATE(0, 1, 2);
  for (std::size_t i = 0; i < config.flows.unestablished * 2; ++i) {
    PacketSpec packet = hostile(i % 500'000, i);
    if (kind == 0) {  // SYN and ACK, as of an asymmetric path
      packet.flags = TcpFlag::syn;
      town.crowd.from_outside(packet);
    }
    packet = from(packet, 0, "hello");
    town.crowd.from_outside(packet);
    if (kind == 1) town.crowd.from_outside(from(hostile(i % 500'000, i), 100, "ahead"));
    if (kind == 2) {  // an answer, forged on the same side
      PacketSpec answer = to(packet, 0, "answer");
      answer.ack = packet.seq + 5;
      town.crowd.from_outside(answer);
    }
    town.go_on();
  }
  const Gauges gauges = town.crowd.pipeline().gauges();
  CHECK(gauges.given_up_unestablished > 0);
  CHECK(gauges.given_up == 0);
  CHECK(gauges.flows == town.honest.size());
  CHECK(gauges.islands == 0);
  town.check();
}

TEST_CASE("fragments that are never finished leave room for honest ones", "[pressure][L5]") {
  Town town(GENERATE(small(), usual()));
  const bool one_source = GENERATE(true, false);
  Crowd& crowd = town.crowd;
  std::size_t through = 0;
  std::size_t honest = 0;
  std::uint32_t sent = 0;
  const PacketSpec friendly = hostile(3, 3);
  crowd.open(friendly);
  for (std::size_t i = 0; i < 6 * town.limits.fragments.datagrams; ++i) {
    PacketSpec spec = from(hostile(one_source ? 7 : i, one_source ? 1 : i), 0, std::string(1400, 'f'));
    const auto pieces = fragment_packet(build_packet(spec), reassembly::LinkType::ethernet, {704},
                                        static_cast<std::uint32_t>(i + 1));
    crowd.send_frame(pieces.front(), 0);
    town.go_on();
    if (i % 50 != 0) continue;
    ++honest;
    const auto parts = fragment_packet(build_packet(from(friendly, sent, std::string(1400, 'h'))),
                                       reassembly::LinkType::ethernet, {704}, 60'000 + sent % 5000);
    for (const Bytes& part : parts) crowd.send_frame(part, 0);
    const auto& flow = crowd.host(friendly);
    if (flow.scanned.size() == sent + 1400) ++through;
    sent = static_cast<std::uint32_t>(flow.scanned.size());
    crowd.from_inside([&] {
      PacketSpec ack = to(friendly, 0, "");
      ack.ack = friendly.seq + 1 + sent;
      return ack;
    }());
  }
  CHECK(through == honest);
  town.check();
}

TEST_CASE("a full table gives up the longest-idle flow of the heaviest prefix, reset at both ends",
          "[pressure][L5]") {
  PipelineConfig config = small();
  config.flows.flows = 32;
  Town town(config);
  std::vector<PacketSpec> opened;
  for (std::size_t i = 0; i < 200; ++i) {
    town.crowd.open(opened.emplace_back(hostile(7, i)));
    if (i == 0) REQUIRE(town.crowd.from_outside(from(opened[0], 2, "EVIL")).passes());
    town.go_on();
  }
  CHECK(town.crowd.pipeline().gauges().given_up > 0);
  CHECK(town.crowd.host(opened[0]).reset);
  CHECK(town.crowd.host(to(opened[0], 0, "")).reset);
  CHECK_FALSE(town.crowd.host(opened.back()).reset);
  // It is not taken up again as one that was open before the start, even if no RST had reached its host.
  town.crowd.host(opened[1]).reset = false;
  const std::size_t resets = town.crowd.resets();
  CHECK(town.crowd.from_outside(from(opened[1], 0, "blind?")).reason == Reason::unknown_connection);
  CHECK(town.crowd.resets() == resets + 1);
  town.check();
}

TEST_CASE("what was given up for an old hole stays refused though no reset reached its host",
          "[pressure][L1]") {
  Crowd crowd(usual());
  const PacketSpec flow = hostile(1, 1);
  crowd.open(flow);
  crowd.host(flow).deaf = true;
  CHECK(crowd.from_outside(from(flow, 4, "SIGNATURE")).passes());
  crowd.wait(seconds(62));
  CHECK(crowd.resets() == 2);
  CHECK(crowd.pipeline().gauges().islands == 0);
  CHECK(crowd.from_outside(from(flow, 0, "evil")).reason == Reason::flow_expired);
  // Its host's challenge ACK is answered at the number that it names.
  const std::size_t resets = crowd.resets();
  CHECK(crowd.from_inside(to(flow, 0, "")).reason == Reason::flow_expired);
  CHECK(crowd.resets() == resets + 1);
  crowd.wait(hours(100));
  CHECK(crowd.from_outside(from(flow, 0, "evil")).reason == Reason::flow_expired);
  CHECK(crowd.unseen() == 0);
  CHECK(crowd.host(flow).read.empty());
}

TEST_CASE("a hole that makes progress is not old", "[pressure][L4]") {
  Crowd crowd(usual());
  const PacketSpec flow = hostile(1, 1);
  crowd.open(flow);
  // There is always a hole, and never for long.
  for (std::uint32_t i = 0; i < 40; ++i) {
    CHECK(crowd.from_outside(from(flow, 10 * i + 5, "ahead")).passes());
    if (i > 0) CHECK(crowd.from_outside(from(flow, 10 * (i - 1), "first")).passes());
    PacketSpec ack = to(flow, 0, "");
    ack.ack += 10 * i;
    crowd.from_inside(ack);
    crowd.wait(seconds(5));
  }
  CHECK(crowd.pipeline().gauges().holes_expired == 0);
  CHECK(crowd.host(flow).read.size() == 390);
  CHECK(crowd.unseen() == 0);
}
