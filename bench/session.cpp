// Acceptance, mirrors and store: judge(), read() and commit() of the segments of an established connection,
// per packet, warm. The server sends full segments, the client acknowledges each second one; with
// timestamps. `inorder`: nothing else. `reordered_1_percent`: each hundredth data segment comes behind the
// three that follow it, and meanwhile the client SACKs. The argument is what is kept for rules to look back
// on: 0, or the default 8 KiB. Decoding is apart (bench_decode), and so is scanning (bench_scan).
#include "reassembly/session.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include <benchmark/benchmark.h>

namespace {

using namespace lockstep::reassembly;

constexpr std::uint32_t mss = 1448;
constexpr std::uint32_t round = 400;  // data segments

struct Step {
  bool data = false;
  std::uint32_t place = 0;  // data: which segment; ACK: the next one awaited
  std::uint32_t sack_from = 0;
  std::uint32_t sack_to = 0;  // segments [from, to); equal: none
};

// What a receiver without loss does with segments that come in this order.
std::vector<Step> steps(std::uint32_t late_every) {
  std::vector<std::uint32_t> order(round);
  std::iota(order.begin(), order.end(), 0U);
  for (std::uint32_t i = late_every / 2; late_every != 0 && i + 3 < round; i += late_every) {
    std::rotate(order.begin() + i, order.begin() + i + 1, order.begin() + i + 4);
  }
  std::vector<Step> out;
  std::uint32_t next = 0, ahead = 0, unacknowledged = 0;  // [next + 1, ahead) has come
  for (const std::uint32_t place : order) {
    out.push_back({.data = true, .place = place});
    if (place != next) {
      ahead = place + 1;
      out.push_back({.place = next, .sack_from = next + 1, .sack_to = ahead});
      continue;
    }
    const bool fills = ahead > next;
    next = std::max(next + 1, ahead);
    if (fills || ++unacknowledged == 2 || next == round) {
      out.push_back({.place = next});
      unacknowledged = 0;
    }
  }
  return out;
}

class Transfer {
 public:
  explicit Transfer(StreamOffset history) : limits_{.history = history} {
    Segment syn = made(Direction::to_server, TcpFlag::syn, 1000, 0);
    syn.options.window_scale = 10;
    syn.options.sack_permitted = true;
    Segment answer = made(Direction::to_client, TcpFlag::syn | TcpFlag::ack, 5000, 1001);
    answer.options.window_scale = 10;
    answer.options.sack_permitted = true;
    session_.emplace(pool_, limits_, SynOffer::of(syn), answer);
    ack_ = made(Direction::to_server, TcpFlag::ack, 1001, 5001);
    data_ = made(Direction::to_client, TcpFlag::ack, 5001, 1001);
    data_.payload = payload_;
    pass(ack_, Direction::to_server);
  }

  void take(const Step& step) {
    Segment& segment = step.data ? data_ : ack_;
    (step.data ? segment.seq : segment.ack) = base_.plus(std::int64_t{step.place} * mss);
    segment.options.sack_count = step.sack_from == step.sack_to ? 0 : 1;
    segment.options.sack[0] = {base_.plus(std::int64_t{step.sack_from} * mss),
                               base_.plus(std::int64_t{step.sack_to} * mss)};
    segment.time += std::chrono::microseconds(2);
    pass(segment, step.data ? Direction::to_client : Direction::to_server);
  }

  void next_round() {
    base_ = base_.plus(std::int64_t{round} * mss);
    ++data_.options.timestamps->value;
    ++ack_.options.timestamps->value;
  }

  [[nodiscard]] bool whole() const {
    const Assembler& bytes = session_->receiver(Direction::to_client).bytes;
    return refused_ == 0 && !bytes.has_islands() && read_ == bytes.in_order();
  }

 private:
  static Segment made(Direction direction, int flags, std::uint32_t seq, std::uint32_t ack) {
    Segment segment;
    segment.seq = Seq(seq);
    segment.ack = Seq(ack);
    segment.flags.bits = static_cast<std::uint8_t>(flags);
    segment.window = 60'000;
    segment.options.timestamps = TimestampOption{1, direction == Direction::to_server ? 1U : 0U};
    segment.time = Timestamp(std::chrono::seconds(1'700'000'000));
    return segment;
  }

  void pass(const Segment& segment, Direction direction) {
    const Ruling ruling = session_->judge(segment, direction);
    if (ruling.overlay) session_->overlay(ruling, segment, direction);
    session_->read(ruling, segment, direction, [&](StreamOffset, std::span<const std::uint8_t> run) {
      read_ += static_cast<StreamOffset>(run.size());
    });
    session_->commit(ruling, segment, direction, ruling.forwards());
    refused_ += ruling.forwards() && ruling.accepted && !ruling.edits.any() ? 0U : 1U;
  }

  BytePool pool_{1024, 1024};
  SessionLimits limits_;
  std::optional<Session> session_;
  std::vector<std::uint8_t> payload_ = std::vector<std::uint8_t>(mss, 'x');
  Segment data_, ack_;
  Seq base_{5001};
  StreamOffset read_ = 0;
  std::uint64_t refused_ = 0;
};

void session(benchmark::State& state, std::uint32_t late_every) {
  Transfer transfer(state.range(0));
  const std::vector<Step> script = steps(late_every);
  for ([[maybe_unused]] auto _ : state) {
    for (const Step& step : script) transfer.take(step);
    transfer.next_round();
  }
  if (!transfer.whole()) state.SkipWithError("a packet of an honest stream was not taken");
  const auto packets = static_cast<double>(state.iterations()) * static_cast<double>(script.size());
  state.counters["per_packet"] =
      benchmark::Counter(packets, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK_CAPTURE(session, inorder, 0)->Arg(0)->Arg(8192);
BENCHMARK_CAPTURE(session, reordered_1_percent, 100)->Arg(0)->Arg(8192);

}  // namespace

BENCHMARK_MAIN();
