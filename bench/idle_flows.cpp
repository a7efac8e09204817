// Not times but bytes: how much the process's resident memory grows by each idle established connection that
// went through the whole pipeline (handshake, a request of 200 bytes, a reply of 1,024, all acknowledged).
// With 0 rules, or 1,000 that look into every stream, whose scanners and kept bytes
// then count too. `flow` is the record itself; the rest of a flow without rules is its share of the table.
// Beside these, connections whose reply was 64 KiB, all of it acknowledged: with rules the tail that they may
// look back on is kept, `kept_bytes` in whole blocks.
#include <fstream>
#include <iostream>

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include "bench/made_up.hpp"
#include "engine/compile_rules.hpp"
#include "engine/inspector.hpp"
#include "engine/pipeline.hpp"
#include "signatures/parser.hpp"
#include "tests/support/packet_builder.hpp"

namespace {

using namespace lockstep;
using reassembly::TcpFlag;
using test::Bytes;

constexpr std::size_t segment_bytes = 1024;

class Deaf final : public Observer {
 public:
  void on_packet(const Packet& packet) override { refused += packet.verdict.passes() ? 0U : 1U; }
  std::uint64_t refused = 0;
};

class Nowhere final : public PacketPort {
 public:
  [[nodiscard]] tl::expected<std::size_t, std::string> receive(std::span<Frame>) override { return 0; }
  void finish(const Frame&, std::span<const std::uint8_t>) override {}
  void send(const Departure&) override {}
};

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::shared_ptr<const RuleGeneration> rules(std::size_t count) {
  signatures::RuleParser parser(signatures::ParserSettings{});
  parser.parse("bench", bench::text_of(bench::made_up_rules(count)));
  LoadedRules loaded{std::move(parser).finish(), {}};
  auto compiled = compile_rules(std::move(loaded), Settings{}, 1);
  return compiled ? *compiled : nullptr;
}

class Conversation {
 public:
  Conversation(Pipeline& pipeline, std::uint32_t number) : pipeline_(&pipeline) {
    ends_[0] = fmt::format("10.{}.{}.{}", number >> 16U & 255U, number >> 8U & 255U, number & 255U);
    ends_[1] = "192.0.2.1";
    ports_[0] = static_cast<std::uint16_t>(1024 + number % 50'000);
    seqs_ = {number * 7919U, number * 104'729U};
  }

  // The reply: so many whole segments, each acknowledged.
  void establish_and_idle(std::size_t segments) {
    const Bytes offers = {2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7};
    const Bytes answers = {2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 1, 1, 3, 3, 7};
    send(0, TcpFlag::syn, offers, "");
    send(1, TcpFlag::syn | TcpFlag::ack, answers, "");
    send(0, TcpFlag::ack, later_, "");
    send(0, TcpFlag::ack | TcpFlag::psh, later_, std::string(200, 'q'));
    for (std::size_t i = 0; i < segments; ++i) {
      send(1, TcpFlag::ack | TcpFlag::psh, later_, std::string(segment_bytes, 'r'));
      send(0, TcpFlag::ack, later_, "");
    }
  }

 private:
  void send(std::size_t from, int flags, const Bytes& options, const std::string& payload) {
    const bool syn = (flags & TcpFlag::syn) != 0;
    Bytes bytes = test::build_packet({.source = ends_[from],
                                      .destination = ends_[1 - from],
                                      .source_port = ports_[from],
                                      .destination_port = ports_[1 - from],
                                      .seq = seqs_[from],
                                      .ack = (flags & TcpFlag::ack) != 0 ? seqs_[1 - from] : 0,
                                      .flags = flags,
                                      .options = options,
                                      .payload = payload});
    seqs_[from] += static_cast<std::uint32_t>(payload.size()) + (syn ? 1U : 0U);
    Frame frame = test::frame_of(bytes);
    frame.time = Timestamp(std::chrono::seconds(1'700'000'000));
    pipeline_->process(frame);
  }

  Pipeline* pipeline_;
  std::array<std::string, 2> ends_;
  std::array<std::uint16_t, 2> ports_{0, 80};
  std::array<std::uint32_t, 2> seqs_{};
  Bytes later_ = {1, 1, 8, 10, 0, 0, 0, 2, 0, 0, 0, 1};
};

void idle_flow(benchmark::State& state) {
  const auto flow_count = static_cast<std::uint32_t>(state.range(0));
  const auto segments = static_cast<std::size_t>(state.range(1)) / segment_bytes;
  const auto rule_count = static_cast<std::size_t>(state.range(2));
  HostTable hosts({}, replay_hash_seed);
  std::optional<Inspector> inspector;
  if (rule_count != 0) {
    auto made = Inspector::make(rules(rule_count), hosts, {});
    if (!made) return state.SkipWithError(made.error().c_str());
    inspector.emplace(std::move(*made));
  }
  PipelineConfig config;
  config.blocks = 8 * std::size_t{flow_count};
  config.session.history = inspector ? inspector->window() : 0;
  double bytes = 0;
  std::uint64_t missing = 0;
  for ([[maybe_unused]] auto _ : state) {
    Deaf observer;
    Nowhere port;
    malloc_trim(0);
    const std::size_t before = resident_bytes();
    Pipeline pipeline(config, inspector ? &*inspector : nullptr, observer, port);
    for (std::uint32_t n = 0; n < flow_count; ++n) Conversation(pipeline, n).establish_and_idle(segments);
    malloc_trim(0);
    bytes = static_cast<double>(resident_bytes() - before) / flow_count;
    missing = observer.refused + flow_count - pipeline.flows().size();
    state.counters["kept_bytes"] =
        static_cast<double>(pipeline.bytes().blocks_in_use() * sizeof(reassembly::Block)) / flow_count;
  }
  if (missing != 0) return state.SkipWithError("not every connection was established");
  state.counters["flow"] = sizeof(Flow);
  state.counters["resident"] = bytes;
}
BENCHMARK(idle_flow)
    ->ArgNames({"flows", "reply", "rules"})
    ->Args({200'000, 1024, 0})
    ->Args({200'000, 1024, 1000})
    ->Args({100'000, 65'536, 0})
    ->Args({100'000, 65'536, 1000})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
