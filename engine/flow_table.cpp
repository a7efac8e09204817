#include "engine/flow_table.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <memory>

namespace lockstep {

FlowIndex::Buckets::Buckets(std::size_t count)
    : slab_(count * sizeof(Set::bucket_type)),
      data_(reinterpret_cast<Set::bucket_ptr>(slab_.data())),
      size_(count) {
  std::uninitialized_default_construct_n(data_, size_);
}

FlowIndex::FlowIndex(const FlowTableLimits& limits, HashSeed seed)
    : buckets_(std::bit_ceil(limits.flows + limits.unestablished)),
      set_(Set::bucket_traits(buckets_.data(), buckets_.size())),
      load_(limits.flows, seed, limits.prefixes),
      seed_(seed),
      idle_granularity_(static_cast<std::uint32_t>(limits.idle_granularity.count())) {
  assert(limits.flows > 0 && limits.unestablished > 0 && limits.idle_granularity.count() >= 0);
}

FlowIndex::~FlowIndex() {
  assert(set_.empty());
}

FlowNode* FlowIndex::find(const FlowKey& key, std::uint64_t hash) {
  const auto found = set_.find(
      key, [hash](const FlowKey&) { return hash; }, SameKey());
  return found == set_.end() ? nullptr : &*found;
}

void FlowIndex::prefetch(std::span<const std::uint64_t> hashes) const {
  const std::size_t mask = buckets_.size() - 1;
  for (const std::uint64_t hash : hashes) __builtin_prefetch(buckets_.data() + (hash & mask));
  // A second round: the first flow of each bucket is where nearly every search ends. Its second line takes
  // the touch.
  for (const std::uint64_t hash : hashes) {
    const auto first = set_.begin(hash & mask);
    if (first == set_.end(hash & mask)) continue;
    const auto* line = reinterpret_cast<const std::byte*>(std::addressof(*first));
    __builtin_prefetch(line);
    __builtin_prefetch(line + 64, 1);
  }
}

void FlowIndex::link(FlowNode& node, std::uint64_t hash, const reassembly::Address* source,
                     Timestamp deadline) {
  Set::insert_commit_data place;
  [[maybe_unused]] const auto [where, is_new] = set_.insert_check(
      node.key, [hash](const FlowKey&) { return hash; }, SameKey(), place);
  assert(is_new);
  set_.insert_commit(node, place);
  if (source != nullptr) {
    load_.enter(node, *source);
  } else {
    load_.enter_unestablished(node);
  }
  node.placed_second_ = reassembly::seconds(node.last_seen_);
  wheel_.schedule(node, deadline);
}

void FlowIndex::unlink(FlowNode& node) {
  set_.erase(set_.iterator_to(node));
  load_.leave(node);
  wheel_.cancel(node);
}

void FlowIndex::touch(FlowNode& node, Timestamp now) {
  if (now <= node.last_seen_) return;
  node.last_seen_ = now;
  const std::uint32_t second = reassembly::seconds(now);
  if (second - node.placed_second_ < idle_granularity_) return;
  node.placed_second_ = second;
  load_.refresh(node);
}

}  // namespace lockstep
