// Finding one literal in bytes: the two searches that evaluation of a rule uses. Pure, no allocation.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace lockstep::signatures {

using Bytes = std::span<const std::uint8_t>;

// ASCII only: rules and traffic know no locale.
[[nodiscard]] constexpr std::uint8_t to_lower(std::uint8_t byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<std::uint8_t>(byte | 0x20) : byte;
}

// Index of the first occurrence of a needle that is not empty.
[[nodiscard]] std::optional<std::size_t> find_exact(Bytes haystack, Bytes needle);
// The same with case ignored; the needle is in lower case and `anchor` is the index of its rarest byte.
[[nodiscard]] std::optional<std::size_t> find_folded(Bytes haystack, Bytes needle, std::size_t anchor);
[[nodiscard]] bool equal_folded(const std::uint8_t* bytes, Bytes lower);

// Index of the byte of `bytes` that ordinary traffic holds least often.
[[nodiscard]] std::size_t rarest_byte(Bytes bytes);

}  // namespace lockstep::signatures
