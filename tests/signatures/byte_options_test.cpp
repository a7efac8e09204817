#include "tests/signatures/matching.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep::signatures;

namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

Ends ends(std::vector<PayloadOption> payload, std::string_view stream, std::uint8_t variables = 0) {
  Rule rule = make_rule(1, std::move(payload));
  rule.variables = variables;
  const auto answer = ends_however_cut(rule, stream);
  REQUIRE(answer.has_value());
  return *answer;
}

ByteTest test(ByteRead read, ByteTest::Op op, std::int64_t value, bool negated = false) {
  return {read, op, negated, number(value)};
}

}  // namespace

TEST_CASE("byte_test reads big endian unless told otherwise", "[signatures][byte_test]") {
  ByteRead read = read_at(2, 0, true);
  CHECK(ends({content("len="), test(read, ByteTest::Op::equal, 0x0102)}, "len=\x01\x02"sv) == Ends{6});
  read.endian = Endian::little;
  CHECK(ends({content("len="), test(read, ByteTest::Op::equal, 0x0201)}, "len=\x01\x02"sv) == Ends{6});
  CHECK(ends({content("len="), test(read, ByteTest::Op::equal, 0x0201, true)}, "len=\x01\x02"sv).empty());
}

TEST_CASE("byte_test beyond the bytes or before them is false, negated or not", "[signatures][byte_test]") {
  CHECK(ends({content("abcd"), test(read_at(4, 0, true), ByteTest::Op::greater, 0)}, "abcdxyz").empty());
  CHECK(ends({content("abcd"), test(read_at(4, 0, true), ByteTest::Op::less, 0, true)}, "abcdxyz").empty());
  CHECK(ends({content("abcd"), test(read_at(1, -5, true), ByteTest::Op::greater, 0)}, "abcd").empty());
  CHECK(ends({content("abcd"), test(read_at(1, -4, true), ByteTest::Op::equal, 'a')}, "abcd") == Ends{4});
}

TEST_CASE("byte_test & asks for a common bit and ^ for a difference", "[signatures][byte_test]") {
  CHECK(
      ends({content("abcd"), test(read_at(1, 0, true), ByteTest::Op::bit_and, 0x0f)}, "abcd\x10"sv).empty());
  CHECK(ends({content("abcd"), test(read_at(1, 0, true), ByteTest::Op::bit_and, 0x1f)}, "abcd\x10"sv) ==
        Ends{5});
  CHECK(
      ends({content("abcd"), test(read_at(1, 0, true), ByteTest::Op::bit_xor, 0x10)}, "abcd\x10"sv).empty());
  CHECK(ends({content("abcd"), test(read_at(1, 0, true), ByteTest::Op::bit_xor, 0x11)}, "abcd\x10"sv) ==
        Ends{5});
}

TEST_CASE("byte_test applies the mask and shifts it down", "[signatures][byte_test]") {
  ByteRead read = read_at(1, 0, true);
  read.bitmask = 0xf0;
  read.bitmask_shift = 4;
  CHECK(ends({content("abcd"), test(read, ByteTest::Op::equal, 5)}, "abcd\x5a"sv) == Ends{5});
}

TEST_CASE("byte_test reads numbers as text", "[signatures][byte_test]") {
  ByteRead read = read_at(4, 0, true);
  read.base = NumberBase::decimal;
  CHECK(ends({content("len="), test(read, ByteTest::Op::equal, 1234)}, "len=1234") == Ends{8});
  CHECK(ends({content("len="), test(read, ByteTest::Op::equal, 12)}, "len=12ab") == Ends{8});
  CHECK(ends({content("len="), test(read, ByteTest::Op::equal, 0)}, "len=abcd").empty());
  read.base = NumberBase::hex;
  CHECK(ends({content("len="), test(read, ByteTest::Op::equal, 0xbeef)}, "len=BeeF") == Ends{8});
  read.base = NumberBase::octal;
  CHECK(ends({content("len="), test(read, ByteTest::Op::equal, 0777)}, "len=0777") == Ends{8});
}

