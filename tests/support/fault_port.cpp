#include "tests/support/fault_port.hpp"

#include "reassembly/wire.hpp"

namespace lockstep::test {

using reassembly::TcpFlag;

FaultStage::Kind FaultStage::kind_of(const reassembly::Segment& segment) {
  const std::uint32_t seq = segment.seq.value();
  const bool bare = segment.payload.empty() && segment.flags.bits == TcpFlag::ack;
  const bool same_ack = segment.ack.value() == last_ack_;
  const bool same_window = segment.window == last_window_;
  const std::uint32_t end = seq + segment.sequence_length();
  const bool left = bare && seq + 1 == next_;
  const bool one_byte = segment.payload.size() == 1;
  if (static_cast<std::int32_t>(end - next_) > 0 || segment.has(TcpFlag::syn)) next_ = end;
  last_ack_ = segment.ack.value();
  last_window_ = segment.window;
  if (left || one_byte) return Kind::probe;
  if (!bare) return Kind::other;
  return same_ack && !same_window ? Kind::update : Kind::ack;
}

bool FaultStage::never_comes(const reassembly::Segment& segment) {
  if (rates_.never == 0 || segment.payload.empty()) return false;
  if (++payloads_ == rates_.never) never_ = segment.seq.value();
  return never_ && *never_ - segment.seq.value() < segment.payload.size();
}

FaultStage::Fate FaultStage::fate_of(const Bytes& bytes) {
  Bytes copy = bytes;
  const auto decoded = reassembly::decode(frame_of(copy, LinkType::raw_ip), {});
  const auto* segment = std::get_if<reassembly::Segment>(&decoded);
  const Kind kind = segment != nullptr ? kind_of(*segment) : Kind::other;
  // As many numbers for every frame, so that the fate of one does not hang on that of another.
  const auto hits = [&](unsigned percent) { return random_.chance(percent); };
  const bool any = hits(rates_.loss);
  const bool ack = hits(rates_.ack_loss) && (kind == Kind::ack || kind == Kind::update);
  const bool update = hits(rates_.update_loss) && kind == Kind::update;
  const bool probe = hits(rates_.probe_loss) && kind == Kind::probe;
  const bool doubled = hits(rates_.doubled);
  const bool late = hits(rates_.late);
  const reassembly::Duration delay(1 + random_.below(static_cast<std::uint64_t>(rates_.latest.count())));
  if (segment != nullptr && never_comes(*segment)) return {.copies = 0};
  if ((any || ack || update || probe) && lost_ < rates_.in_a_row) {
    ++lost_;
    return {.copies = 0};
  }
  lost_ = 0;
  return {.copies = doubled ? 2U : 1U, .delay = late ? delay : reassembly::Duration::zero()};
}

FaultPort::FaultPort(PacketPort& inner, const Faults& faults, std::uint64_t seed)
    : inner_(&inner),
      fragment_(faults.fragment),
      before_{FaultStage(faults.before[0], mixed(seed, 0)), FaultStage(faults.before[1], mixed(seed, 1))},
      behind_{FaultStage(faults.behind[0], mixed(seed, 2)), FaultStage(faults.behind[1], mixed(seed, 3))} {}

void FaultPort::advance(Timestamp now) {
  now_ = now;
  for (const std::uint16_t port : {std::uint16_t{0}, std::uint16_t{1}}) {
    Frame as;
    as.link = LinkType::raw_ip;
    as.port = port;
    as.time = now;
    before_[port].release(now, [&](const Bytes& bytes) { queue_.push(bytes, as); });
    behind_[port].release(now, [&](const Bytes& bytes) {
      inner_->send({bytes, LinkType::raw_ip, now, port});
    });
  }
}

void FaultPort::take(const Frame& frame) {
  const Bytes whole(frame.bytes.begin(), frame.bytes.end());
  std::vector<Bytes> pieces{whole};
  constexpr std::size_t header = 20;
  if (fragment_ != 0 && whole[0] >> 4U == 4 && whole.size() > header + fragment_) {
    pieces = fragment_packet(whole, LinkType::raw_ip, {fragment_}, ++datagrams_);
  }
  for (const Bytes& piece : pieces) {
    before_[frame.port].pass(piece, now_, [&](const Bytes& bytes) { queue_.push(bytes, frame); });
  }
}

tl::expected<std::size_t, std::string> FaultPort::receive(std::span<Frame> batch) {
  auto count = inner_->receive(batch);
  if (!count) return count;
  for (const Frame& frame : batch.first(*count)) {
    take(frame);
    inner_->finish(frame, {});
  }
  return queue_.hand_out(batch);
}

void FaultPort::finish(const Frame& frame, std::span<const std::uint8_t> leaving) {
  if (leaving.empty()) return;
  send({leaving, frame.link, frame.time, static_cast<std::uint16_t>(frame.port ^ 1U)});
}

void FaultPort::send(const Departure& departure) {
  const std::uint16_t port = departure.port;
  behind_[port].pass({departure.bytes.begin(), departure.bytes.end()}, now_, [&](const Bytes& bytes) {
    inner_->send({bytes, departure.link, now_, port});
  });
}

}  // namespace lockstep::test
