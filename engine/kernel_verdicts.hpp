// Which connections of a worker the kernel decides alone, and how they come back: the worker's side of the
// map `flows` (xdp/lockstep.h). A flow is given to the kernel when nobody need look at it any more, or when
// it is dropped and its hosts go on all the same; it comes back when its entry has expired, the rules have
// changed, or the packets of one side changed their queue before the engine had finished them.
//
// An observer of the worker's pipeline, on its thread. A system call a flow given or taken, none a packet.
#pragma once
#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "engine/counters.hpp"
#include "engine/packet.hpp"
#include "engine/pipeline.hpp"
#include "engine/ports/afxdp/exchange.hpp"
#include "xdp/flow_verdicts.hpp"
#include "xdp/program.hpp"

namespace lockstep {

class KernelVerdicts final : public Observer {
 public:
  struct Seat {
    ls_worker* worker = nullptr;
    ls_queue* queues = nullptr;  // LS_SIDES * LS_MAX_QUEUES
    std::uint32_t number = 0;    // of the worker within the pair
    std::shared_ptr<afxdp::Exchange> exchange;
  };
  struct Limits {
    bool bypass = true;
    FlowTimeouts timeouts;
  };
  KernelVerdicts(xdp::FlowVerdicts map, Seat seat, const Limits& limits);

  // Before its pipeline sees a packet; FlowCounters::kernel_... are counted. Both must outlive this object's
  // last call.
  void watch(Pipeline& pipeline, FlowCounters& counters) {
    pipeline_ = &pipeline;
    counters_ = &counters;
  }
  // Between two batches.
  void advance();
  // About once a second.
  void sweep(Timestamp now);

  void on_packet(const Packet& packet) override;
  void on_reload(const RuleGeneration& rules, Timestamp now) override;
  void on_recall(const Flow* flow) override;
  void on_flow_end(const Flow& flow, FlowEnd end, Timestamp now) override;

 private:
  struct Drops {
    std::uint64_t flow = 0;  // its number
    std::uint32_t count = 0;
  };
  [[nodiscard]] bool goes_on(const Flow& flow);
  void give(Flow& flow, ls_verdict verdict);
  void take(const xdp::FlowVerdicts::Entry& entry, Timestamp now);
  void arm();
  [[nodiscard]] bool all_finished() const;

  xdp::FlowVerdicts map_;
  Seat seat_;
  Limits limits_;
  Pipeline* pipeline_ = nullptr;
  FlowCounters* counters_ = nullptr;
  std::chrono::steady_clock::time_point full_until_{};  // the map found no room not long ago
  std::vector<Drops> drops_ = std::vector<Drops>(1024);
  std::uint64_t ticket_ = 0;  // of the last flow given
  std::uint64_t arming_ = 0;  // up to which tickets are armed next; 0: no round is under way
  std::array<std::uint64_t, std::size_t{LS_SIDES} * LS_MAX_QUEUES> sent_{};  // as that round began
};

// The key of the map; false: the flow has more VLAN tags than it holds.
[[nodiscard]] bool to_kernel_key(const FlowKey& key, ls_flow_key& out);
[[nodiscard]] FlowKey from_kernel_key(const ls_flow_key& key);

}  // namespace lockstep
