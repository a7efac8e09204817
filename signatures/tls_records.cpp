#include "signatures/tls_records.hpp"

#include <algorithm>

namespace lockstep::signatures {
namespace {

constexpr std::uint8_t header_size = 5;  // type, version, length
constexpr std::uint8_t change_cipher_spec = 20, application_data = 23;
constexpr std::uint16_t longest = (1U << 14U) + 2048;

}  // namespace

void TlsRecords::take(std::span<const std::uint8_t> bytes) {
  while (!bytes.empty() && state_ == State::records) {
    if (in_header_ == header_size) {
      const auto skipped = std::min<std::size_t>(bytes.size(), remaining_);
      remaining_ = static_cast<std::uint16_t>(remaining_ - skipped);
      bytes = bytes.subspan(skipped);
      if (remaining_ == 0) in_header_ = 0;
      continue;
    }
    const std::uint8_t byte = bytes.front();
    bytes = bytes.subspan(1);
    switch (in_header_++) {
      case 0:
        if (byte < change_cipher_spec || byte > application_data) state_ = State::lost;
        if (byte == application_data) state_ = State::encrypted;
        break;
      case 1:
        if (byte != 3) state_ = State::lost;
        break;
      case 3:
        remaining_ = static_cast<std::uint16_t>(byte << 8U);
        break;
      case 4:
        remaining_ = static_cast<std::uint16_t>(remaining_ | byte);
        if (remaining_ > longest) state_ = State::lost;
        if (remaining_ == 0) in_header_ = 0;
        break;
      default:
        break;
    }
  }
}

}  // namespace lockstep::signatures
