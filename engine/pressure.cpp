// Pipeline: what happens when memory is short or a flow has waited too long. Nothing that the engine gives up
// is passed unseen: a flow leaves its memory only with a reset at both ends, and stays known as dropped.
#include "engine/inspector.hpp"
#include "engine/pipeline.hpp"

namespace lockstep {

using reassembly::StreamOffset;

// The pool has no room for the segment's bytes. New out-of-order data is refused, unless one source holds
// more than its share; for data in order another flow always gives way, so that the pool never wedges. Of a
// source that holds most, the longest-idle flow that holds anything. True: there may be room now.
bool Pipeline::make_room(const Packet& packet) {
  const auto& to = packet.flow->session.receiver(packet.direction);
  const bool ahead = to.to_offset(packet.segment->seq) > to.bytes.in_order();
  Flow* victim = flows_.greediest();
  if (victim == nullptr) return false;
  const std::uint64_t share = bytes_.pieces() / 100 * config_.source_share;
  if (ahead && flows_.pieces_beside(*victim) <= share) return false;
  expel(*victim, Reason::source_over_share);
  return victim != packet.flow;
}

// Resets both ends. The flow stays known, without its bytes, so that what its hosts send is refused by name
// and their challenge ACKs are answered.
void Pipeline::expel(Flow& flow, Reason reason) {
  if (inspects(flow)) end_streams(flow);
  reset_idle(flow, Direction::to_server);
  reset_idle(flow, Direction::to_client);
  flow.final_verdict = Final::dropped;
  flow.final_reason = reason;
  ++expelled_[static_cast<std::size_t>(reason)];
  flow.session.forget_bytes();
  flows_.hold(flow, bytes_.pieces_in_use());
}

// What the tables must know of the packet's flow once its way has ended.
void Pipeline::settle(const Packet& packet) {
  if (packet.flow == nullptr) return;
  Flow& flow = *packet.flow;
  const bool given_up = flow.final_verdict == Final::dropped || flow.final_verdict == Final::diverged;
  if (given_up) flow.session.forget_bytes();
  if (!flows_.is_established(flow) && flow.session.confirmed() && flow.sides.crossed()) {
    flows_.establish(flow, flow.client().address, [this](Flow& idle) {
      // Its hosts may still hold what was not scanned: nothing unknown is adopted any more.
      forgot_ = forgot_ || !idle.session.closed();
      end_flow(idle, FlowEnd::forced, true);
    });
  }
  flows_.hold(flow, bytes_.pieces_in_use());
}

// A hole is as old as its direction's last progress.
void Pipeline::note_hole(Flow& flow, Direction direction, StreamOffset in_order_before, bool had_hole) {
  if (!flow.session.holds_unscanned(direction)) return;
  const reassembly::Assembler& bytes = flow.session.receiver(direction).bytes;
  std::uint8_t& most = flow.most_regions[reassembly::index(direction)];
  most = static_cast<std::uint8_t>(std::clamp<std::uint32_t>(bytes.island_count() + 1, most, 255));
  const bool progress = bytes.in_order() != in_order_before;
  if (had_hole && !progress) return;
  flow.hole_since[reassembly::index(direction)] = reassembly::seconds(now_);
  if (!had_hole) flows_.schedule(flow, now_ + config_.timeouts.hole);
}

Duration Pipeline::timeout_of(Flow& flow) {
  for (const Direction direction : {Direction::to_server, Direction::to_client}) {
    // The host itself waits without limit; so must who only looks on.
    if (!config_.enforcing || !flow.session.holds_unscanned(direction)) continue;
    const std::uint32_t age = reassembly::seconds(now_) - flow.hole_since[reassembly::index(direction)];
    if (std::chrono::seconds(age) < config_.timeouts.hole) return config_.timeouts.hole;
    // Its hosts hold bytes that were not scanned: it is not forgotten before they would have given up.
    expel(flow, Reason::flow_expired);
    break;
  }
  if (flow.session.closed()) return config_.timeouts.closed;
  return flow.session.established() ? config_.timeouts.established : config_.timeouts.fresh;
}

// Whether a connection of which nothing is known may have been open before the start, and was not given up
// here.
bool Pipeline::adopts() const {
  if (config_.session.captured_hosts) return true;
  return !forgot_ && now_ - start_ < config_.timeouts.established;
}

Gauges Pipeline::gauges() const {
  Gauges gauges;
  gauges.stream_memory = bytes_.blocks_in_use() * reassembly::Block::size;
  gauges.islands = bytes_.islands_in_use();
  gauges.flows = flows_.established();
  gauges.unestablished = flows_.unestablished();
  gauges.half_open = half_open_.size();
  gauges.datagrams = fragments_.datagrams();
  gauges.fragment_memory = fragments_.bytes();
  gauges.given_up = flows_.counters().given_up;
  gauges.given_up_unestablished = flows_.counters().given_up_unestablished;
  gauges.stateless_syns = half_open_.refused();
  gauges.holes_expired = expelled_[static_cast<std::size_t>(Reason::flow_expired)];
  gauges.over_share = expelled_[static_cast<std::size_t>(Reason::source_over_share)];
  return gauges;
}

}  // namespace lockstep
