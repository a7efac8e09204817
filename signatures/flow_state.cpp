#include "signatures/flow_state.hpp"

#include <algorithm>

namespace lockstep::signatures {

FlowState::FlowState(const FlowState& other)
    : values_(other.values_ ? std::make_unique<Values>(*other.values_) : nullptr) {}

FlowState& FlowState::operator=(const FlowState& other) {
  if (this != &other) values_ = other.values_ ? std::make_unique<Values>(*other.values_) : nullptr;
  return *this;
}

FlowState::Values& FlowState::values() {
  if (!values_) values_ = std::make_unique<Values>();
  return *values_;
}

void FlowState::drop_if_empty() {
  if (values_ && values_->bits.empty() && values_->integers.empty()) values_.reset();
}

bool FlowState::bit(std::uint32_t index) const {
  return values_ && std::binary_search(values_->bits.begin(), values_->bits.end(), index);
}

bool FlowState::set_bit(std::uint32_t index, bool value) {
  if (bit(index) == value) return false;
  std::vector<std::uint32_t>& bits = values().bits;
  const auto place = std::lower_bound(bits.begin(), bits.end(), index);
  if (value) {
    bits.insert(place, index);
  } else {
    bits.erase(place);
    drop_if_empty();
  }
  return true;
}

std::optional<std::uint32_t> FlowState::integer(std::uint32_t index) const {
  if (!values_) return std::nullopt;
  for (const Integer& integer : values_->integers)
    if (integer.index == index) return integer.value;
  return std::nullopt;
}

void FlowState::set_integer(std::uint32_t index, std::uint32_t value) {
  std::vector<Integer>& integers = values().integers;
  const auto place =
      std::lower_bound(integers.begin(), integers.end(), index,
                       [](const Integer& integer, std::uint32_t wanted) { return integer.index < wanted; });
  if (place != integers.end() && place->index == index)
    place->value = value;
  else
    integers.insert(place, {index, value});
}

std::vector<std::uint32_t> FlowState::bits() const {
  return values_ ? values_->bits : std::vector<std::uint32_t>();
}

std::size_t FlowState::heap_bytes() const {
  if (!values_) return 0;
  return sizeof(Values) + values_->bits.capacity() * sizeof(std::uint32_t) +
         values_->integers.capacity() * sizeof(Integer);
}

}  // namespace lockstep::signatures
