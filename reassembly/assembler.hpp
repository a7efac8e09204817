// One direction's bytes by 64-bit offset, one value per byte position. Which bytes have come (a frontier and
// a set of islands ahead of it) and the bytes themselves (blocks) are two structures.
//
//        kept_from          in_order
//   ........|==================|.......|=====|....|==|......
//   released   in order, kept     hole  island     island
//
// Invariants: kept_from <= in_order; islands are disjoint, not adjacent, sorted, all beyond in_order; every
// block holds at least one byte that is kept or belongs to an island.
//
// A byte once inserted never changes (but by replace()): callers compare() and overlay() what comes again.
// Bounds: the pool's blocks and islands; a refused question (room_for) leaves no trace, insert() after a
// granted one can't fail. Not thread-safe; the pool must outlive the assembler.
#pragma once
#include <algorithm>
#include <cstdint>
#include <span>

#include "reassembly/byte_pool.hpp"
#include "reassembly/seq.hpp"

namespace lockstep::reassembly {

class Assembler {
 public:
  explicit Assembler(BytePool& pool) : pool_(&pool) {}
  Assembler(const Assembler&) = delete;
  Assembler& operator=(const Assembler&) = delete;
  Assembler(Assembler&& other) noexcept;
  Assembler& operator=(Assembler&& other) noexcept;
  ~Assembler() { clear(); }

  [[nodiscard]] StreamOffset in_order() const { return in_order_; }
  [[nodiscard]] StreamOffset kept_from() const { return kept_from_; }
  [[nodiscard]] bool has_islands() const { return !islands_.empty(); }
  [[nodiscard]] std::uint32_t island_count() const { return island_count_; }
  [[nodiscard]] std::uint32_t bytes_ahead() const { return bytes_ahead_; }
  // First island's begin; in_order() if there is none.
  [[nodiscard]] StreamOffset first_island() const {
    return islands_.empty() ? in_order_ : islands_.begin()->begin;
  }
  // End of the last byte held, in order or ahead.
  [[nodiscard]] StreamOffset end() const { return islands_.empty() ? in_order_ : islands_.rbegin()->end; }

  // Where the frontier would stand after insert(offset, length bytes).
  [[nodiscard]] StreamOffset in_order_after(StreamOffset offset, std::size_t length) const;

  // How bytes that come (again) at `offset` relate to those kept.
  struct Difference {
    bool in_order = false;  // some byte in [kept_from, in_order) has another value
    bool ahead = false;     // some byte of an island has another value
  };
  [[nodiscard]] Difference compare(StreamOffset offset, std::span<const std::uint8_t> bytes) const;

  // Writes the kept values over `bytes`, wherever some are kept.
  void overlay(StreamOffset offset, std::span<std::uint8_t> bytes) const;

  [[nodiscard]] bool room_for(StreamOffset offset, std::size_t length) const;

  // Keeps those of the bytes that are new. Bytes left of in_order are ignored.
  void insert(StreamOffset offset, std::span<const std::uint8_t> bytes);

  // Calls use(std::span<const std::uint8_t>) for consecutive runs that make up the kept bytes [from, to).
  template <class Use>
  void read(StreamOffset from, StreamOffset to, Use use) const;
  void copy(StreamOffset from, std::span<std::uint8_t> to) const;

  // Observing: in-order bytes that are kept take the value that the host was found to have read.
  void replace(StreamOffset offset, std::span<const std::uint8_t> bytes) { write(offset, bytes); }

  // Forgets in-order bytes left of `before` (bounded by in_order). Whole blocks return to the pool.
  void release(StreamOffset before);

  // Moves the frontier to `offset` over bytes that will never come: nothing left of it is kept. Islands that
  // the new frontier touches become in order.
  void skip_to(StreamOffset offset);

  // Takes back the frontier to `offset` < in_order(), because the true start of the stream turned out to lie
  // there: what was kept as in order becomes an island (or is forgotten, if the pool has no island left).
  void retreat_to(StreamOffset offset);

  // For an assembler that holds nothing yet: the stream starts at `offset`.
  void start_at(StreamOffset offset);

  void clear();

 private:
  struct ByIndex {
    using type = StreamOffset;
    type operator()(const Block& block) const { return block.index; }
  };
  struct ByBegin {
    using type = StreamOffset;
    type operator()(const Island& island) const { return island.begin; }
  };
  using Blocks = boost::intrusive::set<Block, boost::intrusive::key_of_value<ByIndex>,
                                       boost::intrusive::constant_time_size<false>>;
  using Islands = boost::intrusive::set<Island, boost::intrusive::key_of_value<ByBegin>,
                                        boost::intrusive::constant_time_size<false>>;
  static constexpr StreamOffset block_size = static_cast<StreamOffset>(Block::size);
  static constexpr StreamOffset index_of(StreamOffset offset) {
    return offset >= 0 ? offset / block_size : -((-offset + block_size - 1) / block_size);
  }

  [[nodiscard]] std::size_t blocks_missing(StreamOffset from, StreamOffset to) const;
  Block& block_for(StreamOffset index);
  void write(StreamOffset from, std::span<const std::uint8_t> bytes);
  void write_new(StreamOffset from, std::span<const std::uint8_t> bytes);
  void add_island(StreamOffset from, StreamOffset to);
  void absorb_islands();
  void drop_island(const Islands::iterator& island);
  void drop_blocks_before(StreamOffset index);
  // Calls use(from, to, kept bytes) for the parts of [from, to) that are kept.
  template <class Use>
  void for_each_kept(StreamOffset from, StreamOffset to, Use use) const;

  BytePool* pool_;
  Blocks blocks_;
  Islands islands_;
  StreamOffset in_order_ = 0;
  StreamOffset kept_from_ = 0;
  std::uint32_t bytes_ahead_ = 0;
  std::uint32_t island_count_ = 0;
};

template <class Use>
void Assembler::read(StreamOffset from, StreamOffset to, Use use) const {
  auto block = from < to ? blocks_.find(index_of(from)) : blocks_.end();
  while (from < to) {
    const StreamOffset start = from - block->index * block_size;
    const StreamOffset length = std::min(to - from, block_size - start);
    use(std::span<const std::uint8_t>(block->bytes.data() + start, static_cast<std::size_t>(length)));
    from += length;
    ++block;
  }
}

}  // namespace lockstep::reassembly
