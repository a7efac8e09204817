// Where ports do not tell the sides of a pair apart, as in a capture of both directions: the prefixes behind
// the device. What comes from such an address came from the inside. Immutable once filled; for any thread.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "reassembly/segment.hpp"

namespace lockstep::reassembly {

class InsidePrefixes {
 public:
  // The first `bits` of `prefix` count.
  void add(const Address& prefix, std::uint8_t bits) { entries_.push_back({prefix, bits}); }
  [[nodiscard]] bool empty() const { return entries_.empty(); }

  // Unknown: both ends are on one side, and the packet crossed no pair. Linear in the prefixes.
  [[nodiscard]] Side side_of(const Address& source, const Address& destination) const {
    const bool from_inside = holds(source);
    if (from_inside == holds(destination)) return Side::unknown;
    return from_inside ? Side::inside : Side::outside;
  }

 private:
  struct Entry {
    Address prefix;
    std::uint8_t bits = 0;

    [[nodiscard]] bool holds(const Address& address) const {
      const std::size_t whole = bits / 8U;
      const unsigned shift = 8U - bits % 8U;
      return prefix.version == address.version &&
             std::equal(prefix.bytes.begin(), prefix.bytes.begin() + static_cast<std::ptrdiff_t>(whole),
                        address.bytes.begin()) &&
             (bits % 8U == 0 || prefix.bytes[whole] >> shift == address.bytes[whole] >> shift);
    }
  };

  [[nodiscard]] bool holds(const Address& address) const {
    return std::any_of(entries_.begin(), entries_.end(),
                       [&](const Entry& entry) { return entry.holds(address); });
  }

  std::vector<Entry> entries_;
};

}  // namespace lockstep::reassembly