TEST_CASE("byte_jump moves the cursor by what it read", "[signatures][byte_jump]") {
  ByteJump jump;
  jump.read = read_at(1, 0, true);
  const auto rule = [&] {
    return std::vector<PayloadOption>{content("size"), jump,
                                      content("end", {.distance = number(0), .within = number(3)})};
  };
  CHECK(ends(rule(), "size\x03...end"sv) == Ends{11});
  CHECK(ends(rule(), "size\x02...end"sv).empty());
  jump.multiplier = 2;
  CHECK(ends(rule(), "size\x02....end"sv) == Ends{12});
  jump.multiplier = 1;
  jump.align = true;
  CHECK(ends(rule(), "size\x01....end"sv) == Ends{12});
  jump.align = false;
  jump.post_offset = number(-1);
  CHECK(ends(rule(), "size\x04...end"sv) == Ends{11});
  jump.post_offset = number(0);
  jump.from = ByteJump::From::beginning;
  CHECK(ends(rule(), "..endsize\x02"sv) == Ends{10});
}

TEST_CASE("byte_jump beyond the bytes waits for them", "[signatures][byte_jump]") {
  ByteJump jump;
  jump.read = read_at(1, 0, true);
  CHECK(ends({content("size"), jump}, "size\x09........."sv) == Ends{14});
  CHECK(ends({content("size"), jump}, "size\x09........"sv).empty());
}

TEST_CASE("byte_extract gives later options their numbers and moves the cursor",
          "[signatures][byte_extract]") {
  ByteExtract extract;
  extract.read = read_at(1, 0, true);
  Content later = content("end");
  later.distance = variable(0);
  later.within = number(3);
  CHECK(ends({content("size"), extract, later}, "size\x02..end"sv, 1) == Ends{10});
  CHECK(ends({content("size"), extract, later}, "size\x02...end"sv, 1).empty());
  IsDataAt at{variable(0), false, true};
  CHECK(ends({content("size"), extract, at}, "size\x02.."sv, 1) == Ends{7});
  extract.align = 4;
  CHECK(ends({content("size"), extract, at}, "size\x02...."sv, 1) == Ends{9});
}

TEST_CASE("what a number was read behind is tried again for options that use it",
          "[signatures][byte_extract]") {
  ByteExtract extract;
  extract.read = read_at(1, 0, true);
  ByteTest less = test(read_at(1, 0, true), ByteTest::Op::less, 3);
  less.read.offset = variable(0);
  CHECK(ends({content("a"), extract, content("a"), less}, "aa\x01"sv, 1) == Ends{3});
}

TEST_CASE("byte_math computes with what it read; a division by zero does not match",
          "[signatures][byte_math]") {
  ByteMath math;
  math.read = read_at(1, 0, true);
  math.rvalue = number(3);
  const auto equals = [&](std::int64_t expected, ByteMath::Op op) {
    math.op = op;
    ByteTest check;
    check.read = read_at(1, 0, true);  // byte_math moves the cursor
    check.value = variable(0);
    return ends({content("calc"), math, check}, "calc\x0c"s + static_cast<char>(expected), 1) == Ends{6};
  };
  CHECK(equals(15, ByteMath::Op::add));
  CHECK(equals(9, ByteMath::Op::subtract));
  CHECK(equals(36, ByteMath::Op::multiply));
  CHECK(equals(4, ByteMath::Op::divide));
  CHECK(equals(96, ByteMath::Op::shift_left));
  CHECK(equals(1, ByteMath::Op::shift_right));
  CHECK_FALSE(equals(16, ByteMath::Op::add));
  math.rvalue = number(0);
  math.op = ByteMath::Op::divide;
  CHECK(ends({content("calc"), math}, "calc\x0c"sv, 1).empty());
}
