// Pipeline: what the kernel forwarded and the engine did not see, of one connection that it was given or of
// all while the engine stood still.
#include "engine/held_fragments.hpp"
#include "engine/inspector.hpp"
#include "engine/pipeline.hpp"
#include "reassembly/rulings.hpp"

namespace lockstep {

using reassembly::TcpFlag;

// Every mirror may be wrong, so each connection is met anew, in its middle; but one whose host holds bytes
// ahead of a hole, unscanned, which may have been filled, is reset. What was decided for good stands.
void Pipeline::miss(Timestamp now) {
  advance(now);
  fragments_.expire(Timestamp::max(), *held_);
  half_open_.expire(Timestamp::max(), half_open_.size(), [this](const HalfOpenRecord& record) {
    observer_->on_half_open_end(record, FlowEnd::forced, now_);
  });
  const auto over = [this](Flow& flow) {
    miss(flow);
    return flow.stale && !flow.in_kernel;
  };
  flows_.remove_if(over, [this](Flow& flow) { end_flow(flow, FlowEnd::forced, false); });
  forget_unknown();
}

void Pipeline::miss(Flow& flow) {
  if (flow.final_verdict != Final::none || flow.in_kernel) return;
  const bool holds = flow.session.holds_unscanned(Direction::to_server) ||
                     flow.session.holds_unscanned(Direction::to_client);
  if (holds && config_.enforcing) expel(flow, Reason::forwarded_past);
  flow.stale = flow.final_verdict == Final::none;
}

void Pipeline::forget_unknown() {
  start_ = now_;
  forgot_ = false;
}

void Pipeline::take_back(Flow& flow, Timestamp last_seen) {
  come_back(flow);
  flows_.touch(flow, last_seen);
}

void Pipeline::come_back(Flow& flow) {
  flow.in_kernel = false;
  flow.stale = flow.final_verdict != Final::dropped;
}

// Something else is to become of it than what the kernel was told.
void Pipeline::recall(Flow& flow) {
  if (!flow.in_kernel) return;
  observer_->on_recall(&flow);
  come_back(flow);
}

Flow* Pipeline::find(const FlowKey& key) {
  return flows_.find(key, flows_.hash(key));
}

// The mirrors are from before the kernel had the connection. True: the packet was judged.
bool Pipeline::meet_again(Packet& packet) {
  Flow& flow = *packet.flow;
  const reassembly::Segment& segment = *packet.segment;
  if (segment.has(TcpFlag::syn)) return false;  // judged without numbers
  if (const auto ruling = reassembly::without_numbers(segment)) {
    packet.ruling = *ruling;
    return true;
  }
  flow.stale = false;
  adopt_session(packet);
  return false;
}

void Pipeline::adopt_session(Packet& packet) {
  packet.flow->session =
      reassembly::Session::adopt(bytes_, config_.session, *packet.segment, packet.direction);
  if (inspector_ != nullptr && packet.flow->final_verdict == Final::none) inspector_->open(*packet.flow);
}

}  // namespace lockstep
