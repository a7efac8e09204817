#include "tests/honest/link.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <unistd.h>

#include "engine/transcript.hpp"
#include "reassembly/wire.hpp"

namespace lockstep::honest {
namespace {

constexpr std::size_t recorded_frames = 20'000;  // of a link; later ones are not kept

void record(std::vector<Recorded>& records, std::span<const std::uint8_t> bytes, Timestamp time,
            std::uint16_t port) {
  if (records.size() < recorded_frames) records.push_back({time, port, {bytes.begin(), bytes.end()}});
}

std::uint32_t longest_stream(const Scenario& scenario) {
  std::uint32_t longest = 0;
  for (const Connection& connection : scenario.connections) {
    for (const Application* application : {&connection.client, &connection.server}) {
      std::uint32_t sum = 0;
      for (const Step& step : application->steps) sum += step.kind == Step::Kind::write ? step.amount : 0;
      longest = std::max(longest, sum);
    }
  }
  return longest;
}

}  // namespace

void DevicePort::arrive(End from, std::span<const std::uint8_t> packet, Timestamp now) {
  Frame frame;
  frame.link = LinkType::raw_ip;
  frame.time = now;
  frame.port = static_cast<std::uint16_t>(index(from));
  queue_.push({packet.begin(), packet.end()}, frame);
}

tl::expected<std::size_t, std::string> DevicePort::receive(std::span<Frame> batch) {
  return queue_.hand_out(batch);
}

void DevicePort::finish(const Frame& frame, std::span<const std::uint8_t> leaving) {
  if (!leaving.empty()) send({leaving, frame.link, frame.time, static_cast<std::uint16_t>(frame.port ^ 1U)});
}

void DevicePort::send(const Departure& departure) {
  const int tun = kernels_->tun(departure.port == 0 ? End::client : End::server);
  // The device refuses what is no IP packet at all; so would the host.
  static_cast<void>(::write(tun, departure.bytes.data(), departure.bytes.size()));
}

void Link::Recorder::look(std::span<const std::uint8_t> leaving, Timestamp time, std::uint16_t port) {
  record(left, leaving, time, port);
  if (!engine) return;
  Bytes copy(leaving.begin(), leaving.end());
  const auto decoded = reassembly::decode(test::frame_of(copy, LinkType::raw_ip), {});
  if (const auto* malformed = std::get_if<reassembly::Malformed>(&decoded))
    unclean = name(joined(malformed->reason));
  const auto* segment = std::get_if<reassembly::Segment>(&decoded);
  if (segment == nullptr) return;
  const bool syn = segment->has(reassembly::TcpFlag::syn);
  const bool mptcp = segment->options.mp_capable || segment->options.mp_join;
  if (syn && (mptcp || segment->options.fast_open || !segment->payload.empty())) unclean = "SYN not stripped";
  if (segment->has(reassembly::TcpFlag::urg) || segment->urgent != 0) unclean = "urgent pointer";
}

void Link::Recorder::finish(const Frame& frame, std::span<const std::uint8_t> leaving) {
  if (!leaving.empty()) look(leaving, frame.time, frame.port ^ 1U);
  inner->finish(frame, leaving);
}

void Link::Recorder::send(const Departure& departure) {
  look(departure.bytes, departure.time, departure.port);
  inner->send(departure);
}

PipelineConfig Link::config_of(const Scenario& scenario, std::uint32_t history) {
  PipelineConfig config;
  config.wire.sides = true;
  config.blocks = 8192;
  config.islands = 16'384;
  config.flows.flows = 128;
  config.half_open.connections = 64;
  config.fragments = {.bytes = 1U << 20U, .datagrams = 64, .pieces = 512};
  config.session.history = history;
  config.session.probe_resets = scenario.probes;
  config.session.secret = scenario.seed;
  return config;
}

Link::Link(const Scenario& scenario, const KernelPair& kernels, oracle::Rules& rules, bool engine)
    : device_(kernels),
      faults_(device_, scenario.faults, scenario.network),
      forger_(faults_, scenario.forger, longest_stream(scenario), test::mixed(scenario.seed, 2)),
      recorder_(forger_) {
  recorder_.engine = engine;
  if (!engine) return;
  Inspector& inspector = rules.inspector(true);
  pipeline_ =
      std::make_unique<Pipeline>(config_of(scenario, inspector.window()), &inspector, *this, recorder_);
}

Link::~Link() {
  if (pipeline_) pipeline_->finish();
}

void Link::arrive(End from, std::span<const std::uint8_t> packet, Timestamp now) {
  device_.arrive(from, packet, now);
}

void Link::advance(Timestamp now) {
  now_ = now;
  faults_.advance(now);
  std::array<Frame, 64> batch;
  while (true) {
    const auto count = recorder_.receive(batch);
    if (!count || *count == 0) break;
    for (Frame& frame : std::span(batch).first(*count)) pass(frame);
  }
  if (pipeline_) pipeline_->advance(now + ahead_);
}

void Link::pass(Frame& frame) {
  frame.time = now_ + ahead_;
  frame.number = ++frames_;
  record(before_, frame.bytes, frame.time, frame.port);
  if (!pipeline_) return recorder_.finish(frame, frame.bytes);
  pipeline_->process(frame);
}

void Link::on_packet(const Packet& packet) {
  if (packet.kind == Packet::Kind::fragment) return;  // the datagram is told
  ++passage_.frames;
  if (packet.verdict.action != Action::forward && packet.verdict.action != Action::bypass)
    ++passage_.changed[packet.verdict.reason];
}

void Link::on_chunk(const Flow& flow, Direction direction, reassembly::StreamOffset /*offset*/,
                    std::span<const std::uint8_t> bytes) {
  const bool to_server = direction == Direction::to_server;
  const std::uint16_t from = (to_server ? flow.client() : flow.server()).port;
  const std::uint16_t to = (to_server ? flow.server() : flow.client()).port;
  auto found = std::find_if(scanned_.rbegin(), scanned_.rend(), [&](const ScannedStream& stream) {
    return stream.flow == flow.number && stream.source_port == from && stream.destination_port == to;
  });
  if (found == scanned_.rend()) {
    scanned_.push_back({flow.number, from, to, {}});
    found = scanned_.rbegin();
  }
  found->text.append(bytes.begin(), bytes.end());
}

void Link::on_made(Direction /*towards*/, reassembly::TcpFlags flags, std::size_t /*bytes*/) {
  if (flags.has(reassembly::TcpFlag::rst)) ++passage_.resets;
}

namespace {

struct Nowhere final : PacketPort {
  tl::expected<std::size_t, std::string> receive(std::span<Frame>) override { return 0; }
  void finish(const Frame&, std::span<const std::uint8_t>) override {}
  void send(const Departure&) override {}
};

}  // namespace

std::string transcript(const Scenario& scenario, oracle::Rules& rules, const std::vector<Recorded>& before) {
  std::string text;
  Transcript told([&](std::string_view line) { text += line; });
  Nowhere port;
  Inspector& inspector = rules.inspector(true);
  Pipeline pipeline(Link::config_of(scenario, inspector.window()), &inspector, told, port);
  std::uint64_t number = 0;
  for (const Recorded& recorded : before) {
    Bytes bytes = recorded.bytes;
    Frame frame = test::frame_of(bytes, LinkType::raw_ip);
    frame.time = recorded.time;
    frame.port = recorded.port;
    frame.number = ++number;
    text +=
        fmt::format("{:9.3f} ", std::chrono::duration<double>(recorded.time - before.front().time).count());
    const std::size_t length = text.size();
    pipeline.process(frame);
    if (text.size() == length) text += "\n";
  }
  pipeline.finish();
  return text;
}

}  // namespace lockstep::honest
