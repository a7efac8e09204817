#include "tests/support/wire.hpp"

#include <stdexcept>

#include "engine/compile_rules.hpp"
#include "engine/inspector.hpp"
#include "engine/transcript.hpp"
#include "signatures/shadow.hpp"

namespace lockstep::test {
namespace {

// Tells a transcript and remembers the last packet.
class Recorder final : public Observer, public PacketPort {
 public:
  explicit Recorder(std::string& conversation)
      : transcript_([&conversation](std::string_view line) { conversation += line; }) {}

  void clear() {
    delivered.clear();
    left.clear();
    fired.clear();
    alerts.clear();
    resets = 0;
    told_to_leave = 0;
  }
  void on_arrival(const Packet& packet) override { transcript_.on_arrival(packet); }
  void on_packet(const Packet& packet) override {
    verdict = packet.verdict;
    events = packet.ruling.events;
    if (packet.flow != nullptr) flow = packet.flow;
    if (!packet.datagram && verdict.passes()) ++told_to_leave;
    for (const signatures::Match& match : packet.matches) fired.push_back(match.id.sid);
    if (packet.decision != nullptr) {
      for (const LoggedAlert& alert : packet.decision->alerts)
        alerts.push_back(packet.matches[alert.match].id.sid);
    }
    transcript_.on_packet(packet);
  }
  void on_chunk(const Flow& of, Direction direction, reassembly::StreamOffset offset,
                std::span<const std::uint8_t> bytes) override {
    delivered.append(bytes.begin(), bytes.end());
    transcript_.on_chunk(of, direction, offset, bytes);
  }
  void on_gap(const Flow& of, Direction direction, reassembly::StreamOffset from,
              reassembly::StreamOffset to) override {
    transcript_.on_gap(of, direction, from, to);
  }
  void on_late_matches(const LateMatches& late) override {
    for (const signatures::Match& match : late.matches) fired.push_back(match.id.sid);
    transcript_.on_late_matches(late);
  }
  void on_flow_end(const Flow& of, FlowEnd end, Timestamp now) override {
    if (flow == &of) flow = nullptr;
    transcript_.on_flow_end(of, end, now);
  }
  void on_made(Direction towards, reassembly::TcpFlags flags, std::size_t bytes) override {
    ++told_to_leave;
    if (flags.has(TcpFlag::rst)) ++resets;
    transcript_.on_made(towards, flags, bytes);
  }
  tl::expected<std::size_t, std::string> receive(std::span<Frame>) override { return 0; }
  void finish(const Frame&, std::span<const std::uint8_t> leaving) override {
    if (!leaving.empty()) left.emplace_back(leaving.begin(), leaving.end());
  }
  void send(const Departure& departure) override {
    made = left.emplace_back(departure.bytes.begin(), departure.bytes.end());
  }

  Verdict verdict;
  reassembly::StreamEvents events;
  const Flow* flow = nullptr;
  std::string delivered;
  std::vector<Bytes> left;
  std::vector<std::uint32_t> fired;
  std::vector<std::uint32_t> alerts;
  std::size_t resets = 0;
  std::size_t told_to_leave = 0;  // packets, fragments one by one
  Bytes made;                     // the last packet of the engine's own

 private:
  Transcript transcript_;
};

void put32(Bytes& bytes, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
}

signatures::ParsedRules parsed(const std::string& rules, const signatures::Names& earlier) {
  signatures::ParserSettings settings;
  settings.names = earlier;
  signatures::RuleParser parser(std::move(settings));
  parser.parse("test.rules", rules);
  signatures::ParsedRules all = std::move(parser).finish();
  if (!all.report.failed.empty() || !all.report.skipped.empty())
    throw std::invalid_argument(all.report.account(signatures::LoadReport::Detail::totals));
  return all;
}

std::shared_ptr<const RuleGeneration> generation_of(signatures::ParsedRules rules, std::uint64_t number) {
  auto generation = compile_rules({std::move(rules), {}}, Settings{}, number);
  if (!generation) throw std::invalid_argument(generation.error().front());
  return *generation;
}

}  // namespace

struct Wire::State {
  explicit State(WireOptions wanted) : options(std::move(wanted)), recorder(conversation) {
    PipelineConfig config;
    config.blocks = 1024;
    config.islands = 1024;
    config.flows.flows = 64;
    config.half_open.connections = 64;
    config.fragments.bytes = 1U << 18U;
    config.session.captured_hosts = options.captured_hosts;
    config.wire.sides = options.sides;
    if (options.configure) options.configure(config);
    if (!options.rules.empty()) {
      inspector.emplace(Inspector::make(generation_of(parsed(options.rules, {}), 1), hosts,
                                        {.enforce = config.enforcing}, options.tls)
                            .value());
      config.session.history = inspector->window();
    }
    enforcing = config.enforcing;
    pipeline = std::make_unique<Pipeline>(config, inspector ? &*inspector : nullptr, recorder, recorder);
    isn = {options.client_isn, options.server_isn};
  }

