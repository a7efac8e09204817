#include "engine/half_open_table.hpp"

#include <algorithm>
#include <bit>
#include <cassert>

namespace lockstep {

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

HalfOpenRecord* HalfOpenTable::find(const FlowKey& key, std::uint64_t hash) {
  const auto found = set_.find(
      key, [hash](const FlowKey&) { return hash; }, SameKey());
  return found == set_.end() ? nullptr : &*found;
}

HalfOpenRecord* HalfOpenTable::find_or_insert(const FlowKey& key, std::uint64_t hash,
                                              reassembly::Timestamp now) {
  const auto hasher = [hash](const FlowKey&) { return hash; };
  if (HalfOpenRecord* known = find(key, hash)) {
    known->last_seen_ = std::max(known->last_seen_, now);
    age_.splice(age_.end(), age_, Age::s_iterator_to(*known));
    return known;
  }
  if (pool_.full() && oldest_expired(now)) forget_oldest();
  HalfOpenRecord* record = pool_.make(key, now);
  if (record == nullptr) {
    last_refused_ = now;
    return nullptr;
  }
  Set::insert_commit_data place;
  static_cast<void>(set_.insert_check(key, hasher, SameKey(), place));
  set_.insert_commit(*record, place);
  age_.push_back(*record);
  return record;
}

void HalfOpenTable::remove(HalfOpenRecord& record) {
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
