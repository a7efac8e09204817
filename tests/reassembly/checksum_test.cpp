#include "reassembly/checksum.hpp"

#include <rapidcheck.h>

#include "reassembly/bytes.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/packet_builder.hpp"

using namespace lockstep::reassembly;
using lockstep::test::Bytes;
using lockstep::test::slow_checksum;

namespace {

std::uint16_t checksum_of(std::span<const std::uint8_t> bytes) {
  std::uint8_t field[2];
  store_checksum(field, checksum_sum(bytes));
  return load16(field);
}

}  // namespace

TEST_CASE("the checksum of the example in RFC 1071 is what it says", "[reassembly][checksum][rfc1071-3]") {
  const Bytes bytes{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  CHECK(checksum_of(bytes) == 0x220d);
}

TEST_CASE("the checksum agrees with the bytewise one at every length and alignment",
          "[reassembly][checksum]") {
  Bytes bytes(4096);
  std::uint32_t state = 1;
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  for (std::size_t from = 0; from < 33; ++from) {
    for (std::size_t length = 0; length < 300; ++length) {
      const Bytes part(bytes.begin() + static_cast<long>(from),
                       bytes.begin() + static_cast<long>(from + length));
      if (checksum_of(std::span(bytes).subspan(from, length)) != slow_checksum(part)) {
        FAIL("from " << from << ", length " << length);
      }
    }
  }
}

TEST_CASE("a sum of all ones carries through every fold", "[reassembly][checksum]") {
  const Bytes bytes(65535, 0xff);
  CHECK(checksum_of(bytes) == slow_checksum(bytes));
  const Bytes zeros(1448, 0);
  CHECK(checksum_of(zeros) == 0xffff);
}

TEST_CASE("an update follows a changed word as a new sum would", "[reassembly][checksum][rfc1624-3]") {
  CHECK(rc::check([](Bytes bytes, std::uint16_t value) {
    bytes.resize(bytes.size() + 4 - bytes.size() % 2);
    const auto at = *rc::gen::inRange<std::size_t>(1, bytes.size() / 2) * 2;
    bytes.push_back(0x45);  // as in any header: only where all else is zero do the two zeros differ
    bytes.push_back(0);
    store16(&bytes[0], 0);
    store16(&bytes[0], slow_checksum(bytes));
    update_checksum(&bytes[0], load16(&bytes[at]), value);
    store16(&bytes[at], value);
    RC_ASSERT(checksum_intact(checksum_sum(bytes)));
  }));
}

TEST_CASE("an update leaves a wrong checksum wrong by as much", "[reassembly][checksum][rfc1624-3]") {
  Bytes bytes{0, 0, 1, 2, 3, 4};
  store16(&bytes[0], slow_checksum(bytes) ^ 0x0100U);
  update_checksum(&bytes[0], load16(&bytes[2]), 0x7777);
  store16(&bytes[2], 0x7777);
  CHECK_FALSE(checksum_intact(checksum_sum(bytes)));
}

TEST_CASE("the pseudo header counts lengths beyond 16 bits", "[reassembly][checksum][rfc8200-8.1]") {
  const Bytes addresses(32, 0x11);
  Bytes written = addresses;
  for (const int byte : {0x00, 0x01, 0x00, 0x05, 0, 0, 0, 6})
    written.push_back(static_cast<std::uint8_t>(byte));
  CHECK(checksum_fold(pseudo_header_sum(addresses, 6, 0x10005)) == checksum_fold(checksum_sum(written)));
}
