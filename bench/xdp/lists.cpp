#include "bench/xdp/lists.hpp"

#include <algorithm>
#include <random>

namespace lockstep::bench {
namespace {

using Random = std::mt19937_64;

// Bits behind the length are 0.
void mask(Address& address, std::uint8_t length) {
  for (std::size_t bit = length; bit < 128; ++bit)
    address[bit / 8] = static_cast<std::uint8_t>(address[bit / 8] & ~(0x80U >> bit % 8));
}

Address random_address(Random& random, std::uint8_t version) {
  Address address{};
  for (std::size_t i = 0; i < (version == 4 ? 4U : 8U); ++i) address[i] = static_cast<std::uint8_t>(random());
  if (version == 6) {
    address[0] = 0x20;
    address[15] = 1;
  }
  return address;
}

// Mostly single addresses, some nets.
xdp::Prefix random_prefix(Random& random, std::uint8_t version, bool allow) {
  constexpr std::array<std::uint8_t, 8> lengths4{32, 32, 32, 32, 24, 24, 28, 20},
      lengths6{128, 64, 64, 64, 56, 48, 48, 32};
  xdp::Prefix prefix{random_address(random, version), version, 0, allow};
  prefix.length = (version == 4 ? lengths4 : lengths6)[random() % 8];
  mask(prefix.address, prefix.length);
  return prefix;
}

std::string key(Address address, std::uint8_t length) {
  mask(address, length);
  return {std::string(reinterpret_cast<const char*>(address.data()), 16) + static_cast<char>(length)};
}

std::size_t family(std::uint8_t version) {
  return version == 4 ? 0 : 1;
}

}  // namespace

Lists::Lists(std::size_t of_each) {
  Random random(99);
  for (const std::uint8_t version : {std::uint8_t{4}, std::uint8_t{6}}) {
    for (const bool allow : {false, true}) {
      for (std::size_t i = 0; i < of_each; ++i) {
        prefixes_.push_back(random_prefix(random, version, allow));
        held_[family(version)].insert(key(prefixes_.back().address, prefixes_.back().length));
      }
    }
  }
}

bool Lists::holds(const Address& address, std::uint8_t version) const {
  const auto& held = held_[family(version)];
  constexpr std::array<std::uint8_t, 8> lengths{20, 24, 28, 32, 48, 56, 64, 128};
  return std::any_of(lengths.begin(), lengths.end(),
                     [&](std::uint8_t length) { return held.count(key(address, length)) != 0; });
}

std::vector<Address> Lists::blocked(std::uint8_t version, std::size_t count, bool any_length) const {
  std::vector<Address> found;
  for (const xdp::Prefix& prefix : prefixes_) {
    if (found.size() == count || prefix.allow || prefix.version != version) continue;
    if (any_length || prefix.length == (version == 4 ? 32 : 64)) found.push_back(prefix.address);
  }
  must(found.size() == count, "enough blocked addresses");
  return found;
}

std::vector<Address> Lists::unblocked(std::uint8_t version, bool near, std::size_t count) const {
  Random random(7);
  const std::vector<Address> neighbours = blocked(version, 10'000);
  std::vector<Address> found;
  while (found.size() < count) {
    Address address = random_address(random, version);
    if (near)
      std::copy_n(neighbours[random() % neighbours.size()].begin(), version == 4 ? 3 : 6, address.begin());
    if (!holds(address, version)) found.push_back(address);
  }
  return found;
}

}  // namespace lockstep::bench
