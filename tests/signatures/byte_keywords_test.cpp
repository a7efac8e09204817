#include "tests/support/catch.hpp"
#include "tests/support/rules.hpp"

using namespace lockstep::signatures;
using namespace lockstep::test;

namespace {

template <typename Wanted>
Wanted payload_option_of(std::string_view options) {
  const Rule rule = rule_of(with_options(options));
  const auto* found = first_of<Wanted>(rule.payload);
  REQUIRE(found != nullptr);
  return *found;
}

}  // namespace

TEST_CASE("byte_test reads what it takes, from where, and compares how", "[signatures][byte_test]") {
  const auto test =
      payload_option_of<ByteTest>("byte_test:2, !>=, 0x10, -4, relative, little, bitmask 0x0ff0;");
  CHECK(test.read.bytes.value == 2);
  CHECK(test.negated);
  CHECK(test.op == ByteTest::Op::greater_equal);
  CHECK(test.value.value == 16);
  CHECK(test.read.offset.value == -4);
  CHECK(test.read.relative);
  CHECK(test.read.endian == Endian::little);
  CHECK(test.read.bitmask == 0x0ff0);
  CHECK(test.read.bitmask_shift == 4);
  CHECK(payload_option_of<ByteTest>("byte_test:0,>,1,0,string,dec;").read.base == NumberBase::decimal);
  CHECK(payload_option_of<ByteTest>("byte_test:4,!,1,0;").negated);
  CHECK(payload_option_of<ByteTest>("byte_test:8,&,0xffffffffffffffff,0;").value.value == -1);
  const auto variable = payload_option_of<ByteTest>("byte_extract:1,0,n; byte_test:n,=,n,n;");
  CHECK((variable.read.bytes.is_variable() && variable.value.is_variable() &&
         variable.read.offset.is_variable()));
}

TEST_CASE("a faulty byte_test points at its fault", "[signatures][byte_test]") {
  CHECK(outcome(with_options("byte_test:1,=,1;")) ==
        "1:41: byte_test is `bytes,operator,value,offset[,words]`");
  CHECK(outcome(with_options("byte_test:9,=,1,0;")) == "1:41: a binary number has at most 8 bytes");
  CHECK(outcome(with_options("byte_test:24,=,1,0,string,dec;")) ==
        "1:41: the number of bytes is a number from 0 to 23 or a variable");
  CHECK(outcome(with_options("byte_test:0,=,1,0;")) ==
        "1:41: a test of no bytes; 0 means all digits only with `string`");
  CHECK(outcome(with_options("byte_test:1,~,1,0;")) ==
        "1:43: byte_test compares with <, >, =, <=, >=, & or ^, each with or without `!` before it");
  CHECK(outcome(with_options("byte_test:1,=,v,0;")) ==
        "1:45: the variable `v` is not set before this option");
  CHECK(outcome(with_options("byte_test:1,=,1,0,hex;")) ==
        "1:41: hex, dec and oct need `string` before them");
  CHECK(outcome(with_options("byte_test:1,=,1,0,odd;")) == "1:49: byte_test does not know `odd`");
  CHECK(outcome(with_options("byte_test:1,=,1,0,bitmask 0;")) ==
        "1:57: a bitmask is a number from 1 to 0xffffffff");
  CHECK(outcome(with_options("byte_test:1,=,1,0,dce;")) == "skipped: dce");
}

