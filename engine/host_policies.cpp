#include "engine/host_policies.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "engine/options/value.hpp"

namespace lockstep {
namespace {

bool holds(const reassembly::Address& prefix, std::uint8_t bits, const reassembly::Address& host) {
  return masked(prefix, bits) == masked(host, bits);
}

}  // namespace

tl::expected<HostPolicies, std::string> HostPolicies::make(const Lists& lists) {
  HostPolicies policies;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    const auto policy = static_cast<reassembly::OverlapPolicy>(i);
    for (const std::string& text : lists[i]) {
      const auto prefix = parse_prefix(text);
      if (!prefix)
        return tl::unexpected(fmt::format("host-os-policy.{}: '{}' is no prefix", name(policy), text));
      const auto same = [&](const Entry& entry) {
        return entry.bits == prefix->bits && holds(entry.prefix, entry.bits, prefix->address);
      };
      const auto other = std::find_if(policies.entries_.begin(), policies.entries_.end(), same);
      if (other != policies.entries_.end() && other->policy != policy) {
        return tl::unexpected(
            fmt::format("host-os-policy: '{}' is both {} and {}", text, name(other->policy), name(policy)));
      }
      policies.entries_.push_back({prefix->address, prefix->bits, policy});
    }
  }
  std::stable_sort(policies.entries_.begin(), policies.entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.bits > b.bits; });
  return policies;
}

std::optional<reassembly::OverlapPolicy> HostPolicies::of(const reassembly::Address& host) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return holds(entry.prefix, entry.bits, host); });
  if (found == entries_.end()) return std::nullopt;
  return found->policy;
}

}  // namespace lockstep
