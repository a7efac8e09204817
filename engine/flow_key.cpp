#include "engine/flow_key.hpp"

#include <algorithm>
#include <cassert>

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace lockstep {

std::uint64_t keyed_hash(std::span<const std::uint8_t> bytes, HashSeed seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed.value);
}

std::uint64_t FlowKey::hash(HashSeed seed) const {
  return XXH3_64bits_withSeed(this, sizeof *this, seed.value);
}

bool from_low(const reassembly::Endpoint& source, const reassembly::Endpoint& destination) {
  const auto order = std::lexicographical_compare_three_way(
      source.address.bytes.begin(), source.address.bytes.end(), destination.address.bytes.begin(),
      destination.address.bytes.end());
  return std::is_neq(order) ? std::is_lt(order) : source.port <= destination.port;
}

FlowKey make_flow_key(const reassembly::Endpoint& source, const reassembly::Endpoint& destination,
                      const reassembly::VlanStack& vlan, std::uint16_t pair_group) {
  assert(source.address.version == destination.address.version);
  const bool forward = from_low(source, destination);
  const auto& low = forward ? source : destination;
  const auto& high = forward ? destination : source;
  FlowKey key;
  key.low_address = low.address.bytes;
  key.high_address = high.address.bytes;
  key.low_port = low.port;
  key.high_port = high.port;
  // A stack is a value of its own, whatever stands behind its count.
  std::copy_n(vlan.ids.begin(), std::min<std::size_t>(vlan.count, vlan.ids.size()), key.vlan.begin());
  key.pair_group = pair_group;
  key.version = source.address.version;
  return key;
}

std::string to_string(const FlowKey& key) {
  const auto endpoint = [](const reassembly::Endpoint& end) {
    const char* form = end.address.version == 4 ? "{}:{}" : "[{}]:{}";
    return fmt::format(fmt::runtime(form), reassembly::to_string(end.address), end.port);
  };
  std::string text = endpoint(key.low()) + ' ' + endpoint(key.high());
  for (const auto id : key.vlan) {
    if (id != 0) text += fmt::format(" vlan {}", id);
  }
  if (key.pair_group != 0) text += fmt::format(" group {}", key.pair_group);
  return text;
}

}  // namespace lockstep
