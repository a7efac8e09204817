// Segments that come back: a router on one side sends a connection out again where it came from, so each
// segment passes twice, the second time from the side on which its receiver is. A segment that is the same,
// bit for bit, as one that left within the last second is such a return and carries nothing that was not
// judged.
//
// Nothing is remembered until a segment first came from the wrong side, so that a wire without hairpins pays
// for one comparison a packet. Bounded: a table of fixed size, in which a later segment takes the place of an
// earlier one; what was forgotten is dropped as from the wrong side, and sent again. One per worker; not
// thread-safe.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "engine/flow_key.hpp"
#include "reassembly/time.hpp"

namespace lockstep {

class Hairpins {
 public:
  explicit Hairpins(HashSeed seed) : seed_(seed) {}

  // Segments came from the wrong side not long ago: those that leave are worth remembering.
  [[nodiscard]] bool watching(reassembly::Timestamp now) const { return now < watch_until_; }
  // `tcp`: header and payload as they left.
  void left(std::span<const std::uint8_t> tcp, reassembly::Timestamp now);
  // A segment came from the wrong side. True: it left here within the last second.
  [[nodiscard]] bool returns(std::span<const std::uint8_t> tcp, reassembly::Timestamp now);

 private:
  struct Entry {
    std::uint64_t hash = 0;
    reassembly::Timestamp at{};
  };
  static constexpr std::size_t entries = 4096;

  [[nodiscard]] Entry& entry_of(std::uint64_t hash) { return table_[hash % entries]; }

  HashSeed seed_;
  reassembly::Timestamp watch_until_{};
  std::vector<Entry> table_;  // empty until it is needed
};

}  // namespace lockstep
