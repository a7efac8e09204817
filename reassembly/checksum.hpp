// The Internet checksum (RFC 1071). A sum is kept unfolded in 64 bits and in the machine's own byte order,
// which one's-complement addition does not mind; only parts of even length may be followed by another part.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace lockstep::reassembly {

using ChecksumSum = std::uint64_t;

// The sum of `bytes`, an odd last byte padded with zero. Exact for anything below 4 GiB.
[[nodiscard]] ChecksumSum checksum_sum(std::span<const std::uint8_t> bytes);

// Sum of the pseudo header (RFC 9293 §3.1, RFC 8200 §8.1): `addresses` are source and destination as they
// stand side by side in the IP header, 8 or 32 bytes.
[[nodiscard]] ChecksumSum pseudo_header_sum(std::span<const std::uint8_t> addresses, std::uint8_t protocol,
                                            std::uint32_t length);

// Folded to 16 bits: 0xffff for intact bytes that include their checksum field.
[[nodiscard]] constexpr std::uint16_t checksum_fold(ChecksumSum sum) {
  sum = (sum & 0xffffffffU) + (sum >> 32);
  sum = (sum & 0xffffffffU) + (sum >> 32);
  sum = (sum & 0xffffU) + (sum >> 16);
  sum = (sum & 0xffffU) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

[[nodiscard]] constexpr bool checksum_intact(ChecksumSum sum) {
  return checksum_fold(sum) == 0xffffU;
}

// Writes the complement of `sum` to a checksum field. The field must have been zero in the sum.
void store_checksum(std::uint8_t* field, ChecksumSum sum);

// RFC 1624, equation 3: the field follows one 16-bit word of the covered bytes from `before` to `after`
// (numbers as load16 gives them). A wrong checksum stays exactly as wrong as it was.
void update_checksum(std::uint8_t* field, std::uint16_t before, std::uint16_t after);

}  // namespace lockstep::reassembly
