// The few link headers that the packets of many flows travel in, each kept once: what a reset needs when no
// packet of its flow is at hand. Bounded: when it is full further ones are not kept, and such flows are reset
// only by packets that come. Not for several threads.
#pragma once
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "reassembly/build.hpp"

namespace lockstep {

class FramingTable {
 public:
  using Index = std::uint16_t;
  static constexpr Index none = 0xffff;

  explicit FramingTable(std::size_t limit = 4096) : limit_(limit) { framings_.reserve(limit); }

  // The number of this framing, kept from now on; `none` if there is no room.
  [[nodiscard]] Index intern(const reassembly::Framing& framing);
  [[nodiscard]] const reassembly::Framing& at(Index index) const { return framings_[index]; }

 private:
  [[nodiscard]] static std::string_view view(const reassembly::Framing& framing);

  std::size_t limit_;
  std::vector<reassembly::Framing> framings_;  // never moves: reserved
  std::unordered_map<std::string_view, Index> numbers_;
};

}  // namespace lockstep
