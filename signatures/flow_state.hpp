// What rules remember of one flow, shared by both directions: flowbits and flowints. One pointer while empty.
// Owned by the flow and used by one thread. Indices are those of Names; sets that follow one another share
// them (ParserSettings::names).
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace lockstep::signatures {

class FlowState {
 public:
  FlowState() = default;
  FlowState(const FlowState& other);
  FlowState& operator=(const FlowState& other);
  FlowState(FlowState&&) noexcept = default;
  FlowState& operator=(FlowState&&) noexcept = default;
  ~FlowState() = default;

  [[nodiscard]] bool bit(std::uint32_t index) const;
  // True if the bit changed.
  bool set_bit(std::uint32_t index, bool value);

  // An integer is absent until it is first written.
  [[nodiscard]] std::optional<std::uint32_t> integer(std::uint32_t index) const;
  void set_integer(std::uint32_t index, std::uint32_t value);

  [[nodiscard]] bool empty() const { return !values_; }
  // Bits that are set, in ascending order: what a log names.
  [[nodiscard]] std::vector<std::uint32_t> bits() const;
  [[nodiscard]] std::size_t heap_bytes() const;

 private:
  struct Integer {
    std::uint32_t index;
    std::uint32_t value;
  };
  struct Values {
    std::vector<std::uint32_t> bits;  // sorted indices of the bits that are set
    std::vector<Integer> integers;    // sorted by index
  };
  Values& values();
  void drop_if_empty();

  std::unique_ptr<Values> values_;
};

}  // namespace lockstep::signatures
