// Observing: which hosts read overlapping data as which kind of host does. Immutable once filled; for any
// thread.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "reassembly/overlap.hpp"
#include "reassembly/segment.hpp"

namespace lockstep {

class HostPolicies {
 public:
  // Lists of addresses and prefixes, by OverlapPolicy.
  using Lists = std::array<std::vector<std::string>, reassembly::overlap_policy_count>;
  HostPolicies() = default;  // no host is named
  // The error is text for the user: what is no prefix, and a prefix that two kinds of host claim.
  [[nodiscard]] static tl::expected<HostPolicies, std::string> make(const Lists& lists);

  // That of the longest prefix that holds the address, or nothing. Linear in the prefixes.
  [[nodiscard]] std::optional<reassembly::OverlapPolicy> of(const reassembly::Address& host) const;

 private:
  struct Entry {
    reassembly::Address prefix;
    std::uint8_t bits = 0;
    reassembly::OverlapPolicy policy = reassembly::OverlapPolicy::linux;
  };
  std::vector<Entry> entries_;  // longest prefixes first
};

}  // namespace lockstep
