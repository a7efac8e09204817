// Sequence numbers (RFC 9293 §3.4): a point on a circle of 2^32. Points have no order, so there is no
// operator<: relations are named and hold for points less than 2^31 apart. Nothing here throws or overflows
// on any input.
//
// Below the session's edge everything is a StreamOffset, which never wraps: 0 is the first byte after the
// SYN, the SYN itself stands at -1, a FIN at the offset just behind the last byte.
#pragma once
#include <compare>
#include <cstdint>

namespace lockstep::reassembly {

using StreamOffset = std::int64_t;

class Seq {
 public:
  constexpr Seq() = default;
  constexpr explicit Seq(std::uint32_t value) : value_(value) {}

  [[nodiscard]] constexpr std::uint32_t value() const { return value_; }
  constexpr bool operator==(const Seq&) const = default;

  // Signed distance from `other` to this point, in [-2^31, 2^31).
  [[nodiscard]] constexpr std::int32_t distance_from(Seq other) const {
    return static_cast<std::int32_t>(value_ - other.value_);
  }
  [[nodiscard]] constexpr bool before(Seq other) const { return distance_from(other) < 0; }
  [[nodiscard]] constexpr bool after(Seq other) const { return distance_from(other) > 0; }

  [[nodiscard]] constexpr Seq plus(std::int64_t bytes) const {
    return Seq(value_ + static_cast<std::uint32_t>(static_cast<std::uint64_t>(bytes)));
  }

 private:
  std::uint32_t value_ = 0;
};

// The offset of `seq` in the stream whose byte 0 has the number `first`, taking of all offsets with that
// number the one nearest to `near`. Exact for every seq within 2^31 of `near`.
[[nodiscard]] constexpr StreamOffset to_offset(Seq seq, Seq first, StreamOffset near) {
  return near + seq.distance_from(first.plus(near));
}

[[nodiscard]] constexpr Seq to_seq(StreamOffset offset, Seq first) {
  return first.plus(offset);
}

}  // namespace lockstep::reassembly
