// Session and assembler under arbitrary segments of one connection, through a whole pipeline without rules.
// Promises that are checked: every frame is finished and told once; the sums hold; a byte that went out and
// is not acknowledged never goes out with another value; what became readable is what went out in order,
// each byte once; the pools get everything back.
//
// An input is a byte of settings and then segments of six bytes each (struct Step).
#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <unordered_map>
#include <vector>

#include "engine/output/event_log.hpp"
#include "engine/pipeline.hpp"
#include "engine/reporter.hpp"
#include "reassembly/bytes.hpp"
#include "reassembly/checksum.hpp"

using namespace lockstep;
using namespace lockstep::reassembly;

namespace {

void must(bool holds, int line = __builtin_LINE()) {
  if (holds) return;
  std::fprintf(stderr, "broken promise in line %d\n", line);
  std::abort();
}

constexpr std::size_t ip_at = 14;
constexpr std::size_t tcp_at = ip_at + 20;

struct Step {
  const std::uint8_t* bytes;
  static constexpr std::size_t size = 6;
  [[nodiscard]] std::size_t side() const { return bytes[0] >> 7U; }
  [[nodiscard]] bool bad_checksum() const { return (bytes[0] & 0x40U) != 0; }
  [[nodiscard]] std::uint8_t flags() const { return bytes[0] & 0x3fU; }
  [[nodiscard]] unsigned seq_base() const { return bytes[1] & 3U; }
  [[nodiscard]] unsigned ack_base() const { return (bytes[1] >> 2U) & 3U; }
  [[nodiscard]] unsigned pause() const { return (bytes[1] >> 4U) & 3U; }
  [[nodiscard]] std::uint8_t variant() const { return bytes[1] >> 6U; }
  [[nodiscard]] int seq_delta() const { return static_cast<std::int8_t>(bytes[2]); }
  [[nodiscard]] int ack_delta() const { return static_cast<std::int8_t>(bytes[3]); }
  [[nodiscard]] std::size_t length() const { return bytes[4]; }
  [[nodiscard]] std::uint16_t window() const { return static_cast<std::uint16_t>(bytes[5] * 16U); }
};

// What each side sent last, so that steps are near what an honest sender would say.
struct Side {
  std::uint32_t isn = 0;
  std::uint32_t next = 0;   // behind the last byte sent
  std::uint32_t acked = 0;  // highest number that the peer's packets acknowledged
};

// One direction as whoever stands behind the device sees it.
struct Stream {
  std::unordered_map<std::uint32_t, std::uint8_t> went_out;  // by sequence number
  std::uint32_t acked = 0;
  bool any_ack = false;
  StreamOffset readable = 0;
  bool whole = true;  // from the handshake on, without gaps

  [[nodiscard]] bool open(std::uint32_t seq) const {
    return !any_ack || static_cast<std::int32_t>(seq - acked) >= 0;
  }
};

class Watcher final : public Observer, public PacketPort {
 public:
  tl::expected<std::size_t, std::string> receive(std::span<Frame>) override { return 0; }
  void finish(const Frame&, std::span<const std::uint8_t> leaving) override {
    ++finished;
    left_.assign(leaving.begin(), leaving.end());
  }
  void send(const Departure& departure) override {
    const std::size_t ip_end = ip_at + load16(departure.bytes.data() + ip_at + 2);
    must(ip_end == tcp_at + 20);  // ours carry nothing
  }

  void on_chunk(const Flow& flow, Direction direction, StreamOffset offset,
                std::span<const std::uint8_t> bytes) override {
    Stream& stream = streams_[index(direction)];
    if (!flow.session.adopted()) must(offset == stream.readable);
    stream.readable = offset + static_cast<StreamOffset>(bytes.size());
    chunks_.push_back({direction, offset, {bytes.begin(), bytes.end()}});
  }
  void on_gap(const Flow&, Direction direction, StreamOffset, StreamOffset to) override {
    Stream& stream = streams_[index(direction)];
    stream.readable = to;
    stream.whole = false;
  }
  void on_flow_end(const Flow&, FlowEnd, Timestamp) override { forget(); }
  void on_half_open_end(const HalfOpenRecord&, FlowEnd, Timestamp) override { forget(); }

  void on_packet(const Packet& packet) override {
    ++told;
    must(packet.verdict.passes() == !left_.empty());
    if (packet.flow != nullptr && packet.segment != nullptr) {
      if (packet.new_flow) forget();
      if (packet.verdict.passes()) leave(packet);
      compare(*packet.flow, packet.direction);
    }
    chunks_.clear();
    left_.clear();
  }

  std::uint64_t finished = 0;
  std::uint64_t told = 0;

