// Session: connections met in their middle.
#include "reassembly/rulings.hpp"
#include "reassembly/session.hpp"

namespace lockstep::reassembly {

Session Session::adopt(BytePool& pool, const SessionLimits& limits, const Segment& segment,
                       Direction direction) {
  Session session(pool, limits);
  session.adopted_ = session.established_ = true;
  session.md5_ = segment.options.md5;
  session.ao_ = segment.options.ao;
  session.sack_ = true;
  HostMirror& to = session.mirror(direction);
  to.first = segment.seq.plus(segment.has(TcpFlag::syn) ? 1 : 0);
  HostMirror& from = session.mirror(reverse(direction));
  from.first = segment.ack;
  from.heard = false;
  to.holds_more = from.holds_more = true;
  session.adopted_at_ = ticks(segment.time);
  session.adopted_sides_[index(direction)] = segment.side;
  return session;
}

Session Session::adopt(BytePool& pool, const SessionLimits& limits, const SynOffer& syn,
                       const Segment& segment) {
  Session session = adopt(pool, limits, segment, Direction::to_server);
  session.rare().offer = syn;
  session.other_ = Other::syn_of_client;
  return session;
}

// A forger's segment may have been the first that was seen of a connection. Nothing goes with its numbers
// then.
std::optional<Ruling> Session::doubt_adoption(const Segment& segment, Direction direction) const {
  if (adopted_at_ == 0) return std::nullopt;
  constexpr StreamOffset near = 1 << 24U;  // a large window; most forged numbers are farther off
  const HostMirror& to = receiver(direction);
  const HostMirror& from = sender(direction);
  const bool goes_with_it = std::abs(to.to_offset(segment.seq) - to.bytes.in_order()) <= near &&
                            std::abs(from.to_offset(segment.ack) - from.bytes.in_order()) <= near;
  if (goes_with_it) return std::nullopt;
  // Nobody can forge the other side; on this one, or where sides are not known, the later word must wait.
  constexpr std::uint32_t second = 1000;
  if (!from_other_side(segment) && ticks(segment.time) - adopted_at_ < second)
    return drop(Reason::not_confirmed);
  Ruling ruling;
  ruling.kind = Ruling::Kind::anew;
  return ruling;
}

// Both ends must have spoken, from different sides where sides are known: what comes in the other's name from
// one's own side proves nothing.
void Session::confirm_adoption(const Segment& segment, Direction direction) {
  adopted_sides_[index(direction)] = segment.side;
  const bool both = mirrors_[0].heard && mirrors_[1].heard;
  const bool crossed = adopted_sides_[0] != adopted_sides_[1] || segment.side == Side::unknown;
  adopted_at_ = both && crossed ? 0 : ticks(segment.time);
}

}  // namespace lockstep::reassembly
