#include "reassembly/checksum.hpp"

#include <bit>
#include <cstring>

#include "reassembly/bytes.hpp"

namespace lockstep::reassembly {
namespace {

// Four 64-bit lanes: whatever vector width the compiler may use carries them, two SSE2 registers at the
// least.
using Lanes = std::uint64_t __attribute__((vector_size(32)));
constexpr std::size_t stride = 2 * sizeof(Lanes);

// The 32-bit words of each lane's low and high half, added up. The low halves' sum is had from the wrapped
// sum of the whole lanes: less the high halves' it is exact, since it stays below 2^64. No carry has to be
// caught.
[[gnu::always_inline]] inline std::uint64_t sum_strides_inline(const std::uint8_t* at, std::size_t strides) {
  Lanes whole_a{}, high_a{}, whole_b{}, high_b{};
  for (; strides != 0; --strides, at += stride) {
    Lanes a, b;
    std::memcpy(&a, at, sizeof a);
    std::memcpy(&b, at + sizeof a, sizeof b);
    whole_a += a;
    high_a += a >> 32;
    whole_b += b;
    high_b += b >> 32;
  }
  const Lanes high = high_a + high_b;
  const Lanes low = whole_a + whole_b - (high << 32);
  const Lanes all = low + high;
  return all[0] + all[1] + all[2] + all[3];
}

std::uint64_t sum_strides_plain(const std::uint8_t* at, std::size_t strides) {
  return sum_strides_inline(at, strides);
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] std::uint64_t sum_strides_avx2(const std::uint8_t* at, std::size_t strides) {
  return sum_strides_inline(at, strides);
}

std::uint64_t sum_strides(const std::uint8_t* at, std::size_t strides) {
  static const bool avx2 = __builtin_cpu_supports("avx2") != 0;
  return avx2 ? sum_strides_avx2(at, strides) : sum_strides_plain(at, strides);
}
#else
std::uint64_t sum_strides(const std::uint8_t* at, std::size_t strides) {
  return sum_strides_plain(at, strides);
}
#endif

template <typename Word>
Word load(const std::uint8_t* at) {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

constexpr std::uint16_t network16(std::uint16_t value) {
  if constexpr (std::endian::native == std::endian::little)
    return static_cast<std::uint16_t>(value << 8 | value >> 8);
  return value;
}

}  // namespace

ChecksumSum checksum_sum(std::span<const std::uint8_t> bytes) {
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size() % stride;
  ChecksumSum sum = 0;
  if (bytes.size() >= stride) {
    sum = sum_strides(at, bytes.size() / stride);
    at += bytes.size() - left;
  }
  for (; left >= 8; at += 8, left -= 8) {
    const auto word = load<std::uint64_t>(at);
    sum += (word & 0xffffffffU) + (word >> 32);
  }
  if (left >= 4) {
    sum += load<std::uint32_t>(at);
    at += 4;
    left -= 4;
  }
  if (left >= 2) {
    sum += load<std::uint16_t>(at);
    at += 2;
    left -= 2;
  }
  if (left == 1) sum += network16(static_cast<std::uint16_t>(*at << 8));
  return sum;
}

ChecksumSum pseudo_header_sum(std::span<const std::uint8_t> addresses, std::uint8_t protocol,
                              std::uint32_t length) {
  return checksum_sum(addresses) + network16(protocol) + network16(static_cast<std::uint16_t>(length)) +
         network16(static_cast<std::uint16_t>(length >> 16));
}

void store_checksum(std::uint8_t* field, ChecksumSum sum) {
  const auto value = static_cast<std::uint16_t>(~checksum_fold(sum));
  std::memcpy(field, &value, sizeof value);
}

void update_checksum(std::uint8_t* field, std::uint16_t before, std::uint16_t after) {
  const auto inverse = [](std::uint16_t value) { return static_cast<std::uint16_t>(~value); };
  const ChecksumSum sum = ChecksumSum{inverse(load16(field))} + inverse(before) + after;
  store16(field, inverse(checksum_fold(sum)));
}

}  // namespace lockstep::reassembly