 private:
  struct Chunk {
    Direction direction;
    StreamOffset offset;
    std::vector<std::uint8_t> bytes;
  };

  void forget() { streams_ = {}; }

  // The packet as it went out: one value at each place that the host has not acknowledged.
  void leave(const Packet& packet) {
    Stream& stream = streams_[index(packet.direction)];
    const std::uint8_t* tcp = left_.data() + tcp_at;
    const std::uint32_t seq = load32(tcp + 4);
    const std::size_t head = static_cast<std::size_t>(tcp[12] >> 4U) * 4;
    const std::size_t length = load16(left_.data() + ip_at + 2) - 20U - head;
    if ((tcp[13] & (TcpFlag::syn | TcpFlag::rst)) != 0) must(length == 0);
    for (std::uint32_t i = 0; i < length; ++i) {
      if (!stream.open(seq + i)) continue;
      const auto [kept, fresh] = stream.went_out.try_emplace(seq + i, tcp[head + i]);
      must(fresh || kept->second == tcp[head + i]);
    }
    if (!packet.ruling.accepted || packet.ruling.old_ack) return;
    Stream& other = streams_[index(reverse(packet.direction))];
    const std::uint32_t ack = load32(tcp + 8);
    if (other.any_ack && static_cast<std::int32_t>(ack - other.acked) <= 0) return;
    other.any_ack = true;
    other.acked = ack;
  }

  // What became readable went out with that value, and what went out in order became readable.
  void compare(const Flow& flow, Direction direction) {
    Stream& stream = streams_[index(direction)];
    if (flow.session.adopted() || !stream.whole || flow.final_verdict != Final::none) return;
    const std::uint32_t first = flow.session.receiver(direction).first.value();
    for (const Chunk& chunk : chunks_) {
      if (chunk.direction != direction) continue;
      for (std::size_t i = 0; i < chunk.bytes.size(); ++i) {
        const auto place = static_cast<std::uint32_t>(chunk.offset) + static_cast<std::uint32_t>(i);
        const auto out = stream.went_out.find(first + place);
        must(out != stream.went_out.end() && out->second == chunk.bytes[i]);
      }
    }
    must(!stream.went_out.contains(first + static_cast<std::uint32_t>(stream.readable)));
  }

  std::array<Stream, 2> streams_;
  std::vector<Chunk> chunks_;  // of the packet under way
  std::vector<std::uint8_t> left_;
};

class Conversation {
 public:
  Conversation(Pipeline& pipeline, Reporter& reporter, std::uint8_t settings)
      : pipeline_(&pipeline), reporter_(&reporter), timestamps_((settings & 2U) != 0) {
    sides_[0].isn = (settings & 1U) != 0 ? 0xffff'ff80U : 1000;
    sides_[1].isn = (settings & 1U) != 0 ? 0x7fff'ff80U : 5'000'000;
    for (Side& side : sides_) side.next = side.acked = side.isn;
  }

  void handshake() {
    transmit(0, TcpFlag::syn, sides_[0].isn, 0, 65535, 0, 0, false);
    transmit(1, TcpFlag::syn | TcpFlag::ack, sides_[1].isn, sides_[0].isn + 1, 65535, 0, 0, false);
    transmit(0, TcpFlag::ack, sides_[0].isn + 1, sides_[1].isn + 1, 65535, 0, 0, false);
  }

