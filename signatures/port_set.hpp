// A set of ports as a rule's header means it: positives (or all) minus negatives, as sorted disjoint ranges.
// Immutable after build; copies share the ranges; any thread may read.
#pragma once
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace lockstep::signatures {

class PortSet {
 public:
  using Range = std::pair<std::uint16_t, std::uint16_t>;  // both ends included

  PortSet() = default;  // empty
  static PortSet any();
  static PortSet build(const std::vector<Range>& positives, const std::vector<Range>& negatives);

  [[nodiscard]] bool contains(std::uint16_t port) const;
  [[nodiscard]] bool is_any() const { return any_; }
  [[nodiscard]] bool empty() const { return !any_ && ranges().empty(); }
  // Empty for `any` too: ask is_any() first.
  [[nodiscard]] const std::vector<Range>& ranges() const;
  bool operator==(const PortSet& other) const { return any_ == other.any_ && ranges() == other.ranges(); }

 private:
  std::shared_ptr<const std::vector<Range>> ranges_;
  bool any_ = false;
};

}  // namespace lockstep::signatures
