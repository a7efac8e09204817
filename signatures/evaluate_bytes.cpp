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

std::uint64_t masked(std::uint64_t value, const ByteRead& read) {
  return shifted(value & read.bitmask, read.bitmask_shift, false);
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
  number.end = at_offset + i;
  return i > first;
}

// False if it lies before what is seen.
bool Evaluator::place_of(const ByteRead& read, std::uint64_t cursor, std::uint64_t& place) const {
  const std::int64_t offset = position(read.offset);
  const std::uint64_t from = read.relative ? cursor : 0;
  if (offset < 0 && 0 - static_cast<std::uint64_t>(offset) > from) return false;
  place = moved(from, offset);
  return place >= begin_;
}

// All digits from a place on, once something else follows them or there are as many as a number may have.
bool Evaluator::read_digits(const ByteRead& read, std::uint64_t cursor, Number& number) {
  std::uint64_t place = 0;
  if (!place_of(read, cursor, place)) return false;
  if (place >= end_) return retry(place + 1), false;
  const int base = base_of(read.base);
  std::uint64_t count = 0;
  while (count < longest_number && place + count < end_ && digit_of(*at(place + count)) < base) ++count;
  if (count < longest_number && place + count == end_ && !question_->closed) {
    answer_.waits_for_end = true;
    return retry(end_ + 1), false;
  }
  return count > 0 && read_text(read, place, count, number);
}

bool Evaluator::read(const ByteRead& read, std::uint64_t cursor, Number& number) {
  const bool text = read.base != NumberBase::binary;
  const std::int64_t wanted = position(read.bytes);
  const auto count = static_cast<std::uint64_t>(wanted);
  std::uint64_t place = 0;
  if (wanted < 1 || count > (text ? longest_number : 8) || !place_of(read, cursor, place)) return false;
  if (place > end_ || count > end_ - place) return retry(place + count), false;
  if (text) return read_text(read, place, count, number);
  number = {0, place + count};
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t index = read.endian == Endian::big ? i : count - 1 - i;
    number.value = number.value << 8 | *at(place + index);
  }
  return true;
}

bool Evaluator::step(const ByteTest& test, std::size_t index, std::uint64_t cursor) {
  Number found{};
  const bool all_digits = test.read.base != NumberBase::binary && position(test.read.bytes) == 0;
  if (!(all_digits ? read_digits(test.read, cursor, found) : read(test.read, cursor, found))) return false;
  return compare(test.op, masked(found.value, test.read), number(test.value)) != test.negated &&
         next(index + 1, cursor);
}

bool Evaluator::step(const ByteJump& jump, std::size_t index, std::uint64_t cursor) {
  Number found{};
  if (position(jump.read.bytes) == 0) {  // by post_offset alone
    if (!place_of(jump.read, cursor, found.end)) return false;
    if (found.end > end_) return retry(found.end), false;
  } else if (!read(jump.read, cursor, found)) {
    return false;
  }
  __extension__ using Wide = __int128;
  Wide target = static_cast<Wide>(masked(found.value, jump.read)) * jump.multiplier;
  if (jump.align) target = (target + 3) / 4 * 4;
  target += position(jump.post_offset);
  if (jump.from == ByteJump::From::here) target += found.end;
  if (jump.from == ByteJump::From::end) {
    target += end_;
    retry(end_ + 1);  // the end moves with every byte
  } else if (target > end_ && target < never) {
    retry(static_cast<std::uint64_t>(target));
  }
  if (target > end_) return false;
  return next(index + 1, target < 0 ? 0 : static_cast<std::uint64_t>(target));
}

bool Evaluator::step(const ByteExtract& extract, std::size_t index, std::uint64_t cursor) {
  Number found{};
  if (!read(extract.read, cursor, found)) return false;
  std::uint64_t kept = masked(found.value, extract.read) * extract.multiplier;
  if (extract.align != 0 && kept % extract.align != 0) kept += extract.align - kept % extract.align;
  variables_[static_cast<std::size_t>(extract.result) & 255] = kept;
  return next(index + 1, found.end);
}

bool Evaluator::step(const ByteMath& math, std::size_t index, std::uint64_t cursor) {
  Number found{};
  if (!read(math.read, cursor, found)) return false;
  const std::uint64_t right = number(math.rvalue);
  std::uint64_t result = 0;
  switch (math.op) {
    case ByteMath::Op::add:
      result = found.value + right;
      break;
    case ByteMath::Op::subtract:
      result = found.value - right;
      break;
    case ByteMath::Op::multiply:
      result = found.value * right;
      break;
    case ByteMath::Op::divide:
      if (right == 0) return false;
      result = found.value / right;
      break;
    case ByteMath::Op::shift_left:
      result = shifted(found.value, right, true);
      break;
    case ByteMath::Op::shift_right:
      result = shifted(found.value, right, false);
      break;
  }
  // The mask is one of the result, and the cursor moves, as in Suricata.
  variables_[static_cast<std::size_t>(math.result) & 255] = masked(result, math.read);
  return next(index + 1, found.end);
}

}  // namespace lockstep::signatures
