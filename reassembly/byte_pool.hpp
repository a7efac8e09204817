// The memory of all assemblers of one worker: fixed-size blocks for bytes and nodes for islands, made at
// start, never grown. Not thread-safe: one pool a worker. A quarter of the blocks is reserved for data that
// is in order, so that out-of-order data of many flows can't stop the streams that would drain them (the pool
// never wedges).
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include <boost/intrusive/set.hpp>
#include <boost/intrusive/slist.hpp>

#include "reassembly/seq.hpp"

namespace lockstep::reassembly {

// Bytes [index * size, (index + 1) * size) of one direction's stream; which of them are valid is known
// elsewhere.
struct Block : boost::intrusive::set_base_hook<boost::intrusive::optimize_size<true>> {
  static constexpr std::size_t size = 2048;
  StreamOffset index = 0;
  std::array<std::uint8_t, size> bytes;
};

// A run of bytes ahead of a hole: [begin, end).
struct Island : boost::intrusive::set_base_hook<boost::intrusive::optimize_size<true>> {
  StreamOffset begin = 0;
  StreamOffset end = 0;
};

// A slab of T: the memory is reserved once, an item is constructed when it is first handed out (so that a
// large limit costs nothing until it is needed) and handed out again last-in-first-out, the hottest first.
// Items own nothing and are not destroyed.
template <class T>
class Slab {
 public:
  explicit Slab(std::size_t count)
      : memory_(std::make_unique_for_overwrite<std::byte[]>(count * sizeof(T))), capacity_(count) {
    static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    free_.reserve(count);
  }
  // nullptr if none is left. What the item held before stays in it.
  [[nodiscard]] T* take() {
    if (!free_.empty()) {
      T* item = free_.back();
      free_.pop_back();
      return item;
    }
    if (used_ == capacity_) return nullptr;
    return new (memory_.get() + used_++ * sizeof(T)) T;
  }
  void give_back(T* item) { free_.push_back(item); }
  [[nodiscard]] std::size_t available() const { return capacity_ - used_ + free_.size(); }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }

 private:
  std::unique_ptr<std::byte[]> memory_;
  std::vector<T*> free_;
  std::size_t capacity_;
  std::size_t used_ = 0;  // items that were handed out at least once
};

class BytePool {
 public:
  // `blocks` blocks of Block::size bytes; `islands` runs ahead of holes over all flows.
  BytePool(std::size_t blocks, std::size_t islands)
      : blocks_(blocks), islands_(islands), reserve_(blocks / 4) {}

  [[nodiscard]] bool has_blocks(std::size_t count, bool in_order) const {
    return blocks_.available() >= count + (in_order ? 0 : reserve_);
  }
  [[nodiscard]] bool has_island() const { return islands_.available() > 0; }
  [[nodiscard]] Slab<Block>& blocks() { return blocks_; }
  [[nodiscard]] Slab<Island>& islands() { return islands_; }
  [[nodiscard]] std::size_t blocks_in_use() const { return blocks_.capacity() - blocks_.available(); }
  [[nodiscard]] std::size_t islands_in_use() const { return islands_.capacity() - islands_.available(); }
  // One measure of both, as there are two islands a block: what one flow or source takes from the others.
  [[nodiscard]] std::size_t pieces_in_use() const { return 2 * blocks_in_use() + islands_in_use(); }
  [[nodiscard]] std::size_t pieces() const { return 2 * blocks_.capacity(); }

 private:
  Slab<Block> blocks_;
  Slab<Island> islands_;
  std::size_t reserve_;
};

}  // namespace lockstep::reassembly
