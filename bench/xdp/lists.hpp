// Prefixes as the lists in use have them, the same on every machine, and sources for traffic that they hold
// or don't. An IPv6 source is the first half of an address that ends in ::1.
#pragma once
#include <string>
#include <unordered_set>
#include <vector>

#include "bench/xdp/traffic.hpp"
#include "xdp/prefixes.hpp"

namespace lockstep::bench {

class Lists {
 public:
  // `of_each` that are blocked and as many allowed ones, of each family.
  explicit Lists(std::size_t of_each);

  [[nodiscard]] const std::vector<xdp::Prefix>& prefixes() const { return prefixes_; }
  // Within the first blocked prefixes: single addresses (IPv6: /64), or of any length. Throws if they are
  // fewer.
  [[nodiscard]] std::vector<Address> blocked(std::uint8_t version, std::size_t count,
                                             bool any_length = false) const;
  // In none of the lists; `near`: in a /24 or /48 with a blocked prefix.
  [[nodiscard]] std::vector<Address> unblocked(std::uint8_t version, bool near, std::size_t count) const;

 private:
  [[nodiscard]] bool holds(const Address& address, std::uint8_t version) const;

  std::vector<xdp::Prefix> prefixes_;
  std::unordered_set<std::string> held_[2];  // IPv4, IPv6
};

}  // namespace lockstep::bench
