#include "tests/engine/crowd.hpp"

#include <arpa/inet.h>

namespace lockstep::test {
namespace {

constexpr std::uint32_t server_isn = 1'000'000;
constexpr const char* server_address = "192.0.2.1";

PacketSpec reversed(const PacketSpec& spec) {
  PacketSpec back;
  back.source = spec.destination;
  back.destination = spec.source;
  back.source_port = spec.destination_port;
  back.destination_port = spec.source_port;
  return back;
}

std::string text_of(const reassembly::Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(address.version == 4 ? AF_INET : AF_INET6, address.bytes.data(), text.data(), text.size());
  return text.data();
}

}  // namespace

void HostModel::take(std::size_t at, std::string bytes) {
  if (at > read.size()) {
    waiting.emplace(at, std::move(bytes));
    return;
  }
  if (at + bytes.size() <= read.size()) return;
  read += bytes.substr(read.size() - at);
  const auto next = waiting.begin();
  if (next != waiting.end() && next->first <= read.size()) {
    auto node = waiting.extract(next);
    return take(node.key(), std::move(node.mapped()));
  }
}

Crowd::Crowd(PipelineConfig config) {
  config.wire.sides = true;
  pipeline_ = std::make_unique<Pipeline>(config, nullptr, *this, *this);
}

Crowd::~Crowd() {
  pipeline_->finish();
}

Verdict Crowd::send(const PacketSpec& spec, std::uint16_t port) {
  return send_frame(build_packet(spec), port);
}

Verdict Crowd::send_frame(Bytes bytes, std::uint16_t port) {
  now_ += std::chrono::microseconds(10);
  Frame frame = frame_of(bytes);
  frame.time = now_;
  frame.port = port;
  frame.number = ++frames_;
  verdict_ = {};
  pipeline_->process(frame);
  return verdict_;
}

void Crowd::open(const PacketSpec& client) {
  PacketSpec out = client;
  out.flags = TcpFlag::syn;
  from_outside(out);
  PacketSpec back = reversed(client);
  back.flags = TcpFlag::syn | TcpFlag::ack;
  back.seq = server_isn;
  back.ack = client.seq + 1;
  from_inside(back);
  out.flags = TcpFlag::ack;
  out.seq = client.seq + 1;
  out.ack = server_isn + 1;
  from_outside(out);
}

void Crowd::wait(Duration duration) {
  const Timestamp end = now_ + duration;
  const Duration step = std::max<Duration>(duration / 1000, std::chrono::milliseconds(100));
  while (now_ < end) pipeline_->advance(now_ = std::min(now_ + step, end));
  for (int i = 0; i < 20'000; ++i) pipeline_->advance(now_ += std::chrono::microseconds(1));  // the backlog
}

std::size_t Crowd::unseen() const {
  std::size_t sum = 0;
  for (const auto& [key, host] : hosts_) sum += host.unseen;
  return sum;
}

Crowd::Key Crowd::key_of(const reassembly::Endpoint& from, const reassembly::Endpoint& to) {
  return {text_of(from.address), from.port, text_of(to.address), to.port};
}

void Crowd::on_chunk(const Flow& flow, Direction direction, reassembly::StreamOffset offset,
                     std::span<const std::uint8_t> bytes) {
  const bool to_server = direction == Direction::to_server;
  const auto found =
      hosts_.find(to_server ? key_of(flow.client(), flow.server()) : key_of(flow.server(), flow.client()));
  if (found == hosts_.end()) return;
  HostModel& host = found->second;
  const std::size_t at = flow.session.receiver(direction).to_seq(offset).value() - host.first;
  host.scanned.resize(std::max(host.scanned.size(), at + bytes.size()));
  std::copy(bytes.begin(), bytes.end(), host.scanned.begin() + static_cast<std::ptrdiff_t>(at));
}

void Crowd::finish(const Frame& frame, std::span<const std::uint8_t> leaving) {
  static_cast<void>(frame);
  if (!leaving.empty()) arrives(leaving);
}

void Crowd::send(const Departure& departure) {
  ++resets_;
  arrives(departure.bytes);
}

void Crowd::arrives(std::span<const std::uint8_t> bytes) {
  Bytes copy(bytes.begin(), bytes.end());
  const auto decoded = reassembly::decode(frame_of(copy), {});
  const auto* segment = std::get_if<reassembly::Segment>(&decoded);
  if (segment == nullptr) return;
  const Key key = key_of(segment->source, segment->destination);
  if (segment->has(TcpFlag::syn)) hosts_.try_emplace(key).first->second.first = segment->seq.plus(1).value();
  const auto found = hosts_.find(key);
  if (found == hosts_.end()) return;
  HostModel& host = found->second;
  if (host.reset) return;
  if (segment->has(TcpFlag::rst)) {
    host.reset = !host.deaf && segment->seq.value() == host.rcv_nxt();
    return;
  }
  const std::size_t before = host.read.size();
  const auto at = static_cast<std::size_t>(segment->seq.value() - host.first);
  if (!segment->payload.empty()) host.take(at, {segment->payload.begin(), segment->payload.end()});
  for (std::size_t i = before; i < host.read.size(); ++i) {
    if (i >= host.scanned.size() || host.scanned[i] != host.read[i]) ++host.unseen;
  }
}

Honest::Honest(Crowd& crowd, const std::string& address, std::uint16_t port)
    : crowd_(&crowd), address_(address), port_(port) {}

PacketSpec Honest::spec(int flags) const {
  PacketSpec spec;
  spec.source = address_;
  spec.destination = server_address;
  spec.source_port = port_;
  spec.flags = flags;
  spec.seq = 1;
  spec.ack = server_isn + 1;
  return spec;
}

PacketSpec Honest::answer(int flags) const {
  PacketSpec back = reversed(spec(0));
  back.flags = flags;
  back.seq = server_isn + 1;
  return back;
}

bool Honest::opens(int tries) {
  for (int i = 0; i < tries; ++i) {
    PacketSpec syn = spec(TcpFlag::syn);
    syn.seq = 0;
    syn.ack = 0;
    if (!crowd_->from_outside(syn).passes()) continue;
    PacketSpec syn_ack = answer(TcpFlag::syn | TcpFlag::ack);
    syn_ack.seq = server_isn;
    syn_ack.ack = 1;
    if (!crowd_->from_inside(syn_ack).passes()) continue;
    if (crowd_->from_outside(spec(TcpFlag::ack)).passes()) return true;
  }
  return false;
}

bool Honest::segment(std::size_t from, std::size_t to) {
  PacketSpec data = spec(TcpFlag::ack | TcpFlag::psh);
  data.seq = static_cast<std::uint32_t>(1 + from);
  data.payload = sent_.substr(from, to - from);
  return crowd_->from_outside(data).passes();
}

bool Honest::sends(std::size_t size, bool late) {
  constexpr std::size_t mss = 500;
  const std::size_t begin = sent_.size();
  for (std::size_t i = 0; i < size; ++i) sent_ += static_cast<char>('a' + (begin + i) % 23);
  HostModel& server = crowd_->host(spec(0));
  bool reordered = false;
  for (int tries = 0; tries < 4 && server.read.size() < sent_.size();) {
    const std::size_t at = server.read.size();
    if (late && !reordered) segment(std::min(at + mss, sent_.size()), std::min(at + 2 * mss, sent_.size()));
    reordered = late;
    segment(at, std::min(at + mss, sent_.size()));
    PacketSpec ack = answer(TcpFlag::ack);
    ack.ack = server.rcv_nxt();
    crowd_->from_inside(ack);
    const bool progress = server.read.size() > at;
    tries = progress ? 0 : tries + 1;
    reordered = reordered && !progress;
  }
  return server.read.size() == sent_.size();
}

void Honest::closes() {
  PacketSpec fin = spec(TcpFlag::ack | TcpFlag::fin);
  fin.seq = static_cast<std::uint32_t>(1 + sent_.size());
  crowd_->from_outside(fin);
  PacketSpec back = answer(TcpFlag::ack | TcpFlag::fin);
  back.ack = fin.seq + 1;
  crowd_->from_inside(back);
  PacketSpec last = spec(TcpFlag::ack);
  last.seq = fin.seq + 1;
  last.ack = server_isn + 2;
  crowd_->from_outside(last);
}

bool Honest::whole() {
  const HostModel& server = crowd_->host(spec(0));
  return server.read == sent_ && !server.reset && !crowd_->host(answer(0)).reset;
}

}  // namespace lockstep::test
