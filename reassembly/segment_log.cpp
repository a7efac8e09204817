#include "reassembly/segment_log.hpp"

#include <algorithm>
#include <cassert>

namespace lockstep::reassembly {
namespace {

// The hull of the bytes at which the two differ, as a half-open interval of indices.
std::pair<std::size_t, std::size_t> differing(std::span<const std::uint8_t> a,
                                              std::span<const std::uint8_t> b) {
  const auto first = std::mismatch(a.begin(), a.end(), b.begin()).first - a.begin();
  const auto last = std::mismatch(a.rbegin(), a.rend(), b.rbegin()).first - a.rbegin();
  const auto from = static_cast<std::size_t>(first);
  const std::size_t to = a.size() - static_cast<std::size_t>(last);
  return from < to ? std::pair{from, to} : std::pair{std::size_t{0}, std::size_t{0}};
}

Run hull(Run a, Run b) {
  if (a.begin >= a.end) return b;
  return {std::min(a.begin, b.begin), std::max(a.end, b.end)};
}

}  // namespace

SegmentLogPool::SegmentLogPool(std::size_t records) : records_(records), scratch_(longest_payload) {}

SegmentLog::SegmentLog(SegmentLog&& other) noexcept
    : pool_(other.pool_),
      record_(std::exchange(other.record_, nullptr)),
      conflict_(std::exchange(other.conflict_, {})),
      lossy_(std::exchange(other.lossy_, false)) {}

SegmentLog& SegmentLog::operator=(SegmentLog&& other) noexcept {
  if (this != &other) {
    reset();
    pool_ = other.pool_;
    record_ = std::exchange(other.record_, nullptr);
    conflict_ = std::exchange(other.conflict_, {});
    lossy_ = std::exchange(other.lossy_, false);
  }
  return *this;
}

void SegmentLog::add(StreamOffset offset, std::span<const std::uint8_t> bytes, const Assembler& kept) {
  assert(bytes.size() <= SegmentLogPool::longest_payload);
  const StreamOffset in_order = kept.in_order();
  const StreamOffset end = offset + static_cast<StreamOffset>(bytes.size());
  if (end <= in_order) return;
  // In order and touching nothing ahead: it leaves the queue at once, and no later copy of it counts.
  if (offset <= in_order && (!kept.has_islands() || end <= kept.first_island())) return;

  // No host replaces what it has delivered: those bytes are no part of the question.
  const StreamOffset begin = std::max(offset, in_order);
  bytes = bytes.subspan(static_cast<std::size_t>(begin - offset));
  const std::span<std::uint8_t> first = std::span(pool_->scratch_).first(bytes.size());
  std::copy(bytes.begin(), bytes.end(), first.begin());
  kept.overlay(begin, first);
  const auto [from, to] = differing(bytes, first);
  const Run copy{begin + static_cast<StreamOffset>(from), begin + static_cast<StreamOffset>(to)};
  if (from < to) conflict_ = hull(conflict_, copy);

  const Entry entry{begin, end, in_order, copy.begin, 1, static_cast<std::uint32_t>(to - from), 0};
  if (!lossy_ && !remember(entry, bytes.subspan(from, to - from))) lossy_ = true;
}

bool SegmentLog::remember(const Entry& entry, std::span<const std::uint8_t> copy) {
  if (record_ == nullptr) {
    record_ = pool_->records_.take();
    if (record_ == nullptr) return false;
    record_->entry_count = record_->arrival_count = record_->copy_bytes = 0;
  }
  if (record_->arrival_count == SegmentRecord::max_arrivals) forget_before(entry.in_order);
  if (record_->entry_count > 0 && copy.empty() && record_->arrival_count < SegmentRecord::max_arrivals) {
    Entry& last = record_->entries[record_->entry_count - 1];
    const StreamOffset length = (last.end - last.begin) / last.count;
    if (last.copy_length == 0 && last.end == entry.begin && last.in_order == entry.in_order &&
        entry.end - entry.begin == length) {
      last.end = entry.end;
      ++last.count;
      ++record_->arrival_count;
      return true;
    }
  }
  if (!has_room(copy.size())) forget_before(entry.in_order);
  if (!has_room(copy.size())) return false;
  Entry& fresh = record_->entries[record_->entry_count++];
  fresh = entry;
  fresh.copy_at = record_->copy_bytes;
  std::copy(copy.begin(), copy.end(), record_->copies.begin() + fresh.copy_at);
  record_->copy_bytes += fresh.copy_length;
  ++record_->arrival_count;
  return true;
}

bool SegmentLog::has_room(std::size_t copy_length) const {
  return record_->entry_count < SegmentRecord::max_entries &&
         record_->arrival_count < SegmentRecord::max_arrivals &&
         record_->copy_bytes + copy_length <= SegmentRecord::max_copy_bytes;
}

void SegmentLog::forget_before(StreamOffset in_order) {
  SegmentRecord& record = *record_;
  std::uint32_t left = 0;
  std::uint32_t copy_bytes = 0;
  for (const Entry& entry : entries()) {
    if (entry.end <= in_order) {
      record.arrival_count -= entry.count;
      continue;
    }
    const auto copy = record.copies.begin() + entry.copy_at;
    std::copy(copy, copy + entry.copy_length, record.copies.begin() + copy_bytes);
    Entry& moved = record.entries[left++];
    moved = entry;
    moved.copy_at = copy_bytes;
    copy_bytes += moved.copy_length;
  }
  record.entry_count = left;
  record.copy_bytes = copy_bytes;
}

std::vector<Run> SegmentLog::runs(StreamOffset from, StreamOffset to) const {
  struct Segment {
    Run bounds;
    Run copy;
  };
  std::vector<Segment> segments;
  for (const Entry& entry : entries()) {
    const StreamOffset length = (entry.end - entry.begin) / entry.count;
    const StreamOffset copy_end = entry.copy_begin + static_cast<StreamOffset>(entry.copy_length);
    for (StreamOffset begin = entry.begin; begin < entry.end; begin += length) {
      if (begin >= to || begin + length <= from) continue;
      segments.push_back(
          {{begin, begin + length}, {std::max(entry.copy_begin, from), std::min(copy_end, to)}});
    }
  }
  std::sort(segments.begin(), segments.end(),
            [](const Segment& a, const Segment& b) { return a.bounds.begin < b.bounds.begin; });

  std::vector<Run> runs;
  Run run{};
  StreamOffset connected_to = from;
  const auto close = [&] {
    if (run.begin < run.end) runs.push_back(run);
    run = {};
  };
  for (const Segment& segment : segments) {
    if (segment.bounds.begin >= connected_to) close();
    connected_to = std::max(connected_to, segment.bounds.end);
    if (segment.copy.begin < segment.copy.end) run = hull(run, segment.copy);
  }
  close();
  return runs;
}

std::vector<RunReadings> SegmentLog::readings(const Assembler& kept, StreamOffset from, StreamOffset to,
                                              OverlapPolicy policy, ReadingLimits limits) const {
  const Run conflict{std::max(conflict_.begin, from), std::min(conflict_.end, to)};
  if (!conflicts() || conflict.begin >= conflict.end) return {};
  if (lossy_) return {RunReadings{conflict, {}, true}};

  const std::vector<Run> asked = runs(from, to);
  std::vector<std::uint8_t> first(static_cast<std::size_t>(conflict.end - conflict.begin));
  kept.copy(conflict.begin, first);
  const auto kept_part = [&](StreamOffset begin, StreamOffset end) {
    begin = std::clamp(begin, conflict.begin, conflict.end);
    end = std::clamp(end, begin, conflict.end);
    return std::pair{
        begin, std::span<const std::uint8_t>(first).subspan(static_cast<std::size_t>(begin - conflict.begin),
                                                            static_cast<std::size_t>(end - begin))};
  };

  std::vector<Arrival> arrivals;
  arrivals.reserve(record_->arrival_count);
  std::vector<std::vector<std::uint8_t>> copies;  // what arrivals with other bytes than the first point into
  copies.reserve(record_->entry_count);
  for (const Entry& entry : entries()) {
    const StreamOffset length = (entry.end - entry.begin) / entry.count;
    for (StreamOffset begin = entry.begin; begin < entry.end; begin += length) {
      auto [bytes_at, bytes] = kept_part(begin, begin + length);
      if (entry.copy_length > 0) {
        std::vector<std::uint8_t>& own = copies.emplace_back(bytes.begin(), bytes.end());
        const StreamOffset copy_begin = std::max(entry.copy_begin, bytes_at);
        const StreamOffset copy_end =
            std::min(entry.copy_begin + static_cast<StreamOffset>(entry.copy_length),
                     bytes_at + static_cast<StreamOffset>(own.size()));
        if (copy_begin < copy_end) {
          std::copy_n(record_->copies.begin() + entry.copy_at + (copy_begin - entry.copy_begin),
                      copy_end - copy_begin, own.begin() + (copy_begin - bytes_at));
        }
        bytes = own;
      }
      arrivals.push_back({begin, begin + length, entry.in_order, bytes, bytes_at});
    }
  }
  return reassembly::readings(arrivals, asked, policy, limits);
}

void SegmentLog::delivered(const Assembler& kept) {
  if (!kept.has_islands()) {
    reset();
    return;
  }
  conflict_.begin = std::max(conflict_.begin, kept.in_order());
  if (conflict_.begin >= conflict_.end) conflict_ = {};
}

void SegmentLog::reset() {
  if (record_ != nullptr) pool_->records_.give_back(record_);
  record_ = nullptr;
  conflict_ = {};
  lossy_ = false;
}

}  // namespace lockstep::reassembly
