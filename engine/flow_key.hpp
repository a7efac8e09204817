// What makes two packets belong to one connection: pair group, VLAN stack, both endpoints, TCP. One value for
// both directions: the endpoints stand in ascending order, whichever of them sent the packet.
#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>

#include "reassembly/segment.hpp"

namespace lockstep {

// Secret of every table keyed by what a sender can choose. Random inline, fixed in replay, so that a capture
// gives one output on every machine. XXH3 with a seed is not a cryptographic hash: the seed must not be told
// to anyone.
struct HashSeed {
  std::uint64_t value = 0;
};

inline constexpr HashSeed replay_hash_seed{0x6c6f636b73746570U};

// XXH3 of the bytes under the seed; the same on every platform.
[[nodiscard]] std::uint64_t keyed_hash(std::span<const std::uint8_t> bytes, HashSeed seed);

// 48 bytes without padding, so that equality and hash may read it as bytes. "low" and "high" are the order of
// (address, port), never client and server.
struct alignas(8) FlowKey {
  std::array<std::uint8_t, 16> low_address{};  // IPv4: the first four bytes
  std::array<std::uint8_t, 16> high_address{};
  std::uint16_t low_port = 0;
  std::uint16_t high_port = 0;
  std::array<std::uint16_t, 3>
      vlan{};  // outermost first, 0 behind the last (VID 0 is untagged and never stands here)
  std::uint16_t pair_group = 0;
  std::uint8_t version = 4;
  std::uint8_t protocol = 6;
  std::uint16_t reserved = 0;

  bool operator==(const FlowKey&) const = default;

  [[nodiscard]] reassembly::Endpoint low() const { return {{low_address, version}, low_port}; }
  [[nodiscard]] reassembly::Endpoint high() const { return {{high_address, version}, high_port}; }
  [[nodiscard]] std::uint64_t hash(HashSeed seed) const;
};
static_assert(sizeof(FlowKey) == 48);

[[nodiscard]] FlowKey make_flow_key(const reassembly::Endpoint& source,
                                    const reassembly::Endpoint& destination,
                                    const reassembly::VlanStack& vlan, std::uint16_t pair_group);
[[nodiscard]] inline FlowKey make_flow_key(const reassembly::Segment& segment, std::uint16_t pair_group) {
  return make_flow_key(segment.source, segment.destination, segment.vlan, pair_group);
}

// Whether a packet from `source` to `destination` comes from the key's low endpoint. Both directions of a
// connection of an endpoint with itself count as from the low one; nothing can tell them apart.
[[nodiscard]] bool from_low(const reassembly::Endpoint& source, const reassembly::Endpoint& destination);

[[nodiscard]] std::string to_string(
    const FlowKey& key);  // "10.0.0.1:1024 10.0.0.2:80", with VLANs and group if any

}  // namespace lockstep
