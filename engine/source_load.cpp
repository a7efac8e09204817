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
    : records_(flows + 1),
      buckets_(std::bit_ceil(flows + 1)),
      classes_(flows + 2),
      seed_(seed),
      lengths_(lengths) {
  assert(lengths.v4 <= 32 && lengths.v6 <= 64);
  [[maybe_unused]] const Record* record = records_.make(0U);  // in no bucket
  assert(records_.index_of(*record) == unestablished);
}

SourceLoad::~SourceLoad() {
  assert(prefixes() == 0 && records_[unestablished].count == 0 && pieces_ == 0);
  records_.release(records_[unestablished]);
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

void SourceLoad::push(std::uint32_t& head, Record& record, ClassLinks Record::*links) {
  const std::uint32_t self = records_.index_of(record) + 1;
  record.*links = {head, none};
  if (head != none) (records_[head - 1].*links).previous = self;
  head = self;
}

void SourceLoad::take(std::uint32_t& head, Record& record, ClassLinks Record::*links) {
  const auto [next, previous] = record.*links;
  if (next != none) (records_[next - 1].*links).previous = previous;
  (previous != none ? (records_[previous - 1].*links).next : head) = next;
}

// The count moves by one.
void SourceLoad::count(Record& record, std::uint32_t count) {
  if (records_.index_of(record) == unestablished) {
    record.count = count;
    return;
  }
  if (record.count != 0) take(classes_[record.count], record, &Record::of_count);
  // What left the highest class stands one below it now.
  if (record.count == heaviest_ && count < heaviest_ && classes_[heaviest_] == none) --heaviest_;
  record.count = count;
  if (count != 0) push(classes_[count], record, &Record::of_count);
  if (count > heaviest_) heaviest_ = count;
}

void SourceLoad::weigh(Record& record, std::uint64_t pieces) {
  const auto from = static_cast<std::size_t>(std::bit_width(record.pieces));
  const auto to = static_cast<std::size_t>(std::bit_width(pieces));
  record.pieces = pieces;
  if (from == to) return;
  if (from != 0) take(piece_classes_[from], record, &Record::of_pieces);
  if (to != 0) push(piece_classes_[to], record, &Record::of_pieces);
}

void SourceLoad::enter(FlowNode& node, Record& record) {
  count(record, record.count + 1);
  record.idle.push_back(node);
  node.source_ = records_.index_of(record);
  node.pieces_ = 0;
}

void SourceLoad::enter(FlowNode& node, const reassembly::Address& source) {
  enter(node, find_or_make(prefix_of(source)));
}

void SourceLoad::enter_unestablished(FlowNode& node) {
  enter(node, records_[unestablished]);
}

void SourceLoad::leave(FlowNode& node) {
  Record& record = records_[node.source_];
  FlowIdleList& list = list_of(record, node);
  list.erase(FlowIdleList::s_iterator_to(node));
  pieces_ -= node.pieces_;
  weigh(record, record.pieces - node.pieces_);
  node.pieces_ = 0;
  count(record, record.count - 1);
  if (record.count == 0 && node.source_ != unestablished) remove(record);
}

void SourceLoad::refresh(FlowNode& node) {
  FlowIdleList& list = list_of(records_[node.source_], node);
  list.splice(list.end(), list, FlowIdleList::s_iterator_to(node));
}

void SourceLoad::hold(FlowNode& node, std::uint64_t pieces) {
  if (pieces == pieces_) return;
  Record& record = records_[node.source_];
  const std::uint64_t own = node.pieces_ + pieces - pieces_;
  weigh(record, record.pieces + pieces - pieces_);
  pieces_ = pieces;
  const bool moves = (own == 0) != (node.pieces_ == 0);
  FlowIdleList& from = list_of(record, node);
  node.pieces_ = static_cast<std::uint32_t>(own);
  FlowIdleList& to = list_of(record, node);
  if (moves) to.splice(to.end(), from, FlowIdleList::s_iterator_to(node));
}

FlowNode* SourceLoad::longest_idle(Record& record) {
  if (record.idle.empty() || record.holders.empty()) {
    FlowIdleList& list = record.idle.empty() ? record.holders : record.idle;
    return list.empty() ? nullptr : &list.front();
  }
  FlowNode& idle = record.idle.front();
  FlowNode& holder = record.holders.front();
  return holder.last_seen() < idle.last_seen() ? &holder : &idle;
}

FlowNode* SourceLoad::longest_idle_of_heaviest() {
  return heaviest_ == 0 ? nullptr : longest_idle(records_[classes_[heaviest_] - 1]);
}

FlowNode* SourceLoad::longest_idle_unestablished() {
  return longest_idle(records_[unestablished]);
}

FlowNode* SourceLoad::longest_idle_of_greediest() {
  for (std::size_t bits = piece_classes_.size() - 1; bits > 0; --bits) {
    if (piece_classes_[bits] == none) continue;
    constexpr int looked_at = 16;  // of one class: the most of them
    Record* most = &records_[piece_classes_[bits] - 1];
    std::uint32_t link = most->of_pieces.next;
    for (int i = 1; i < looked_at && link != none; ++i) {
      Record& record = records_[link - 1];
      if (record.pieces > most->pieces) most = &record;
      link = record.of_pieces.next;
    }
    return &most->holders.front();
  }
  return nullptr;
}

std::uint32_t SourceLoad::count(const reassembly::Address& source) const {
  const Record* record = find(prefix_of(source));
  return record == nullptr ? 0 : record->count;
}

}  // namespace lockstep