  // What is counted as having left has left. (Observing, fragments leave before their datagram is told.)
  void check_departures() const {
    INFO(conversation);
    if (enforcing) CHECK(recorder.left.size() == recorder.told_to_leave);
  }

  WireOptions options;
  bool enforcing = true;
  std::string conversation;
  Recorder recorder;
  HostTable hosts{{}, replay_hash_seed};
  std::optional<Inspector> inspector;
  std::unique_ptr<Pipeline> pipeline;
  std::array<std::uint32_t, 2> isn{};                       // client, server
  std::array<std::int64_t, 2> next{};                       // relative number of what each sends next
  std::array<std::optional<std::uint32_t>, 2> timestamp{};  // that each sent last
  std::uint64_t frames = 0;
  std::uint32_t datagrams = 0;
  Bytes sent;
  Timestamp now{std::chrono::seconds(1'000'000'000)};
};

Wire::Wire(WireOptions options) : state_(std::make_unique<State>(std::move(options))) {}
Wire::~Wire() = default;

Wire::Wire(WireOptions options, Established) : Wire(std::move(options)) {
  client.syns().passes();
  server.syn_acks().passes();
  client.acks().passes();
}

void Wire::wait(Duration duration) {
  state_->now += duration;
  state_->recorder.clear();
  state_->pipeline->advance(state_->now);
  state_->check_departures();
}

const Flow& Wire::flow() const {
  REQUIRE(state_->recorder.flow != nullptr);
  return *state_->recorder.flow;
}

Pipeline& Wire::pipeline() {
  return *state_->pipeline;
}
Wire::Own Wire::own() const {
  Bytes bytes = state_->recorder.made;
  reassembly::Frame frame;
  frame.bytes = bytes;
  frame.wire_length = static_cast<std::uint32_t>(bytes.size());
  const auto decoded = reassembly::decode(frame, {});
  const auto* segment = std::get_if<reassembly::Segment>(&decoded);
  REQUIRE(segment != nullptr);
  const std::size_t side = segment->source.port < segment->destination.port ? 1 : 0;
  return {to_string(segment->flags), static_cast<std::int32_t>(segment->seq.value() - state_->isn[side]),
          static_cast<std::int32_t>(segment->ack.value() - state_->isn[1 - side])};
}

const std::vector<std::uint32_t>& Wire::fired() const {
  return state_->recorder.fired;
}
const std::vector<std::uint32_t>& Wire::alerts() const {
  return state_->recorder.alerts;
}
void Wire::reload(const std::string& rules) {
  reload(rules, "");
}
void Wire::reload(const std::string& rules, const std::string& shadows) {
  const signatures::RuleSet& set = *state_->inspector->generation().set;
  signatures::ParsedRules all = parsed(rules, set.names());
  signatures::ParsedRules more = parsed(shadows, all.names);
  signatures::make_shadows(more.rules, more.names);
  all.names = std::move(more.names);
  all.rules.insert(all.rules.end(), more.rules.begin(), more.rules.end());
  const auto adopted = state_->pipeline->adopt(generation_of(std::move(all), set.generation() + 1));
  REQUIRE(adopted.has_value());
}
void Wire::end() {
  state_->recorder.clear();
  state_->pipeline->finish();
  state_->check_departures();
}
std::size_t Wire::resets() const {
  return state_->recorder.resets;
}

Sent Peer::sends(const std::string& payload, const Override& over, int line) {
  return transmit(TcpFlag::ack | TcpFlag::psh, payload, over, line);
}
Sent Peer::acks(const Override& over, int line) {
  return transmit(TcpFlag::ack, "", over, line);
}
Sent Peer::fins(const Override& over, int line) {
  return transmit(TcpFlag::ack | TcpFlag::fin, "", over, line);
}
Sent Peer::resets(const Override& over, int line) {
  return transmit(TcpFlag::rst, "", over, line);
}
Sent Peer::syns(const Override& over, int line) {
  return transmit(TcpFlag::syn, "", over, line);
}
Sent Peer::syn_acks(const Override& over, int line) {
  return transmit(TcpFlag::syn | TcpFlag::ack, "", over, line);
}

Sent Peer::returns(int line) {
  Wire::State& state = *wire_->state_;
  REQUIRE_FALSE(state.recorder.left.empty());
  Bytes bytes = state.recorder.left.front();
  --bytes[14 + (state.options.ipv6 ? 7 : 8)];  // the router's hop
  state.sent = bytes;
  state.now += std::chrono::milliseconds(1);
  reassembly::Frame frame = frame_of(bytes);
  frame.time = state.now;
  frame.port = is_client_ ? 1 : 0;
  frame.number = ++state.frames;
  state.recorder.clear();
  state.pipeline->process(frame);
  state.check_departures();
  return {*wire_, line};
}

Sent Peer::transmit(int flags, const std::string& payload, const Override& over, int line) {
  Wire::State& state = *wire_->state_;
  const std::size_t self = is_client_ ? 0 : 1;
  const std::size_t peer = 1 - self;
  flags = over.flags.value_or(flags);
  const bool syn = (flags & TcpFlag::syn) != 0;
  const std::int64_t seq = over.seq.value_or(syn ? 0 : state.next[self]);
  const std::int64_t ack = over.ack.value_or(state.next[peer]);
  state.now += std::chrono::milliseconds(1);

  PacketSpec spec;
  spec.source = state.options.ipv6 ? (is_client_ ? "2001:db8::1" : "2001:db8::2")
                                   : (is_client_ ? "10.0.0.1" : "10.0.0.2");
  spec.destination = state.options.ipv6 ? (is_client_ ? "2001:db8::2" : "2001:db8::1")
                                        : (is_client_ ? "10.0.0.2" : "10.0.0.1");
  spec.source_port = is_client_ ? 40000 : 80;
  spec.destination_port = is_client_ ? 80 : 40000;
  spec.seq = over.isn.value_or(state.isn[self]) + static_cast<std::uint32_t>(seq);
  const bool acknowledges = (flags & TcpFlag::ack) != 0 || over.ack;
  spec.ack = acknowledges ? state.isn[peer] + static_cast<std::uint32_t>(ack) : 0;
  spec.flags = flags;
  spec.window = over.window.value_or(state.options.window);
  spec.urgent = over.urgent;
  spec.tcp_checksum = over.tcp_checksum;
  spec.payload = payload;
  spec.options = over.options;
  if (syn) {
    spec.options.insert(spec.options.end(), {2, 4, 5, 180});
    if (state.options.sack) spec.options.insert(spec.options.end(), {4, 2});
    if (state.options.window_scale)
      spec.options.insert(spec.options.end(), {3, 3, *state.options.window_scale});
  }
  if (state.options.timestamps && !over.no_timestamps && (flags & TcpFlag::rst) == 0) {
    const auto ticks = static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(state.now.time_since_epoch()).count());
    spec.options.insert(spec.options.end(), {8, 10});
    const std::uint32_t value = over.tsval.value_or(ticks);
    put32(spec.options, value);
    put32(spec.options, over.tsecr.value_or(acknowledges ? state.timestamp[peer].value_or(ticks - 1) : 0));
    if (honest_) state.timestamp[self] = value;
  }
  state.sent = build_packet(spec);
  state.recorder.clear();
  std::vector<Bytes> pieces{state.sent};
  if (over.fragment != 0)
    pieces = fragment_packet(state.sent, LinkType::ethernet, {over.fragment}, ++state.datagrams);
  for (Bytes& bytes : pieces) {
    reassembly::Frame frame = frame_of(bytes);
    frame.time = state.now;
    frame.port = is_client_ == over.other_side ? 1 : 0;
    frame.number = ++state.frames;
    state.pipeline->process(frame);
  }
  state.check_departures();
  if (honest_) {
    if (over.isn) state.isn[self] = *over.isn;
    const std::int64_t end = seq + static_cast<std::int64_t>(payload.size()) + (syn ? 1 : 0) +
                             ((flags & TcpFlag::fin) != 0 ? 1 : 0);
    if ((flags & TcpFlag::rst) == 0) state.next[self] = syn ? end : std::max(state.next[self], end);
  }
  return {*wire_, line};
}

void Sent::check(bool holds, const std::string& what) const {
  INFO("line " << line_ << " expects: " << what << "\n" << wire_->state_->conversation);
  CHECK(holds);
}

const Sent& Sent::passes() const {
  const auto& recorder = wire_->state_->recorder;
  check(recorder.verdict.action == Action::forward && recorder.left.size() == 1 &&
            recorder.left.front() == wire_->state_->sent,
        "passes unchanged");
  return *this;
}

const Sent& Sent::passes_as(Reason reason) const {
  const auto& recorder = wire_->state_->recorder;
  check(recorder.verdict.action == Action::rewrite && recorder.verdict.reason == reason &&
            recorder.left.size() == 1,
        "passes as " + std::string(name(reason)));
  return *this;
}

const Sent& Sent::drops(Reason reason) const {
  const auto& verdict = wire_->state_->recorder.verdict;
  check(verdict.action == Action::drop && verdict.reason == reason, "drops: " + std::string(name(reason)));
  return *this;
}

const Sent& Sent::drops_flow(Reason reason) const {
  const auto& verdict = wire_->state_->recorder.verdict;
  check(verdict.action == Action::drop_flow && verdict.reason == reason,
        "drops the flow: " + std::string(name(reason)));
  return *this;
}

const Sent& Sent::delivers(const std::string& text) const {
  check(wire_->state_->recorder.delivered == text, "delivers \"" + text + "\"");
  return *this;
}

const Sent& Sent::carries(const std::string& payload) const {
  const auto& left = wire_->state_->recorder.left;
  check(!left.empty(), "leaves the device");
  if (left.empty()) return *this;
  Bytes bytes = left.front();
  const auto decoded = reassembly::decode(frame_of(bytes), {});
  const auto* segment = std::get_if<reassembly::Segment>(&decoded);
  check(segment != nullptr, "leaves whole, with right checksums");
  if (segment == nullptr) return *this;
  check(std::string(segment->payload.begin(), segment->payload.end()) == payload,
        "carries \"" + payload + "\"");
  return *this;
}

const Sent& Sent::leaves_flags(const std::string& flags) const {
  const auto& left = wire_->state_->recorder.left;
  check(!left.empty(), "leaves the device");
  if (left.empty()) return *this;
  Bytes bytes = left.front();
  const auto decoded = reassembly::decode(frame_of(bytes), {});
  const auto* segment = std::get_if<reassembly::Segment>(&decoded);
  check(segment != nullptr && to_string(segment->flags) == flags, "leaves with flags " + flags);
  return *this;
}

const Sent& Sent::leaves_seq(std::int64_t seq) const {
  Bytes bytes = wire_->state_->recorder.left.empty() ? Bytes{} : wire_->state_->recorder.left.front();
  const auto decoded = reassembly::decode(frame_of(bytes), {});
  const auto* segment = std::get_if<reassembly::Segment>(&decoded);
  const bool client = segment != nullptr && segment->destination.port == 80;
  check(segment != nullptr &&
            segment->seq.value() - wire_->state_->isn[client ? 0 : 1] == static_cast<std::uint32_t>(seq),
        "leaves with sequence number " + std::to_string(seq));
  return *this;
}

const Sent& Sent::raises(StreamEvent event) const {
  check(wire_->state_->recorder.events.has(event), "raises " + std::string(name(event)));
  return *this;
}

const Sent& Sent::causes_resets(std::size_t count) const {
  check(wire_->state_->recorder.resets == count, "causes resets: " + std::to_string(count));
  return *this;
}

const Sent& Sent::fires(const std::vector<std::uint32_t>& sids) const {
  std::string text;
  for (const std::uint32_t sid : sids) text += " " + std::to_string(sid);
  check(wire_->state_->recorder.fired == sids, "fires:" + text);
  return *this;
}

}  // namespace lockstep::test
