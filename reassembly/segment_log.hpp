// Observing: what must be remembered of the segments of one direction, since its hole opened, so that a copy
// that differs can be judged as the host judged it. Ranges and order of all of them, for a host decides
// segment by segment and a late copy may conflict with any; bytes only where they differ from those first
// kept, which live in the Assembler.
//
// The session uses it so, for each payload that the receiver takes, at commit:
//
//   const StreamOffset from = assembler.in_order();
//   log.add(offset, payload, assembler);              // before insert: it compares with what is kept
//   assembler.insert(offset, payload);
//   if (assembler.in_order() > from) {                // [from, in_order) is readable now
//     for (const RunReadings& run : log.readings(assembler, from, assembler.in_order(), policy)) {...}
//     log.delivered(assembler);
//   }
//
// Bytes of [from, in_order) outside of the runs have one value, the Assembler's. Those of a run are its
// readings (often one, and then still not always the Assembler's, which keeps the first copy): the session
// gives each open reading its scanner, and closes those whose ModelSet shares no model with the run's
// reading. A run with `too_many` is a stream.ambiguous event; the session scans the readings that are listed,
// and the Assembler's bytes if there are none. After Assembler::skip_to call readings() from the offset
// skipped to, then delivered(); after retreat_to call reset().
//
// Where nothing is out of order add() returns at once and no memory is held; nor is a segment remembered that
// is in order and ends before the first island. Else one record is held until no island is left. Bounds: a
// record; when it is full, what lies left of the in-order end is forgotten, and if that makes no room (or the
// pool is empty) the log is `lossy` until delivered() finds no island: runs that conflict from then on are
// reported as too_many without readings. Segments of one length, each starting where the one before it ended,
// share an entry, so a loss in a bulk transfer costs a few entries.
//
// Not thread-safe; the pool must outlive the log. readings() allocates; nothing else does.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "reassembly/assembler.hpp"
#include "reassembly/overlap.hpp"

namespace lockstep::reassembly {

struct SegmentRecord {
  static constexpr std::size_t max_entries = 64;
  static constexpr std::size_t max_arrivals = 1024;     // segments that the entries stand for
  static constexpr std::size_t max_copy_bytes = 13312;  // bytes of copies that differ

  // `count` segments of equal length that make up [begin, end), taken one after another. If copy_length > 0
  // (and then count is 1) the bytes [copy_begin, copy_begin + copy_length) of it are copies[copy_at...].
  struct Entry {
    StreamOffset begin;
    StreamOffset end;
    StreamOffset in_order;
    StreamOffset copy_begin;
    std::uint32_t count;
    std::uint32_t copy_length;
    std::uint32_t copy_at;
  };
  std::uint32_t entry_count;
  std::uint32_t arrival_count;
  std::uint32_t copy_bytes;
  std::array<Entry, max_entries> entries;
  std::array<std::uint8_t, max_copy_bytes> copies;
};
static_assert(sizeof(SegmentRecord) <= 16 * 1024 + 512);

// The records of one worker's logs, made at start. Not thread-safe.
class SegmentLogPool {
 public:
  explicit SegmentLogPool(std::size_t records);
  [[nodiscard]] std::size_t available() const { return records_.available(); }

 private:
  friend class SegmentLog;
  static constexpr std::size_t longest_payload = 65535;
  Slab<SegmentRecord> records_;
  std::vector<std::uint8_t> scratch_;  // one payload
};

class SegmentLog {
 public:
  explicit SegmentLog(SegmentLogPool& pool) : pool_(&pool) {}
  SegmentLog(SegmentLog&& other) noexcept;
  SegmentLog& operator=(SegmentLog&& other) noexcept;
  ~SegmentLog() { reset(); }

  [[nodiscard]] bool active() const { return record_ != nullptr; }
  [[nodiscard]] bool lossy() const { return lossy_; }
  // Some byte beyond the in-order end, or delivered by the last add(), came with two values.
  [[nodiscard]] bool conflicts() const { return conflict_.begin < conflict_.end; }

  // A payload of at most 65,535 bytes that the receiver takes; `kept` does not have it yet.
  void add(StreamOffset offset, std::span<const std::uint8_t> bytes, const Assembler& kept);

  // The runs of [from, to) whose copies differ, ascending, with their readings. [from, to) is in order in
  // `kept` and not released yet. A run spans the first to the last differing byte of segments that are
  // connected by overlaps.
  [[nodiscard]] std::vector<RunReadings> readings(const Assembler& kept, StreamOffset from, StreamOffset to,
                                                  OverlapPolicy policy, ReadingLimits limits = {}) const;

  // [.., kept.in_order()) has been read.
  void delivered(const Assembler& kept);

  void reset();

 private:
  using Entry = SegmentRecord::Entry;
  [[nodiscard]] std::span<const Entry> entries() const {
    return std::span(record_->entries).first(record_->entry_count);
  }
  bool remember(const Entry& entry, std::span<const std::uint8_t> copy);
  [[nodiscard]] bool has_room(std::size_t copy_length) const;
  void forget_before(StreamOffset in_order);
  [[nodiscard]] std::vector<Run> runs(StreamOffset from, StreamOffset to) const;

  SegmentLogPool* pool_;
  SegmentRecord* record_ = nullptr;
  Run conflict_{};  // hull of all differing bytes not yet delivered; empty: none
  bool lossy_ = false;
};

}  // namespace lockstep::reassembly