TEST_CASE("byte_jump reads its multiplier, alignment, origin and post_offset", "[signatures][byte_jump]") {
  const auto jump = payload_option_of<ByteJump>(
      "byte_jump:4,2,relative,multiplier 3,align,from_beginning,post_offset -7,string,hex;");
  CHECK(jump.read.bytes.value == 4);
  CHECK(jump.read.offset.value == 2);
  CHECK(jump.read.relative);
  CHECK(jump.multiplier == 3);
  CHECK(jump.align);
  CHECK(jump.from == ByteJump::From::beginning);
  CHECK(jump.post_offset.value == -7);
  CHECK(jump.read.base == NumberBase::hex);
  CHECK(payload_option_of<ByteJump>("byte_jump:0,0,from_end,post_offset -8;").from == ByteJump::From::end);
  CHECK(outcome(with_options("byte_jump:4,0,from_end,from_beginning;")) ==
        "1:54: from_beginning and from_end exclude each other");
  CHECK(outcome(with_options("byte_jump:4;")) == "1:41: byte_jump is `bytes,offset[,words]`");
  CHECK(outcome(with_options("byte_jump:4,0,multiplier 0;")) ==
        "1:56: a multiplier is a number from 1 to 65535");
  CHECK(outcome(with_options("byte_jump:4,0,leap;")) == "1:45: byte_jump does not know `leap`");
  CHECK(outcome(with_options("byte_jump:4,65536;")) ==
        "1:43: the offset is a number from -65535 to 65535 or a variable");
}

TEST_CASE("byte_extract and byte_math name variables that later options use",
          "[signatures][byte_extract][byte_math]") {
  const Rule rule = rule_of(with_options(
      "byte_extract:2,1,len,relative,little,multiplier 2,align 4; "
      "byte_math:bytes 4, offset -2, oper <<, rvalue len, result sum, relative, endian little, bitmask f0; "
      "content:\"a\"; offset:sum; depth:len; byte_extract:1,0,len;"));
  REQUIRE(rule.payload.size() == 4);
  CHECK(rule.variables == 2);  // a name that is set again is the same variable
  const auto& extract = std::get<ByteExtract>(rule.payload[0]);
  CHECK((extract.result == 0 && extract.multiplier == 2 && extract.align == 4));
  const auto& math = std::get<ByteMath>(rule.payload[1]);
  CHECK((math.op == ByteMath::Op::shift_left && math.rvalue.variable == 0 && math.result == 1));
  CHECK((math.read.offset.value == -2 && math.read.relative && math.read.endian == Endian::little));
  CHECK((math.read.bitmask == 0xf0 && math.read.bitmask_shift == 4));
  const auto& content = std::get<Content>(rule.payload[2]);
  CHECK((content.offset->variable == 1 && content.depth->variable == 0));
  CHECK(std::get<ByteExtract>(rule.payload[3]).result == 0);
}

TEST_CASE("a faulty byte_extract or byte_math points at its fault", "[signatures][byte_extract][byte_math]") {
  CHECK(outcome(with_options("byte_extract:1,0;")) == "1:44: byte_extract is `bytes,offset,name[,words]`");
  CHECK(outcome(with_options("byte_extract:1,0,1n;")) ==
        "1:48: a variable's name begins with a letter and has no blanks");
  CHECK(outcome(with_options("byte_extract:0,0,n;")) == "1:44: there is nothing to extract from 0 bytes");
  CHECK(outcome(with_options("byte_extract:1,0,n,align 3;")) == "1:50: align is 2 or 4");
  CHECK(outcome(with_options("byte_math:bytes 1,offset 0,oper +,result r;")) ==
        "1:41: byte_math needs bytes, offset, oper, rvalue and result");
  CHECK(outcome(with_options("byte_math:bytes 1,offset 0,oper %,rvalue 1,result r;")) ==
        "1:63: byte_math computes with +, -, *, /, << or >>");
  CHECK(outcome(with_options("byte_math:bytes 5,offset 0,oper >>,rvalue 1,result r;")) ==
        "1:47: here byte_math reads 1 to 4 bytes");
  CHECK(outcome(with_options("byte_math:bytes 1,bytes 2,offset 0,oper +,rvalue 1,result r;")) ==
        "1:49: `bytes` stands twice");
  CHECK(outcome(with_options("byte_math:bytes 1,offset 0,oper +,rvalue 1,result r,fast;")) ==
        "1:83: byte_math does not know `fast`");
  std::string many;
  for (int i = 0; i < 65; ++i) many += "byte_extract:1,0,n" + std::to_string(i) + ";";
  CHECK(load(with_options(many)).report.failed.front().message == "a rule has at most 64 variables");
}
