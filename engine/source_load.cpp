#include "engine/source_load.hpp"

#include <bit>
#include <cassert>
#include <cstring>

namespace lockstep {
namespace {

std::uint64_t leading_bits(const std::array<std::uint8_t, 16>& bytes, unsigned length) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8U | bytes[i];
  return length == 0 ? 0 : value & ~std::uint64_t{0} << (64U - length);
}

}  // namespace

SourceLoad::SourceLoad(std::size_t flows, HashSeed seed, PrefixLengths lengths)
    : records_(flows),
      buckets_(std::bit_ceil(flows + 1)),
      classes_(flows + 2),
      seed_(seed),
      lengths_(lengths) {
  assert(lengths.v4 <= 32 && lengths.v6 <= 64);
}

SourceLoad::~SourceLoad() {
  assert(records_.in_use() == 0);
}

// IPv4 prefixes stand in ff00::/8, the multicast addresses of IPv6, which are no source of a connection.
std::uint64_t SourceLoad::prefix_of(const reassembly::Address& source) const {
  if (source.version == 6) return leading_bits(source.bytes, lengths_.v6);
  return 0xFF00'0000'0000'0000U | leading_bits(source.bytes, lengths_.v4) >> 32U;
}

std::size_t SourceLoad::bucket_of(std::uint64_t prefix) const {
  std::array<std::uint8_t, sizeof prefix> bytes{};
  std::memcpy(bytes.data(), &prefix, sizeof prefix);
  return keyed_hash(bytes, seed_) & (buckets_.size() - 1);
}

SourceLoad::Record* SourceLoad::find(std::uint64_t prefix) const {
  for (std::uint32_t link = buckets_[bucket_of(prefix)]; link != none;) {
    Record& record = records_[link - 1];
    if (record.prefix == prefix) return &record;
    link = record.bucket_next;
  }
  return nullptr;
}

SourceLoad::Record& SourceLoad::find_or_make(std::uint64_t prefix) {
  if (Record* record = find(prefix)) return *record;
  Record* record = records_.make(prefix);
  assert(record != nullptr);
  std::uint32_t& head = buckets_[bucket_of(prefix)];
  record->bucket_next = head;
  head = records_.index_of(*record) + 1;
  return *record;
}

void SourceLoad::remove(Record& record) {
  std::uint32_t* link = &buckets_[bucket_of(record.prefix)];
  while (*link != records_.index_of(record) + 1) link = &records_[*link - 1].bucket_next;
  *link = record.bucket_next;
  records_.release(record);
}

void SourceLoad::class_push(Record& record) {
  if (record.count == 0) return;
  std::uint32_t& head = classes_[record.count];
  record.class_previous = none;
  record.class_next = head;
  const std::uint32_t self = records_.index_of(record) + 1;
  if (head != none) records_[head - 1].class_previous = self;
  head = self;
}

void SourceLoad::class_take(Record& record) {
  if (record.count == 0) return;
  if (record.class_next != none) records_[record.class_next - 1].class_previous = record.class_previous;
  if (record.class_previous != none) {
    records_[record.class_previous - 1].class_next = record.class_next;
  } else {
    classes_[record.count] = record.class_next;
  }
}

void SourceLoad::enter(FlowNode& node, const reassembly::Address& source) {
  Record& record = find_or_make(prefix_of(source));
  class_take(record);
  ++record.count;
  class_push(record);
  if (record.count > heaviest_) heaviest_ = record.count;
  record.idle.push_back(node);
  node.source_ = records_.index_of(record);
}

void SourceLoad::leave(FlowNode& node) {
  Record& record = records_[node.source_];
  record.idle.erase(FlowIdleList::s_iterator_to(node));
  class_take(record);
  // What left the highest class stands one below it now.
  if (record.count == heaviest_ && classes_[heaviest_] == none) --heaviest_;
  --record.count;
  class_push(record);
  if (record.count == 0) remove(record);
}

void SourceLoad::refresh(FlowNode& node) {
  FlowIdleList& idle = records_[node.source_].idle;
  idle.splice(idle.end(), idle, FlowIdleList::s_iterator_to(node));
}

FlowNode* SourceLoad::longest_idle_of_heaviest() {
  return heaviest_ == 0 ? nullptr : &records_[classes_[heaviest_] - 1].idle.front();
}

std::uint32_t SourceLoad::count(const reassembly::Address& source) const {
  const Record* record = find(prefix_of(source));
  return record == nullptr ? 0 : record->count;
}

}  // namespace lockstep
