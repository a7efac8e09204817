// Bytes and text.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "reassembly/overlap.hpp"

namespace lockstep::test {

[[nodiscard]] inline std::span<const std::uint8_t> span_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

[[nodiscard]] inline std::string text(const reassembly::Reading& reading) {
  return {reading.bytes.begin(), reading.bytes.end()};
}

}  // namespace lockstep::test
