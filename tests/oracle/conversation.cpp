#include "tests/oracle/conversation.hpp"

#include <algorithm>
#include <cerrno>
#include <thread>

#include <fmt/format.h>
#include <netinet/tcp.h>

#include "reassembly/wire.hpp"

namespace lockstep::oracle {
namespace {

using reassembly::Segment;
using reassembly::TcpFlag;

// Addresses that no conversation of this process used before: the host may remember what went before.
Endpoints new_endpoints(const Scenario& scenario) {
  static std::uint32_t counter = 0;
  ++counter;
  Endpoints ends;
  ends.peer = scenario.ipv6 ? fmt::format("fd00::1:{:x}:{:x}", counter >> 16U & 0xffffU, counter & 0xffffU)
                            : fmt::format("10.{}.{}.{}", 1 + (counter >> 16U) % 254, counter >> 8U & 255U,
                                          counter & 255U);
  ends.host = scenario.ipv6 ? HostAddress::v6 : HostAddress::v4;
  ends.peer_port = static_cast<std::uint16_t>(scenario.host_connects ? 8080 : 20000 + counter % 40000);
  ends.host_port = static_cast<std::uint16_t>(scenario.service);
  return ends;
}

// More than any honest stream needs, so that one that takes too long is told by its rounds.
constexpr int most_rounds = 60;

// Flags, and what it acknowledges, counted from the peer's SYN.
std::string brief(const Segment& segment, std::uint32_t isn) {
  if (!segment.has(TcpFlag::ack)) return to_string(segment.flags);
  return fmt::format("{}/{}", to_string(segment.flags), static_cast<std::int32_t>(segment.ack.value() - isn));
}

class Conversation {
 public:
  Conversation(const Scenario& scenario, Mode mode, KernelHost& host, Rules& rules, Record* record)
      : scenario_(&scenario),
        mode_(mode),
        host_(&host),
        record_(record),
        peer_(scenario, new_endpoints(scenario)) {
    if (mode != Mode::direct)
      tap_.emplace(rules, mode == Mode::enforce, mode == Mode::enforce && !scenario.honest && scenario.tight,
                   scenario.ipv6);
    if (tap_ && record != nullptr) tap_->keep_transcript(record->transcript);
    while (!host_->next_packet().empty()) {
    }
    static_cast<void>(host_->accept());
  }

  Outcome run() {
    for (const Step& step : scenario_->steps) take(step);
    accept();
    for (Socket& socket : sockets_) read(socket);
    finish();
    return std::move(outcome_);
  }

 private:
  struct Socket {
    HostSocket socket;
    std::uint32_t first;  // sequence number of the first byte of its stream
    std::size_t checked = 0;
    std::optional<std::size_t> unscanned{};
    std::optional<bool> told{};  // once it is closed: had something gone out that may have reset it?
  };
  // A SYN that the peer sent.
  struct Offer {
    std::uint32_t seq;
    std::uint32_t length;
  };

  void take(const Step& step);
  void transmit(const Step& step);
  void to_host(const Bytes& frame, const Step& step);
  void leave(const std::vector<EngineTap::Departing>& departing, const Step& step);
  void drain(const Step& step);
  void look_for_resets();
  void from_host(const Bytes& packet, const Step& step);
  void arrive(const Bytes& packet);
  void catch_up(const Step& step);
  void accept();
  void read(Socket& socket);
  void finish();
  void note(const std::string& line) {
    if (record_ != nullptr) record_->transcript += line + "\n";
  }
  [[nodiscard]] std::uint32_t ticks() const {
    return static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch()).count());
  }

