#include "engine/reload/rule_board.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace lockstep {

RuleBoard::RuleBoard(std::size_t workers, std::shared_ptr<const RuleGeneration> first)
    : rules_(std::move(first)), workers_(workers) {}

tl::expected<void, std::string> RuleBoard::publish(std::shared_ptr<const RuleGeneration> rules) {
  std::vector<signatures::Scratch> ready;
  for (std::size_t n = 0; n < workers_.size(); ++n) {
    auto scratch = signatures::Scratch::make(*rules->set);
    if (!scratch) return tl::unexpected(scratch.error());
    ready.push_back(std::move(*scratch));
  }
  const std::scoped_lock lock(mutex_);
  rules_.swap(rules);
  for (std::size_t n = 0; n < workers_.size(); ++n) workers_[n].scratch = std::move(ready[n]);
  published_.fetch_add(1, std::memory_order_release);
  return {};
}

std::shared_ptr<const RuleGeneration> RuleBoard::current() const {
  const std::scoped_lock lock(mutex_);
  return rules_;
}

bool RuleBoard::wait_for_workers(std::chrono::milliseconds patience) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, patience, [&] {
    const std::uint64_t last = published_.load(std::memory_order_relaxed);
    return std::all_of(workers_.begin(), workers_.end(),
                       [&](const Worker& worker) { return worker.adopted >= last; });
  });
}

std::optional<Handover> RuleBoard::take(std::size_t n) {
  Worker& worker = workers_[n];
  if (published_.load(std::memory_order_acquire) == worker.taken) return std::nullopt;
  const std::scoped_lock lock(mutex_);
  worker.taken = published_.load(std::memory_order_relaxed);
  return Handover{rules_, std::exchange(worker.scratch, std::nullopt)};
}

void RuleBoard::adopted(std::size_t n) {
  const std::scoped_lock lock(mutex_);
  workers_[n].adopted = workers_[n].taken;
  changed_.notify_all();
}

void RuleBoard::leave(std::size_t n) {
  const std::scoped_lock lock(mutex_);
  workers_[n].adopted = std::numeric_limits<std::uint64_t>::max();
  changed_.notify_all();
}

}  // namespace lockstep
