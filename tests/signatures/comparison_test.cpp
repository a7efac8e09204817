#include "signatures/rule.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep::signatures;

TEST_CASE("a range excludes both its ends", "[signatures][rule]") {
  const Comparison range{Comparison::Op::between, 10, 20};
  CHECK_FALSE(range.matches(10));
  CHECK(range.matches(11));
  CHECK(range.matches(19));
  CHECK_FALSE(range.matches(20));
}

TEST_CASE("a mask compares only its bits", "[signatures][rule]") {
  const Comparison masked{Comparison::Op::masked, 0xf0, 0x40};
  CHECK(masked.matches(0x4f));
  CHECK_FALSE(masked.matches(0x5f));
}
