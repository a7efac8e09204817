// Which way a packet goes. Functions take a direction, or (sender, receiver); nothing is written twice for
// the two.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lockstep::reassembly {

enum class Direction : std::uint8_t { to_server, to_client };

[[nodiscard]] constexpr Direction reverse(Direction direction) {
  return direction == Direction::to_server ? Direction::to_client : Direction::to_server;
}
[[nodiscard]] constexpr std::string_view name(Direction direction) {
  return direction == Direction::to_server ? "to_server" : "to_client";
}
[[nodiscard]] constexpr std::size_t index(Direction direction) {
  return static_cast<std::size_t>(direction);
}

// Of the two directions neither, one or both, in a byte.
class DirectionSet {
 public:
  void add(Direction direction) { bits_ = static_cast<std::uint8_t>(bits_ | 1U << index(direction)); }
  [[nodiscard]] bool has(Direction direction) const { return (bits_ >> index(direction) & 1U) != 0; }
  [[nodiscard]] bool any() const { return bits_ != 0; }

 private:
  std::uint8_t bits_ = 0;
};

}  // namespace lockstep::reassembly
