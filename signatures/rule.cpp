#include "signatures/rule.hpp"

namespace lockstep::signatures {

bool Comparison::matches(std::uint64_t value) const {
  switch (op) {
    case Op::equal:
      return value == a;
    case Op::not_equal:
      return value != a;
    case Op::less:
      return value < a;
    case Op::less_equal:
      return value <= a;
    case Op::greater:
      return value > a;
    case Op::greater_equal:
      return value >= a;
    case Op::between:
      return value > a && value < b;
    case Op::masked:
      return (value & a) == b;
  }
  return false;
}

}  // namespace lockstep::signatures
