// The byte_* options of an evaluation: reading numbers, comparing, jumping, keeping and computing.
#include <algorithm>
#include <bit>
#include <cstdlib>

#include "signatures/evaluator.hpp"

namespace lockstep::signatures {
namespace {

constexpr std::uint64_t longest_number = 23;

int base_of(NumberBase base) {
  switch (base) {
    case NumberBase::hex:
      return 16;
    case NumberBase::octal:
      return 8;
    case NumberBase::decimal:
    case NumberBase::binary:
      break;
  }
  return 10;
}

int digit_of(std::uint8_t byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  const std::uint8_t lower = to_lower(byte);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 99;
}

bool is_blank(std::uint8_t byte) {
  return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

bool compare(ByteTest::Op op, std::uint64_t left, std::uint64_t right) {
  switch (op) {
    case ByteTest::Op::less:
      return left < right;
    case ByteTest::Op::greater:
      return left > right;
    case ByteTest::Op::equal:
      return left == right;
    case ByteTest::Op::less_equal:
      return left <= right;
    case ByteTest::Op::greater_equal:
      return left >= right;
    case ByteTest::Op::bit_and:
      return (left & right) != 0;
    case ByteTest::Op::bit_xor:
      return (left ^ right) != 0;
  }
  return false;
}

std::uint64_t shifted(std::uint64_t value, std::uint64_t by, bool left) {
  if (by >= 64) return 0;
  return left ? value << by : value >> by;
}

}  // namespace

// As strtoull reads: blanks, a sign, 0x before hex; then digits until something else. No digit or too large a
// number: the option is false.
bool Evaluator::read_text(const ByteRead& read, std::uint64_t at_offset, std::uint64_t count,
                          Number& number) const {
  const int base = base_of(read.base);
  const std::uint8_t* text = at(at_offset);
  std::uint64_t i = 0;
  while (i < count && is_blank(text[i])) ++i;
  bool negative = false;
  if (i < count && (text[i] == '+' || text[i] == '-')) negative = text[i++] == '-';
  if (base == 16 && i + 2 < count && text[i] == '0' && to_lower(text[i + 1]) == 'x' &&
      digit_of(text[i + 2]) < 16)
    i += 2;
  std::uint64_t value = 0;
  const std::uint64_t first = i;
  for (; i < count && digit_of(text[i]) < base; ++i) {
    const auto digit = static_cast<std::uint64_t>(digit_of(text[i]));
    if (value > (never - digit) / static_cast<std::uint64_t>(base)) return false;
    value = value * static_cast<std::uint64_t>(base) + digit;
  }
  number.value = negative ? 0 - value : value;
  return i > first;
}

bool Evaluator::read(const ByteRead& read, std::uint64_t cursor, Number& number) {
  const std::int64_t offset = value(read.offset);
  const std::uint64_t from = read.relative ? cursor : 0;
  if (offset < 0 && 0 - static_cast<std::uint64_t>(offset) > from) return false;
  const std::uint64_t place = moved(from, offset);
  const bool text = read.base != NumberBase::binary;
  auto count = static_cast<std::uint64_t>(std::max<std::int64_t>(value(read.bytes), 0));
  if (count > (text ? longest_number : 8)) return false;
  if (place < begin_) return false;
  if (text && count == 0) {  // all digits that are there
    if (place >= end_) return retry(place + 1), false;
    count = std::min(longest_number, end_ - place);
    if (count < longest_number) retry(end_ + 1);
  }
  if (place > end_ || count > end_ - place) return retry(place + count), false;
  number.end = place + count;
  number.value = 0;
  if (text) {
    if (!read_text(read, place, count, number)) return false;
  } else {
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t index = read.endian == Endian::big ? i : count - 1 - i;
      number.value = number.value << 8 | *at(place + index);
    }
  }
  number.value &= read.bitmask;
  if (read.bitmask != never) number.value = shifted(number.value, read.bitmask_shift, false);
  return true;
}

bool Evaluator::step(const ByteTest& test, std::size_t index, std::uint64_t cursor) {
  Number number{};
  if (!read(test.read, cursor, number)) return false;
  const auto wanted = static_cast<std::uint64_t>(value(test.value));
  return compare(test.op, number.value, wanted) != test.negated && next(index + 1, cursor);
}

bool Evaluator::step(const ByteJump& jump, std::size_t index, std::uint64_t cursor) {
  Number number{};
  if (!read(jump.read, cursor, number)) return false;
  std::uint64_t distance = number.value * jump.multiplier;
  if (jump.align) distance = (distance + 3) & ~std::uint64_t{3};
  std::uint64_t from = number.end;
  if (jump.from == ByteJump::From::beginning) from = 0;
  if (jump.from == ByteJump::From::end) {
    from = end_;
    retry(end_ + 1);  // the end moves with every byte
  }
  if (distance > never / 2) return false;
  const std::uint64_t target =
      moved(moved(from, value(jump.post_offset)), static_cast<std::int64_t>(distance));
  if (target > end_) return retry(target), false;
  return next(index + 1, target);
}

bool Evaluator::step(const ByteExtract& extract, std::size_t index, std::uint64_t cursor) {
  Number number{};
  if (!read(extract.read, cursor, number)) return false;
  std::uint64_t kept = number.value * extract.multiplier;
  if (extract.align != 0) kept = (kept + extract.align - 1) / extract.align * extract.align;
  variables_[static_cast<std::size_t>(extract.result) & 255] = kept;
  return next(index + 1, number.end);
}

bool Evaluator::step(const ByteMath& math, std::size_t index, std::uint64_t cursor) {
  Number number{};
  if (!read(math.read, cursor, number)) return false;
  const auto right = static_cast<std::uint64_t>(value(math.rvalue));
  std::uint64_t result = 0;
  switch (math.op) {
    case ByteMath::Op::add:
      result = number.value + right;
      break;
    case ByteMath::Op::subtract:
      result = number.value - right;
      break;
    case ByteMath::Op::multiply:
      result = number.value * right;
      break;
    case ByteMath::Op::divide:
      if (right == 0) return false;
      result = number.value / right;
      break;
    case ByteMath::Op::shift_left:
      result = shifted(number.value, right, true);
      break;
    case ByteMath::Op::shift_right:
      result = shifted(number.value, right, false);
      break;
  }
  variables_[static_cast<std::size_t>(math.result) & 255] = result;
  return next(index + 1, cursor);
}

}  // namespace lockstep::signatures
