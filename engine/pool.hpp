// Memory that is reserved once, at start, and never grows: a zeroed array and a pool of equal objects. Pages
// are touched when first used, so a large limit costs address space until it is needed. Not for several
// threads.
#pragma once
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) (static_cast<void>(address), static_cast<void>(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) (static_cast<void>(address), static_cast<void>(size))
#endif

namespace lockstep {

// Zeroed bytes from the system, aligned to a page, on huge pages where the kernel gives them. The constructor
// throws std::bad_alloc when the address space is refused: limits that can't be met end the program at start.
class Slab {
 public:
  explicit Slab(std::size_t bytes);
  ~Slab();
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// A fixed array whose elements start as zero bytes.
template <class T>
class ZeroedArray {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  explicit ZeroedArray(std::size_t size) : slab_(size * sizeof(T)), size_(size) {}

  [[nodiscard]] std::size_t size() const { return size_; }
  T& operator[](std::size_t index) {
    assert(index < size_);
    return data()[index];
  }
  const T& operator[](std::size_t index) const {
    assert(index < size_);
    return data()[index];
  }

 private:
  [[nodiscard]] T* data() const { return std::launder(reinterpret_cast<T*>(slab_.data())); }
  Slab slab_;
  std::size_t size_;
};

// At most `capacity` objects of one type. A released place is the first to be used again, so that it is still
// in the cache. Places have numbers from 0, which stay with an object as long as it lives. The owner releases
// every object before the pool goes.
template <class T>
class Pool {
 public:
  explicit Pool(std::size_t capacity)
      : slab_(capacity * sizeof(Place)), capacity_(static_cast<std::uint32_t>(capacity)) {
    assert(capacity < none);
    ASAN_POISON_MEMORY_REGION(slab_.data(), slab_.size());
  }
  ~Pool() {
    assert(in_use_ == 0);
    ASAN_UNPOISON_MEMORY_REGION(slab_.data(), slab_.size());
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // nullptr, counted in refused(), when every place is in use.
  template <class... Args>
  [[nodiscard]] T* make(Args&&... args) {
    std::uint32_t index = free_;
    if (index != none) {
      ASAN_UNPOISON_MEMORY_REGION(place(index), sizeof(Place));
      free_ = next_free(index);
    } else if (fresh_ < capacity_) {
      index = fresh_++;
      ASAN_UNPOISON_MEMORY_REGION(place(index), sizeof(Place));
    } else {
      ++refused_;
      return nullptr;
    }
    if (++in_use_ > peak_) peak_ = in_use_;
    return std::construct_at(reinterpret_cast<T*>(place(index)), std::forward<Args>(args)...);
  }

  void release(T& object) {
    const std::uint32_t index = index_of(object);
    std::destroy_at(&object);
    std::construct_at(reinterpret_cast<std::uint32_t*>(place(index)), free_);
    free_ = index;
    --in_use_;
    if constexpr (sizeof(Place) > 8) ASAN_POISON_MEMORY_REGION(place(index) + 8, sizeof(Place) - 8);
  }

  // Every object in the order of its place; `visit(T&)` may release the one that it is given, and make none.
  // Takes memory for its own use: not for the way of a packet.
  template <class Visit>
  void for_each(Visit&& visit) {
    std::vector<bool> vacant(fresh_);
    for (std::uint32_t index = free_; index != none; index = next_free(index)) vacant[index] = true;
    for (std::uint32_t index = 0; index < vacant.size(); ++index) {
      if (!vacant[index]) visit((*this)[index]);
    }
  }

  [[nodiscard]] std::uint32_t index_of(const T& object) const {
    const auto offset = reinterpret_cast<const std::byte*>(&object) - slab_.data();
    assert(offset >= 0 && static_cast<std::size_t>(offset) < slab_.size());
    return static_cast<std::uint32_t>(static_cast<std::size_t>(offset) / sizeof(Place));
  }
  // The place must be in use.
  [[nodiscard]] T& operator[](std::uint32_t index) const {
    assert(index < fresh_);
    return *std::launder(reinterpret_cast<T*>(place(index)));
  }

  [[nodiscard]] std::uint32_t capacity() const { return capacity_; }
  [[nodiscard]] std::uint32_t in_use() const { return in_use_; }
  [[nodiscard]] std::uint32_t peak() const { return peak_; }
  [[nodiscard]] std::uint64_t refused() const { return refused_; }
  [[nodiscard]] bool full() const { return in_use_ == capacity_; }
  static constexpr std::size_t bytes_per_object() { return sizeof(Place); }

 private:
  static constexpr std::uint32_t none = UINT32_MAX;
  union alignas(alignof(T) > alignof(std::uint32_t) ? alignof(T) : alignof(std::uint32_t)) Place {
    std::byte object[sizeof(T)];
    std::uint32_t next_free;
  };

  [[nodiscard]] std::byte* place(std::uint32_t index) const { return slab_.data() + index * sizeof(Place); }
  [[nodiscard]] std::uint32_t next_free(std::uint32_t index) const {
    return *std::launder(reinterpret_cast<std::uint32_t*>(place(index)));
  }

  Slab slab_;
  std::uint32_t capacity_;
  std::uint32_t fresh_ = 0;  // places from here on were never used
  std::uint32_t free_ = none;
  std::uint32_t in_use_ = 0;
  std::uint32_t peak_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace lockstep
