#include "engine/pool.hpp"

#include <sys/mman.h>

namespace lockstep {

Slab::Slab(std::size_t bytes) : size_(bytes == 0 ? 1 : bytes) {
  constexpr std::size_t huge_page = std::size_t{2} << 20U;
  void* memory =
      mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  // Random look-ups in a large table are bound by TLB misses. A kernel without huge pages refuses; that is no
  // error.
  if (size_ >= 4 * huge_page) static_cast<void>(madvise(memory, size_, MADV_HUGEPAGE));
  data_ = static_cast<std::byte*>(memory);
}

Slab::~Slab() {
  munmap(data_, size_);
}

}  // namespace lockstep
