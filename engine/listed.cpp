// Pipeline: what an operator said of addresses and connections while it runs.
#include "engine/address_lists.hpp"
#include "engine/inspector.hpp"
#include "engine/pipeline.hpp"

namespace lockstep {

// Blocked: it goes no further, and no connection learns of it.
bool Pipeline::blocked(Packet& packet, const reassembly::Address& source,
                       const reassembly::Address& destination) {
  const ListWord word = lists_->of(source, destination);
  packet.allowed = word == ListWord::allow;
  if (word != ListWord::block || !config_.enforcing) return false;
  packet.verdict = {Action::drop, Reason::blocked};
  return true;
}

// Its connection is followed, and inspected no more; a connection that was dropped stays so.
void Pipeline::let_pass(Packet& packet) {
  if (!packet.allowed) return;
  if (packet.flow != nullptr ? packet.flow->final_verdict != Final::none
                             : packet.record == nullptr || packet.record->final_verdict != Final::none)
    return;
  finish_flow(packet, Final::bypassed);
}

bool Pipeline::block(Flow& flow) {
  if (!config_.enforcing) return false;
  recall(flow);
  if (flow.final_verdict != Final::dropped) expel(flow, Reason::blocked);
  return true;
}

void Pipeline::allow(Flow& flow) {
  if (flow.final_verdict != Final::none || flow.in_kernel) return;
  flow.final_verdict = Final::bypassed;
  flow.release = Release::rule;
  if (flow.inspection) Inspector::close(flow);
}

}  // namespace lockstep
