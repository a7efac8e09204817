// A set of addresses as a rule's header means it: (union of the positives, or everything if there are only
// negatives) minus the union of the negatives. Kept as sorted, disjoint, closed ranges; immutable after
// build. Copies share the ranges, so thousands of rules that name one variable hold one list; any thread may
// read.
#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace lockstep::signatures {

// IPv4 addresses fill the first four bytes.
struct Address {
  std::array<std::uint8_t, 16> bytes{};
  std::uint8_t version = 4;

  auto operator<=>(const Address&) const = default;  // NOLINT(modernize-use-nullptr)
};

class AddressSet {
 public:
  using Range = std::pair<std::array<std::uint8_t, 16>, std::array<std::uint8_t, 16>>;  // both ends included

  AddressSet() = default;  // empty
  static AddressSet any();
  // Ranges may come in any order and overlap; the result is positives minus negatives, per family.
  struct Parts {
    std::vector<std::pair<std::uint8_t, Range>> positives;  // IP version, range
    std::vector<std::pair<std::uint8_t, Range>> negatives;
  };
  static AddressSet build(const Parts& parts);

  [[nodiscard]] bool contains(const Address& address) const;
  [[nodiscard]] bool is_any() const { return any_; }
  [[nodiscard]] bool empty() const { return !any_ && ranges(4).empty() && ranges(6).empty(); }
  // Empty for `any` too: ask is_any() first.
  [[nodiscard]] const std::vector<Range>& ranges(std::uint8_t version) const;
  bool operator==(const AddressSet& other) const {
    return any_ == other.any_ && ranges(4) == other.ranges(4) && ranges(6) == other.ranges(6);
  }

 private:
  struct Families {
    std::vector<Range> v4;
    std::vector<Range> v6;
  };
  std::shared_ptr<const Families> families_;
  bool any_ = false;
};

}  // namespace lockstep::signatures
