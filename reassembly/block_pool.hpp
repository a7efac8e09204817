// Copies of frames in chains of fixed blocks, allocated once. A chain is named by its first block.
#pragma once
#include <algorithm>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace lockstep::reassembly {

class BlockPool {
 public:
  static constexpr std::uint32_t block_size = 512;
  static constexpr std::uint32_t none = 0xffffffffU;

  explicit BlockPool(std::uint32_t blocks)
      : bytes_(std::size_t{blocks} * block_size), next_(blocks), free_(blocks) {
    for (std::uint32_t i = 0; i < blocks; ++i) next_[i] = i + 1 < blocks ? i + 1 : none;
    first_free_ = blocks != 0 ? 0 : none;
  }

  [[nodiscard]] static std::uint32_t blocks_for(std::size_t bytes) {
    return static_cast<std::uint32_t>((bytes + block_size - 1) / block_size);
  }
  [[nodiscard]] std::uint32_t free() const { return free_; }
  [[nodiscard]] std::uint32_t capacity() const { return static_cast<std::uint32_t>(next_.size()); }

  // The caller has seen to it that blocks_for(bytes.size()) are free; `bytes` is not empty.
  [[nodiscard]] std::uint32_t store(std::span<const std::uint8_t> bytes) {
    assert(!bytes.empty() && blocks_for(bytes.size()) <= free_);
    const std::uint32_t first = first_free_;
    std::uint32_t last = none;
    for (std::size_t at = 0; at < bytes.size(); at += block_size) {
      last = first_free_;
      std::memcpy(&bytes_[std::size_t{last} * block_size], &bytes[at],
                  std::min<std::size_t>(block_size, bytes.size() - at));
      first_free_ = next_[last];
      --free_;
    }
    next_[last] = none;
    return first;
  }

  // Copies [from, from + out.size()) of a chain.
  void load(std::uint32_t chain, std::uint32_t from, std::span<std::uint8_t> out) const {
    for (; from >= block_size; from -= block_size) chain = next_[chain];
    for (std::size_t done = 0; done < out.size(); chain = next_[chain], from = 0) {
      const std::size_t part = std::min<std::size_t>(block_size - from, out.size() - done);
      std::memcpy(&out[done], &bytes_[std::size_t{chain} * block_size + from], part);
      done += part;
    }
  }

  [[nodiscard]] bool equal(std::uint32_t chain, std::uint32_t from,
                           std::span<const std::uint8_t> with) const {
    for (; from >= block_size; from -= block_size) chain = next_[chain];
    for (std::size_t done = 0; done < with.size(); chain = next_[chain], from = 0) {
      const std::size_t part = std::min<std::size_t>(block_size - from, with.size() - done);
      if (std::memcmp(&with[done], &bytes_[std::size_t{chain} * block_size + from], part) != 0) return false;
      done += part;
    }
    return true;
  }

  void release(std::uint32_t chain) {
    while (chain != none) {
      const std::uint32_t after = next_[chain];
      next_[chain] = first_free_;
      first_free_ = chain;
      ++free_;
      chain = after;
    }
  }

 private:
  std::vector<std::uint8_t> bytes_;
  std::vector<std::uint32_t> next_;
  std::uint32_t first_free_ = none;
  std::uint32_t free_ = 0;
};

}  // namespace lockstep::reassembly
