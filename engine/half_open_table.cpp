#include "engine/half_open_table.hpp"

#include <algorithm>
#include <bit>
#include <cassert>

namespace lockstep {

SynCandidate make_syn_candidate(const reassembly::Segment& segment) {
  const auto& options = segment.options;
  SynCandidate syn;
  syn.iss = segment.seq;
  syn.timestamp_value = options.timestamps ? options.timestamps->value : 0;
  syn.mss = options.mss.value_or(0);
  syn.window = segment.window;
  syn.window_scale = std::min<std::uint8_t>(options.window_scale.value_or(0), 14);
  syn.from_low = from_low(segment.source, segment.destination);
  syn.has_timestamps = options.timestamps.has_value();
  syn.has_mss = options.mss.has_value();
  syn.has_window_scale = options.window_scale.has_value();
  syn.sack_permitted = options.sack_permitted;
  syn.md5 = options.md5;
  syn.ao = options.ao;
  return syn;
}

HalfOpen::Added HalfOpen::add(const SynCandidate& candidate) {
  const auto end = candidates_.begin() + count_;
  const auto same = std::find_if(candidates_.begin(), end, [&](const SynCandidate& kept) {
    return kept.iss == candidate.iss && kept.from_low == candidate.from_low;
  });
  if (same != end) {
    *same = candidate;
    return Added::repeated;
  }
  if (count_ == max_candidates) return Added::full;
  candidates_[count_++] = candidate;
  return Added::added;
}

const SynCandidate* HalfOpen::answered_by(reassembly::Seq ack, bool syn_ack_from_low) const {
  for (const SynCandidate& syn : candidates()) {
    if (syn.from_low != syn_ack_from_low && syn.iss.plus(1) == ack) return &syn;
  }
  return nullptr;
}

HalfOpenTable::HalfOpenTable(const HalfOpenLimits& limits, HashSeed seed)
    : pool_(limits.connections),
      buckets_(std::make_unique<Set::bucket_type[]>(std::bit_ceil(limits.connections))),
      set_(Set::bucket_traits(buckets_.get(), std::bit_ceil(limits.connections))),
      seed_(seed),
      timeout_(limits.timeout) {
  assert(limits.connections > 0);
}

HalfOpenTable::~HalfOpenTable() {
  while (!age_.empty()) remove(age_.front());
}

HalfOpen* HalfOpenTable::find(const FlowKey& key, std::uint64_t hash) {
  const auto found = set_.find(
      key, [hash](const FlowKey&) { return hash; }, SameKey());
  return found == set_.end() ? nullptr : &*found;
}

HalfOpen* HalfOpenTable::find_or_insert(const FlowKey& key, std::uint64_t hash, reassembly::Timestamp now) {
  const auto hasher = [hash](const FlowKey&) { return hash; };
  if (HalfOpen* known = find(key, hash)) {
    known->last_seen_ = std::max(known->last_seen_, now);
    age_.splice(age_.end(), age_, Age::s_iterator_to(*known));
    return known;
  }
  if (pool_.full() && oldest_expired(now)) forget_oldest();
  HalfOpen* record = pool_.make(key, now);
  if (record == nullptr) return nullptr;
  Set::insert_commit_data place;
  static_cast<void>(set_.insert_check(key, hasher, SameKey(), place));
  set_.insert_commit(*record, place);
  age_.push_back(*record);
  return record;
}

void HalfOpenTable::remove(HalfOpen& record) {
  set_.erase(set_.iterator_to(record));
  age_.erase(Age::s_iterator_to(record));
  pool_.release(record);
}

bool HalfOpenTable::oldest_expired(reassembly::Timestamp now) const {
  return !age_.empty() && now >= age_.front().last_seen() + timeout_;
}

void HalfOpenTable::forget_oldest() {
  remove(age_.front());
  ++expired_;
}

}  // namespace lockstep
