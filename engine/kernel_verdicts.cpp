#include "engine/kernel_verdicts.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstring>

namespace lockstep {
namespace {

constexpr std::size_t swept_at_once = 4096;
constexpr std::uint32_t answered_drops = 32;
constexpr auto pause_when_full = std::chrono::seconds(1);
constexpr auto watched_for = std::chrono::seconds(10);  // a flow that speaks seldom drains meanwhile

std::uint64_t monotonic() {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

std::uint16_t swapped(std::uint16_t port) {
  return static_cast<std::uint16_t>(port << 8U | port >> 8U);
}

std::uint64_t load(const std::uint64_t& value) {
  return std::atomic_ref(const_cast<std::uint64_t&>(value)).load(std::memory_order_acquire);
}

}  // namespace

bool to_kernel_key(const FlowKey& key, ls_flow_key& out) {
  static_assert(std::endian::native == std::endian::little, "ports are swapped");
  if (key.vlan[LS_VLANS] != 0) return false;
  out = {};
  std::memcpy(out.low_address, key.low_address.data(), sizeof out.low_address);
  std::memcpy(out.high_address, key.high_address.data(), sizeof out.high_address);
  out.low_port = swapped(key.low_port);
  out.high_port = swapped(key.high_port);
  std::copy_n(key.vlan.begin(), LS_VLANS, std::begin(out.vlan));
  out.version = key.version;
  return true;
}

FlowKey from_kernel_key(const ls_flow_key& key) {
  FlowKey out;
  std::memcpy(out.low_address.data(), key.low_address, sizeof key.low_address);
  std::memcpy(out.high_address.data(), key.high_address, sizeof key.high_address);
  out.low_port = swapped(key.low_port);
  out.high_port = swapped(key.high_port);
  std::copy_n(std::begin(key.vlan), LS_VLANS, out.vlan.begin());
  out.version = key.version;
  return out;
}

KernelVerdicts::KernelVerdicts(xdp::FlowVerdicts map, Seat seat, const Limits& limits)
    : map_(std::move(map)), seat_(std::move(seat)), limits_(limits), ticket_(load(seat_.worker->armed)) {
  // Whatever an earlier run gave is void: this engine knows nothing of it.
  std::atomic_ref(seat_.worker->generation).fetch_add(1, std::memory_order_acq_rel);
}

void KernelVerdicts::on_packet(const Packet& packet) {
  if (packet.flow == nullptr || packet.flow->in_kernel) return;
  Flow& flow = *packet.flow;
  if (flow.final_verdict == Final::dropped) {
    if (packet.verdict.action == Action::drop && goes_on(flow)) give(flow, LS_BLOCKED);
    return;
  }
  const bool inspected = flow.final_verdict == Final::none && flow.inspection != nullptr;
  if (!limits_.bypass || inspected || !flow.session.established()) return;
  if (Pipeline::released(flow) != Release::none) give(flow, LS_BYPASSED);
}

// A few packets after a drop are answered: a host that repeats or challenges is reset once more. Whoever goes
// on all the same does not listen. Of two flows that share a place the later one counts from the start.
bool KernelVerdicts::goes_on(const Flow& flow) {
  Drops& drops = drops_[flow.number % drops_.size()];
  if (drops.flow != flow.number) drops = {flow.number, 0};
  return ++drops.count >= answered_drops;
}

void KernelVerdicts::give(Flow& flow, ls_verdict verdict) {
  const auto now = std::chrono::steady_clock::now();
  if (now < full_until_) return;
  ls_flow_key key{};
  ls_flow entry{};
  entry.verdict = verdict;
  entry.generation = load(seat_.worker->generation);
  entry.worker = seat_.number;
  for (__u8& draining : entry.draining) draining = verdict == LS_BYPASSED ? 1 : 0;
  entry.ticket = ticket_ + 1;
  entry.idle_closed = static_cast<std::uint64_t>(limits_.timeouts.closed.count());
  entry.idle = verdict == LS_BLOCKED ? entry.idle_closed
                                     : static_cast<std::uint64_t>(limits_.timeouts.established.count());
  entry.last_seen = monotonic();
  if (!to_kernel_key(flow.key, key)) return;
  if (!map_.put(key, entry)) {
    ++counters_->kernel_refused;
    full_until_ = now + pause_when_full;
    return;
  }
  flow.in_kernel = true;
  ++(verdict == LS_BLOCKED ? counters_->kernel_blocked : counters_->kernel_bypassed);
  if (verdict == LS_BLOCKED) return;
  ++ticket_;
  const auto until = now + watched_for;
  seat_.exchange->watched_until.store(until.time_since_epoch().count(), std::memory_order_relaxed);
}

void KernelVerdicts::advance() {
  if (arming_ == 0 && load(seat_.worker->armed) == ticket_) return;
  if (arming_ == 0) {
    for (std::size_t i = 0; i < sent_.size(); ++i) sent_[i] = load(seat_.queues[i].sent);
    arming_ = ticket_;
  }
  if (all_finished()) arm();
}

bool KernelVerdicts::all_finished() const {
  for (std::size_t i = 0; i < sent_.size(); ++i)
    if (load(seat_.queues[i].finished) < sent_[i]) return false;
  return true;
}

void KernelVerdicts::arm() {
  std::atomic_ref(seat_.worker->armed).store(arming_, std::memory_order_release);
  arming_ = 0;
}

void KernelVerdicts::on_recall(const Flow* flow) {
  ls_flow_key key{};
  if (flow == nullptr)
    std::atomic_ref(seat_.worker->generation).fetch_add(1, std::memory_order_acq_rel);
  else if (to_kernel_key(flow->key, key))
    map_.erase(key);
}

void KernelVerdicts::on_reload(const RuleGeneration&, Timestamp) {
  std::atomic_ref(seat_.worker->generation).fetch_add(1, std::memory_order_acq_rel);
}

void KernelVerdicts::on_flow_end(const Flow& flow, FlowEnd, Timestamp) {
  if (!flow.in_kernel) return;
  ls_flow_key key{};
  if (to_kernel_key(flow.key, key)) map_.erase(key);
}

void KernelVerdicts::sweep(Timestamp now) {
  for (const auto& entry : map_.next(swept_at_once))
    if (entry.second.worker == seat_.number) take(entry, now);
}

void KernelVerdicts::take(const xdp::FlowVerdicts::Entry& entry, Timestamp now) {
  const auto& [key, verdict] = entry;
  Flow* flow = pipeline_->find(from_kernel_key(key));
  const auto idle = std::max<std::int64_t>(0, static_cast<std::int64_t>(monotonic() - verdict.last_seen));
  const Timestamp last_seen = now - Duration(idle);
  const bool over = verdict.verdict == LS_ENGINE || verdict.generation != load(seat_.worker->generation) ||
                    static_cast<std::uint64_t>(idle) > verdict.idle;
  if (flow != nullptr && flow->in_kernel && !over) return pipeline_->seen_by_kernel(*flow, last_seen);
  map_.erase(key);
  if (flow == nullptr || !flow->in_kernel) return;
  pipeline_->take_back(*flow, last_seen);
  ++counters_->kernel_returned;
}

}  // namespace lockstep