  void take(const Step& step) {
    constexpr std::array pauses{1, 600, 61'000, 3'600'000};
    now_ += std::chrono::milliseconds(pauses[step.pause()]);
    const Side& self = sides_[step.side()];
    const Side& peer = sides_[1 - step.side()];
    const std::array seq{self.next, self.acked, self.isn, self.next + 60'000U};
    const std::array ack{peer.next, peer.acked, peer.isn, peer.next + 60'000U};
    transmit(step.side(), step.flags(), seq[step.seq_base()] + static_cast<std::uint32_t>(step.seq_delta()),
             ack[step.ack_base()] + static_cast<std::uint32_t>(step.ack_delta()), step.window(),
             step.length(), step.variant(), step.bad_checksum());
  }

  std::uint64_t sent = 0;

 private:
  void transmit(std::size_t side, int flags, std::uint32_t seq, std::uint32_t ack, std::uint16_t window,
                std::size_t length, std::uint8_t variant, bool bad_checksum) {
    const std::size_t options = timestamps_ ? 12 : 0;
    bytes_.assign(tcp_at + 20 + options + length, 0);
    put_ip(side);
    std::uint8_t* tcp = bytes_.data() + tcp_at;
    store16(tcp, side == 0 ? 40000 : 80);
    store16(tcp + 2, side == 0 ? 80 : 40000);
    store32(tcp + 4, seq);
    store32(tcp + 8, (flags & TcpFlag::ack) != 0 ? ack : 0);
    tcp[12] = static_cast<std::uint8_t>((5 + options / 4) << 4U);
    tcp[13] = static_cast<std::uint8_t>(flags);
    store16(tcp + 14, window);
    if (timestamps_) {
      const auto milliseconds =
          std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch()).count();
      tcp[20] = tcp[21] = 1;
      tcp[22] = 8;
      tcp[23] = 10;
      store32(tcp + 24, static_cast<std::uint32_t>(milliseconds) - variant * 1000U);
    }
    for (std::size_t i = 0; i < length; ++i) {
      tcp[20 + options + i] = static_cast<std::uint8_t>(seq + i + variant * 85U);
    }
    const std::span<const std::uint8_t> segment(tcp, bytes_.size() - tcp_at);
    const ChecksumSum sum =
        pseudo_header_sum({bytes_.data() + ip_at + 12, 8}, 6, static_cast<std::uint32_t>(segment.size()));
    store_checksum(tcp + 16, sum + checksum_sum(segment));
    if (bad_checksum) tcp[16] ^= 0x55U;
    remember(side, flags, seq, ack, length);
    process();
  }

  void put_ip(std::size_t side) {
    std::uint8_t* ip = bytes_.data() + ip_at;
    store16(bytes_.data() + 12, 0x0800);
    ip[0] = 0x45;
    store16(ip + 2, static_cast<std::uint16_t>(bytes_.size() - ip_at));
    ip[8] = 64;
    ip[9] = 6;
    store32(ip + 12, side == 0 ? 0x0a000001 : 0x0a000002);
    store32(ip + 16, side == 0 ? 0x0a000002 : 0x0a000001);
    store_checksum(ip + 10, checksum_sum({ip, 20}));
  }

  void remember(std::size_t side, int flags, std::uint32_t seq, std::uint32_t ack, std::size_t length) {
    const auto end = seq + static_cast<std::uint32_t>(length) + ((flags & TcpFlag::syn) != 0 ? 1U : 0U) +
                     ((flags & TcpFlag::fin) != 0 ? 1U : 0U);
    Side& self = sides_[side];
    Side& peer = sides_[1 - side];
    const auto ahead = static_cast<std::int32_t>(end - self.next);
    if (ahead > 0 && ahead < 4096) self.next = end;
    if ((flags & TcpFlag::ack) == 0) return;
    if (static_cast<std::int32_t>(ack - peer.acked) > 0 && static_cast<std::int32_t>(peer.next - ack) >= 0) {
      peer.acked = ack;
    }
  }

  void process() {
    Frame frame;
    frame.bytes = bytes_;
    frame.wire_length = static_cast<std::uint32_t>(bytes_.size());
    frame.time = now_ += std::chrono::milliseconds(1);
    frame.number = ++sent;
    reporter_->arrived(frame);
    pipeline_->process(frame);
  }

  Pipeline* pipeline_;
  Reporter* reporter_;
  bool timestamps_;
  std::array<Side, 2> sides_;
  std::vector<std::uint8_t> bytes_;
  Timestamp now_{std::chrono::seconds(1'000'000'000)};
};

PipelineConfig config_from(std::uint8_t settings) {
  PipelineConfig config;
  const bool tight = (settings & 4U) != 0;
  config.blocks = tight ? 6 : 64;
  config.islands = tight ? 4 : 64;
  config.flows.flows = 4;
  config.half_open.connections = 4;
  config.fragments = {.bytes = 1U << 17U, .datagrams = 4, .pieces = 8};
  config.session.max_islands = tight ? 3 : 16;
  config.session.max_bytes_ahead = tight ? 300 : 4096;
  config.session.captured_hosts = (settings & 8U) != 0;
  config.session.history = (settings & 16U) != 0 ? 100 : 0;
  return config;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::uint8_t settings = data[0];
  auto log = EventLog::open({});
  must(log.has_value());
  Watcher watcher;
  Reporter reporter({}, *log, &watcher);
  const PipelineConfig config = config_from(settings);
  Pipeline pipeline(config, nullptr, reporter, watcher);
  Conversation conversation(pipeline, reporter, settings);
  if ((settings & 32U) == 0) conversation.handshake();
  for (std::size_t at = 1; at + Step::size <= size && conversation.sent < 512; at += Step::size) {
    conversation.take({data + at});
    must(watcher.told == conversation.sent && watcher.finished == conversation.sent);
  }
  pipeline.finish();
  reporter.finish({});
  must(reporter.counters().imbalances().empty());
  must(pipeline.bytes().has_blocks(config.blocks, true));
  return 0;
}
