// On which side of the pair each end of a connection is: fixed by the packets that opened it, a SYN on one
// side and its SYN-ACK on the other (adopted: the first segments of both ends that came in on different
// sides), never by an address. A value.
#pragma once
#include <array>
#include <cstdint>

#include "reassembly/direction.hpp"
#include "reassembly/segment.hpp"

namespace lockstep {

class Sides {
 public:
  void fix(reassembly::Direction direction, reassembly::Side side) { of_[index(direction)] = side; }
  // Where the sender of a direction is, as far as either side is known.
  [[nodiscard]] reassembly::Side of(reassembly::Direction direction) const {
    const reassembly::Side own = of_[index(direction)];
    const reassembly::Side other = of_[index(reverse(direction))];
    if (own != reassembly::Side::unknown || other == reassembly::Side::unknown) return own;
    return other == reassembly::Side::outside ? reassembly::Side::inside : reassembly::Side::outside;
  }
  // The ends are on different sides, or the ports tell nothing.
  [[nodiscard]] bool crossed() const {
    return (of_[0] == reassembly::Side::unknown) == (of_[1] == reassembly::Side::unknown);
  }
  // A segment of `direction` came in on `side`. False: its sender is on the other side.
  [[nodiscard]] bool take(reassembly::Direction direction, reassembly::Side side) {
    if (side == reassembly::Side::unknown) return true;
    reassembly::Side& own = of_[index(direction)];
    reassembly::Side& other = of_[index(reverse(direction))];
    if (own != reassembly::Side::unknown && other != reassembly::Side::unknown) return own == side;
    if (other == side) other = reassembly::Side::unknown;  // both can't be here: the later word counts
    own = side;
    return true;
  }

 private:
  std::array<reassembly::Side, 2> of_{reassembly::Side::unknown, reassembly::Side::unknown};  // by Direction
};

}  // namespace lockstep