  const Scenario* scenario_;
  Mode mode_;
  KernelHost* host_;
  Record* record_;
  std::optional<EngineTap> tap_;
  Peer peer_;
  std::vector<Socket> sockets_;
  std::vector<Offer> offers_;
  std::optional<std::uint32_t>
      host_first_;  // the first byte that it awaits, by its last SYN-ACK, or by its first ACK if it connects
  Timestamp now_{std::chrono::seconds(1'790'000'000)};
  Outcome outcome_;
};

void Conversation::take(const Step& step) {
  if (record_ != nullptr) record_->steps.emplace_back();
  switch (step.kind) {
    case Step::Kind::packet:
      transmit(step);
      break;
    case Step::Kind::catch_up:
      return catch_up(step);
    case Step::Kind::reads:
      accept();
      for (Socket& socket : sockets_) read(socket);
      break;
    case Step::Kind::writes: {
      accept();
      if (sockets_.empty()) break;
      const std::string text(step.size, static_cast<char>('0' + outcome_.written.size() % 10));
      outcome_.written += text;
      sockets_.back().socket.write(text);
      break;
    }
    case Step::Kind::half_closes:
      accept();
      if (!sockets_.empty()) sockets_.back().socket.half_close();
      break;
    case Step::Kind::closes:
      accept();
      if (sockets_.empty()) break;
      read(sockets_.back());
      sockets_.back().socket.close();
      break;
    case Step::Kind::keeps_urgent:
      accept();
      if (!sockets_.empty()) sockets_.back().socket.keep_urgent_in_line();
      break;
    case Step::Kind::pauses:
      now_ += std::chrono::milliseconds(step.size);
      if (tap_) leave(tap_->advance(now_), step);
      if (tap_ && record_ != nullptr && !tap_->told().empty())
        record_->steps.back().verdicts.push_back(tap_->told());
      break;
    case Step::Kind::sleeps:
      std::this_thread::sleep_for(std::chrono::milliseconds(step.size));
      break;
    case Step::Kind::reopens:
      peer_.reopen(peer_.isn() + static_cast<std::uint32_t>(step.seq));
      break;
    case Step::Kind::connects:
      if (auto socket = host_->connect(peer_.ends().peer, peer_.ends().peer_port,
                                       scenario_->service == Service::small_window)) {
        peer_.set_host_port(socket->own_port());
        sockets_.push_back({std::move(*socket), 0});
      }
      break;
  }
  if (step.kind != Step::Kind::packet) note("       -- " + to_string(step));
  drain(step);
}

void Conversation::transmit(const Step& step) {
  // An honest peer heeds the window; what it keeps back comes with the repeats.
  const bool ahead = step.seq + static_cast<std::int64_t>(step.payload.size()) > peer_.edge();
  if (scenario_->honest && !step.forged && step.payload.size() > 1 && ahead) {
    if (step.seq >= peer_.edge()) return;
    Step front = step;
    front.payload.resize(static_cast<std::size_t>(peer_.edge() - step.seq));
    return transmit(front);
  }
  // A forger has nothing to know behind the stream's end: there the host would take what he makes up.
  const auto whole = static_cast<std::int64_t>(scenario_->stream.size());
  if (step.known != 0 && peer_.edge() > whole) return;
  for (const Bytes& frame : peer_.build(step, ticks())) {
    now_ += std::chrono::milliseconds(1);
    if ((step.flags & (TcpFlag::syn | TcpFlag::ack | TcpFlag::rst | TcpFlag::fin)) == TcpFlag::syn) {
      const std::uint32_t seq =
          peer_.isn() + static_cast<std::uint32_t>(step.seq) + (step.from == From::isn ? 0 : 1);
      offers_.push_back({seq, static_cast<std::uint32_t>(step.payload.size())});
    }
    if (!step.lost_before) to_host(frame, step);
    drain(step);
  }
}

void Conversation::to_host(const Bytes& frame, const Step& step) {
  if (record_ != nullptr) record_->packets.push_back({now_, frame});
  if (!tap_) {
    if (!step.lost) host_->deliver(frame);
    return;
  }
  auto departing = tap_->process(frame, Side::peer, now_);
  if (record_ != nullptr) record_->steps.back().verdicts.push_back(tap_->told());
  if (mode_ == Mode::observe) {
    if (!step.lost) host_->deliver(frame);
    return;
  }
  if (scenario_->honest && !step.forged) {
    ++outcome_.honest_packets;
    if (!tap_->left_unchanged()) ++outcome_.honest_changed[tap_->last_reason()];
  }
  leave(departing, step);
}

void Conversation::leave(const std::vector<EngineTap::Departing>& departing, const Step& step) {
  if (mode_ != Mode::enforce) return;
  for (const auto& [to, bytes] : departing) {
    if (to == Side::peer) {
      if (!step.answers_lost_late) arrive(bytes);
    } else if (!step.lost) {
      host_->deliver(bytes);
    }
  }
}

void Conversation::drain(const Step& step) {
  while (true) {
    const auto packet = host_->next_packet();
    if (packet.empty()) break;
    from_host({packet.begin(), packet.end()}, step);
  }
  if (mode_ == Mode::enforce) look_for_resets();
}

// Closed since the last look: the engine must have known that it may be. Later resets of its own prove
// nothing.
void Conversation::look_for_resets() {
  for (Socket& socket : sockets_) {
    if (!socket.told && socket.socket.was_reset()) socket.told = tap_->may_have_reset();
  }
}

void Conversation::from_host(const Bytes& packet, const Step& step) {
  Bytes copy = packet;
  const auto decoded = reassembly::decode(test::frame_of(copy, LinkType::raw_ip), {});
  const auto* segment = std::get_if<Segment>(&decoded);
  if (segment == nullptr || to_string(segment->destination.address) != peer_.ends().peer ||
      segment->destination.port != peer_.ends().peer_port || segment->source.port != peer_.ends().host_port) {
    return;  // of an earlier conversation
  }
  if (segment->has(TcpFlag::ack) && !segment->has(TcpFlag::rst)) {
    const bool first = scenario_->host_connects ? !host_first_ : segment->has(TcpFlag::syn);
    if (first) {
      accept();  // what was completed under the number before
      host_first_ = segment->ack.value();
      // It may have taken the SYN's payload (TCP Fast Open).
      for (const Offer& offer : offers_) {
        if (!scenario_->host_connects && offer.seq + 1 + offer.length == segment->ack.value())
          host_first_ = offer.seq + 1;
      }
    }
  }
  now_ += std::chrono::microseconds(100);
  if (record_ != nullptr) {
    record_->packets.push_back({now_, packet});
    if (!record_->steps.empty()) record_->steps.back().answers.push_back(brief(*segment, peer_.isn()));
  }
  if (step.answers_lost) return note("       -- the host's answer is lost");
  const bool arrives = !step.answers_lost_late;
  if (!arrives) note("       -- the host's answer is lost beyond the engine");
  if (!tap_) return arrives ? arrive(packet) : void();
  auto departing = tap_->process(packet, Side::host, now_);
  if (record_ != nullptr && !record_->steps.empty() && tap_->told() != "forward")
    record_->steps.back().verdicts.push_back(
        fmt::format("(host's {}: {})", to_string(segment->flags), tap_->told()));
  if (mode_ == Mode::observe) return arrives ? arrive(packet) : void();
  leave(departing, step);
}

void Conversation::arrive(const Bytes& packet) {
  Bytes copy = packet;
  const auto decoded = reassembly::decode(test::frame_of(copy, LinkType::raw_ip), {});
  if (const auto* segment = std::get_if<Segment>(&decoded)) peer_.learn(*segment);
}

// As an honest peer would: the host lacks what it does not acknowledge, at a closed window one byte is sent.
void Conversation::catch_up(const Step& step) {
  const auto whole = static_cast<std::int64_t>(scenario_->stream.size());
  for (int round = 0; round < most_rounds && peer_.handshaken() && !peer_.was_reset(); ++round) {
    const std::int64_t acked = std::max<std::int64_t>(peer_.acked(), 0);
    if (acked >= whole) break;
    ++outcome_.rounds;
    const std::int64_t end = std::clamp(peer_.edge(), acked + 1, whole);
    for (std::int64_t at = acked; at < end;) {
      Step segment;
      segment.seq = at;
      const std::int64_t length = std::min<std::int64_t>(step.size, end - at);
      segment.payload =
          scenario_->stream.substr(static_cast<std::size_t>(at), static_cast<std::size_t>(length));
      segment.flags = TcpFlag::ack | TcpFlag::psh;
      transmit(segment);
      at += length;
    }
    accept();
    for (Socket& socket : sockets_) read(socket);
    drain(step);
  }
}

void Conversation::accept() {
  if (scenario_->host_connects) {
    if (!sockets_.empty()) sockets_.front().first = host_first_.value_or(0);
    return;
  }
  for (HostSocket& socket : host_->accept()) {
    if (socket.peer() != peer_.ends().peer || socket.peer_port() != peer_.ends().peer_port) continue;
    sockets_.push_back({std::move(socket), host_first_.value_or(0)});
  }
}

void Conversation::read(Socket& socket) {
  const std::size_t before = socket.socket.text().size();
  if (!socket.socket.read()) return;
  const std::string& text = socket.socket.text();
  for (; tap_ && socket.checked < text.size() && !socket.unscanned; ++socket.checked) {
    const auto seq = socket.first + static_cast<std::uint32_t>(socket.checked);
    if (!tap_->scanned(seq, static_cast<std::uint8_t>(text[socket.checked])))
      socket.unscanned = socket.checked;
  }
  if (record_ != nullptr) {
    const std::span<const std::uint8_t> all(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
    note("       -- the application reads " + quoted(all.subspan(before), 80));
  }
}

void Conversation::finish() {
  for (const Socket& socket : sockets_) {
    const HostSocket& host = socket.socket;
    outcome_.readings.push_back({host.text(), host.ended(), host.error(), host.state(), socket.unscanned});
    outcome_.reset_untold = outcome_.reset_untold || !socket.told.value_or(true);
  }
  outcome_.received = peer_.received();
  outcome_.acked = peer_.acked();
  if (!tap_) return;
  outcome_.alerted = tap_->alerted();
  outcome_.reported = tap_->reported();
  outcome_.gave_up = tap_->gave_up();
  outcome_.unclean = tap_->unclean();
}

}  // namespace

std::string_view name(Mode mode) {
  switch (mode) {
    case Mode::direct:
      return "direct";
    case Mode::observe:
      return "observe";
    case Mode::enforce:
      return "enforce";
  }
  return "direct";
}

bool Outcome::delivered() const {
  return std::any_of(readings.begin(), readings.end(), [](const Reading& reading) {
    return reading.text.find(signature) != std::string::npos;
  });
}

Outcome play(const Scenario& scenario, Mode mode, KernelHost& host, Rules& rules, Record* record) {
  return Conversation(scenario, mode, host, rules, record).run();
}

}  // namespace lockstep::oracle
