#include "reassembly/assembler.hpp"

#include <cassert>
#include <cstring>
#include <utility>

namespace lockstep::reassembly {

Assembler::Assembler(Assembler&& other) noexcept
    : pool_(other.pool_),
      blocks_(std::move(other.blocks_)),
      islands_(std::move(other.islands_)),
      in_order_(other.in_order_),
      kept_from_(other.kept_from_),
      bytes_ahead_(std::exchange(other.bytes_ahead_, 0)),
      island_count_(std::exchange(other.island_count_, 0)) {}

Assembler& Assembler::operator=(Assembler&& other) noexcept {
  if (this == &other) return *this;
  clear();
  pool_ = other.pool_;
  blocks_ = std::move(other.blocks_);
  islands_ = std::move(other.islands_);
  in_order_ = other.in_order_;
  kept_from_ = other.kept_from_;
  bytes_ahead_ = std::exchange(other.bytes_ahead_, 0);
  island_count_ = std::exchange(other.island_count_, 0);
  return *this;
}

StreamOffset Assembler::in_order_after(StreamOffset offset, std::size_t length) const {
  const StreamOffset end = offset + static_cast<StreamOffset>(length);
  if (offset > in_order_ || end <= in_order_) return in_order_;
  StreamOffset reached = end;
  for (auto island = islands_.begin(); island != islands_.end() && island->begin <= reached; ++island) {
    reached = std::max(reached, island->end);
  }
  return reached;
}

template <class Use>
void Assembler::for_each_kept(StreamOffset from, StreamOffset to, Use use) const {
  const StreamOffset left = std::max(from, kept_from_);
  const StreamOffset right = std::min(to, in_order_);
  if (left < right) use(left, right, true);
  if (to <= in_order_ || islands_.empty()) return;
  auto island = islands_.upper_bound(from);
  if (island != islands_.begin() && std::prev(island)->end > from) --island;
  for (; island != islands_.end() && island->begin < to; ++island) {
    use(std::max(from, island->begin), std::min(to, island->end), false);
  }
}

Assembler::Difference Assembler::compare(StreamOffset offset, std::span<const std::uint8_t> bytes) const {
  Difference difference;
  const StreamOffset end = offset + static_cast<StreamOffset>(bytes.size());
  for_each_kept(offset, end, [&](StreamOffset from, StreamOffset to, bool in_order) {
    const std::uint8_t* mine = bytes.data() + (from - offset);
    bool differs = false;
    read(from, to, [&](std::span<const std::uint8_t> kept) {
      differs = differs || std::memcmp(mine, kept.data(), kept.size()) != 0;
      mine += kept.size();
    });
    (in_order ? difference.in_order : difference.ahead) |= differs;
  });
  return difference;
}

void Assembler::overlay(StreamOffset offset, std::span<std::uint8_t> bytes) const {
  const StreamOffset end = offset + static_cast<StreamOffset>(bytes.size());
  for_each_kept(offset, end, [&](StreamOffset from, StreamOffset to, bool) {
    copy(from, bytes.subspan(static_cast<std::size_t>(from - offset), static_cast<std::size_t>(to - from)));
  });
}

void Assembler::copy(StreamOffset from, std::span<std::uint8_t> to) const {
  std::uint8_t* at = to.data();
  read(from, from + static_cast<StreamOffset>(to.size()), [&](std::span<const std::uint8_t> kept) {
    std::memcpy(at, kept.data(), kept.size());
    at += kept.size();
  });
}

std::size_t Assembler::blocks_missing(StreamOffset from, StreamOffset to) const {
  std::size_t missing = 0;
  const StreamOffset last = index_of(to - 1);
  StreamOffset index = index_of(from);
  // In-order data nearly always starts in the last block or right behind it.
  if (!blocks_.empty() && index >= blocks_.rbegin()->index) {
    return static_cast<std::size_t>(last - std::max(index, blocks_.rbegin()->index + 1) + 1);
  }
  for (auto block = blocks_.lower_bound(index); index <= last; ++index) {
    if (block != blocks_.end() && block->index == index) {
      ++block;
    } else {
      ++missing;
    }
  }
  return missing;
}

bool Assembler::room_for(StreamOffset offset, std::size_t length) const {
  const StreamOffset from = std::max(offset, in_order_);
  const StreamOffset to = offset + static_cast<StreamOffset>(length);
  if (from >= to) return true;
  const bool in_order = offset <= in_order_;
  return pool_->has_blocks(blocks_missing(from, to), in_order) && (in_order || pool_->has_island());
}

Block& Assembler::block_for(StreamOffset index) {
  if (!blocks_.empty() && blocks_.rbegin()->index == index) return *blocks_.rbegin();
  const bool at_end = blocks_.empty() || index > blocks_.rbegin()->index;
  if (!at_end) {
    if (auto found = blocks_.find(index); found != blocks_.end()) return *found;
  }
  Block* block = pool_->blocks().take();
  assert(block != nullptr && "insert() without room_for()");
  block->index = index;
  if (at_end) {
    blocks_.push_back(*block);
  } else {
    blocks_.insert(*block);
  }
  return *block;
}

void Assembler::write(StreamOffset from, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const StreamOffset index = index_of(from);
    const auto start = static_cast<std::size_t>(from - index * block_size);
    const std::size_t length = std::min(bytes.size(), Block::size - start);
    std::memcpy(block_for(index).bytes.data() + start, bytes.data(), length);
    bytes = bytes.subspan(length);
    from += static_cast<StreamOffset>(length);
  }
}

