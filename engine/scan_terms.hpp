// The engine's values in the terms of signatures/, which knows none of ours.
#pragma once
#include "engine/flow.hpp"
#include "signatures/address_set.hpp"
#include "signatures/packet.hpp"

namespace lockstep {

// A connection met in its middle has no offset 0, and may turn out to start earlier than it seemed: its
// offsets are moved up, so that the scanner's never are negative.
[[nodiscard]] inline reassembly::StreamOffset scan_origin(const Flow& flow) {
  constexpr reassembly::StreamOffset adopted = reassembly::StreamOffset{1} << 40U;
  return flow.session.adopted() ? adopted : 0;
}

[[nodiscard]] inline std::uint64_t scan_offset(const Flow& flow, reassembly::StreamOffset offset) {
  return static_cast<std::uint64_t>(offset + scan_origin(flow));
}

[[nodiscard]] inline signatures::Address to_signatures(const reassembly::Address& address) {
  return {address.bytes, address.version};
}

[[nodiscard]] inline signatures::Direction to_signatures(Direction direction) {
  return direction == Direction::to_server ? signatures::Direction::to_server
                                           : signatures::Direction::to_client;
}

}  // namespace lockstep
