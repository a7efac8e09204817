#include "signatures/byte_search.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

namespace lockstep::signatures {
namespace {

// Higher is more common. Text dominates what is scanned in the clear; zero and 0xff dominate binary
// protocols.
unsigned commonness(std::uint8_t byte) {
  static constexpr std::string_view by_frequency = "zqxjkvbpygfwmucldrhsnioate ";
  const auto place = by_frequency.find(static_cast<char>(to_lower(byte)));
  if (place != std::string_view::npos) return 100 + static_cast<unsigned>(place);
  if (byte == 0) return 130;
  if (byte == 0xff || byte == '\r' || byte == '\n') return 90;
  if (byte >= '0' && byte <= '9') return 80;
  if (byte > ' ' && byte < 0x7f) return 60;
  return 20;
}

constexpr std::size_t block = 64;

struct Folded {
  std::uint8_t lower;
  std::uint8_t upper;
  explicit Folded(std::uint8_t byte)
      : lower(byte), upper(byte >= 'a' && byte <= 'z' ? static_cast<std::uint8_t>(byte & ~0x20U) : byte) {}
  [[nodiscard]] bool is(std::uint8_t byte) const { return (byte == lower) | (byte == upper); }
};

// Whether both bytes stand at their places somewhere in the block: words of common letters share single bytes
// with nearly every block, pairs with few. Written so that compilers turn it into vector compares.
bool block_has(const std::uint8_t* first, Folded one, const std::uint8_t* second, Folded other) {
  std::uint8_t any = 0;
  for (std::size_t i = 0; i < block; ++i)
    any = static_cast<std::uint8_t>(any | (one.is(first[i]) & other.is(second[i])));
  return any != 0;
}

}  // namespace

std::size_t rarest_byte(Bytes bytes) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < bytes.size(); ++i)
    if (commonness(bytes[i]) < commonness(bytes[best])) best = i;
  return best;
}

std::optional<std::size_t> find_exact(Bytes haystack, Bytes needle) {
  if (haystack.size() < needle.size()) return std::nullopt;
  const void* found = memmem(haystack.data(), haystack.size(), needle.data(), needle.size());
  if (found == nullptr) return std::nullopt;
  return static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - haystack.data());
}

bool equal_folded(const std::uint8_t* bytes, Bytes lower) {
  for (std::size_t i = 0; i < lower.size(); ++i)
    if (to_lower(bytes[i]) != lower[i]) return false;
  return true;
}

std::optional<std::size_t> find_folded(Bytes haystack, Bytes needle, std::size_t anchor) {
  if (haystack.size() < needle.size()) return std::nullopt;
  const std::size_t starts = haystack.size() - needle.size() + 1;
  const std::size_t beside = anchor > 0 ? anchor - 1 : std::min<std::size_t>(1, needle.size() - 1);
  const Folded rare(needle[anchor]);
  const Folded near(needle[beside]);
  const std::uint8_t* first = haystack.data() + anchor;
  const std::uint8_t* second = haystack.data() + beside;
  for (std::size_t i = 0; i < starts;) {
    const std::size_t end = std::min(i + block, starts);
    if (end - i == block && !block_has(first + i, rare, second + i, near)) {
      i = end;
      continue;
    }
    for (; i < end; ++i)
      if (rare.is(first[i]) && near.is(second[i]) && equal_folded(haystack.data() + i, needle)) return i;
  }
  return std::nullopt;
}

}  // namespace lockstep::signatures