// Writes only where no island holds a value already.
void Assembler::write_new(StreamOffset from, std::span<const std::uint8_t> bytes) {
  const StreamOffset to = from + static_cast<StreamOffset>(bytes.size());
  auto part = [&](StreamOffset a, StreamOffset b) {
    if (a < b) write(a, bytes.subspan(static_cast<std::size_t>(a - from), static_cast<std::size_t>(b - a)));
  };
  StreamOffset at = from;
  for_each_kept(from, to, [&](StreamOffset kept_from, StreamOffset kept_to, bool) {
    part(at, kept_from);
    at = kept_to;
  });
  part(at, to);
}

void Assembler::insert(StreamOffset offset, std::span<const std::uint8_t> bytes) {
  if (offset < in_order_) {
    const auto known = std::min<std::uint64_t>(bytes.size(), static_cast<std::uint64_t>(in_order_ - offset));
    bytes = bytes.subspan(known);
    offset += static_cast<StreamOffset>(known);
  }
  if (bytes.empty()) return;
  const StreamOffset end = offset + static_cast<StreamOffset>(bytes.size());
  if (islands_.empty()) {
    write(offset, bytes);
  } else {
    write_new(offset, bytes);
  }
  if (offset == in_order_) {
    in_order_ = end;
    if (!islands_.empty()) absorb_islands();
  } else {
    add_island(offset, end);
  }
}

void Assembler::drop_island(const Islands::iterator& island) {
  bytes_ahead_ -= static_cast<std::uint32_t>(island->end - island->begin);
  --island_count_;
  islands_.erase_and_dispose(island, [this](Island* gone) { pool_->islands().give_back(gone); });
}

void Assembler::add_island(StreamOffset from, StreamOffset to) {
  auto next = islands_.upper_bound(from);
  if (next != islands_.begin() && std::prev(next)->end >= from) --next;
  // Swallow every island that touches [from, to).
  while (next != islands_.end() && next->begin <= to) {
    from = std::min(from, next->begin);
    to = std::max(to, next->end);
    drop_island(next++);
  }
  Island* island = pool_->islands().take();
  assert(island != nullptr && "insert() without room_for()");
  island->begin = from;
  island->end = to;
  islands_.insert(*island);
  bytes_ahead_ += static_cast<std::uint32_t>(to - from);
  ++island_count_;
}

void Assembler::absorb_islands() {
  while (!islands_.empty() && islands_.begin()->begin <= in_order_) {
    in_order_ = std::max(in_order_, islands_.begin()->end);
    drop_island(islands_.begin());
  }
}

void Assembler::drop_blocks_before(StreamOffset index) {
  while (!blocks_.empty() && blocks_.begin()->index < index) {
    blocks_.erase_and_dispose(blocks_.begin(), [this](Block* gone) { pool_->blocks().give_back(gone); });
  }
}

void Assembler::release(StreamOffset before) {
  const StreamOffset to = std::min(before, in_order_);
  if (to <= kept_from_) return;
  kept_from_ = to;
  // Nothing kept and nothing ahead: the last block, half full, goes as well.
  drop_blocks_before(kept_from_ == in_order_ && islands_.empty() ? index_of(in_order_) + 1
                                                                 : index_of(kept_from_));
}

void Assembler::skip_to(StreamOffset offset) {
  assert(offset >= in_order_);
  while (!islands_.empty() && islands_.begin()->end <= offset) drop_island(islands_.begin());
  StreamOffset reached = offset;
  if (!islands_.empty() && islands_.begin()->begin < offset) {
    reached = islands_.begin()->end;
    drop_island(islands_.begin());
  }
  in_order_ = reached;
  kept_from_ = offset;
  absorb_islands();
  drop_blocks_before(kept_from_ == in_order_ && islands_.empty() ? index_of(in_order_) + 1
                                                                 : index_of(kept_from_));
}

void Assembler::retreat_to(StreamOffset offset) {
  assert(offset < in_order_);
  const StreamOffset from = kept_from_;
  const StreamOffset to = in_order_;
  if (from < to && !pool_->has_island()) clear();
  const bool keep = kept_from_ < to;
  in_order_ = kept_from_ = offset;
  if (!keep) return;
  add_island(from, to);
  absorb_islands();
}

void Assembler::start_at(StreamOffset offset) {
  assert(blocks_.empty());
  in_order_ = kept_from_ = offset;
}

void Assembler::clear() {
  islands_.clear_and_dispose([this](Island* gone) { pool_->islands().give_back(gone); });
  blocks_.clear_and_dispose([this](Block* gone) { pool_->blocks().give_back(gone); });
  bytes_ahead_ = 0;
  island_count_ = 0;
  kept_from_ = in_order_;
}

}  // namespace lockstep::reassembly
