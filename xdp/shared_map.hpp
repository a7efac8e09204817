// A pinned map of the kernel program, as a descriptor or as memory. Move-only.
#pragma once
#include <cstddef>
#include <span>
#include <string>

#include <tl/expected.hpp>

namespace lockstep::xdp {

class Map {
 public:
  Map() = default;
  explicit Map(int descriptor) : descriptor_(descriptor) {}
  Map(Map&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Map& operator=(Map&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Map();
  // The error names the file.
  [[nodiscard]] static tl::expected<Map, std::string> open(const std::string& pins, const char* name);

  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  int descriptor_ = -1;
};

// The elements of a map that may be mapped, in place: what one side writes the other reads.
template <class T>
class Elements {
 public:
  Elements() = default;
  Elements(Elements&& other) noexcept : elements_(std::exchange(other.elements_, {})) {}
  Elements& operator=(Elements&& other) noexcept {
    std::swap(elements_, other.elements_);
    return *this;
  }
  ~Elements();
  [[nodiscard]] static tl::expected<Elements, std::string> open(const std::string& pins, const char* name,
                                                                std::size_t count);

  [[nodiscard]] std::span<T> get() const { return elements_; }
  [[nodiscard]] T& operator[](std::size_t at) const { return elements_[at]; }

 private:
  std::span<T> elements_;
};

// The memory of a map of `bytes`; null: errno tells why.
[[nodiscard]] void* map_memory(int descriptor, std::size_t bytes);
void unmap_memory(void* memory, std::size_t bytes);

template <class T>
Elements<T>::~Elements() {
  if (!elements_.empty()) unmap_memory(elements_.data(), elements_.size_bytes());
}

// Defined for the element types of xdp/lockstep.h.
template <class T>
tl::expected<Elements<T>, std::string> Elements<T>::open(const std::string& pins, const char* name,
                                                         std::size_t count) {
  auto map = Map::open(pins, name);
  if (!map) return tl::unexpected(map.error());
  static_assert(sizeof(T) % 8 == 0, "the kernel rounds elements up to eight bytes");
  void* memory = map_memory(map->descriptor(), count * sizeof(T));
  if (memory == nullptr) return tl::unexpected(pins + "/" + name + ": it can't be mapped");
  Elements elements;
  elements.elements_ = {static_cast<T*>(memory), count};
  return elements;
}

}  // namespace lockstep::xdp
