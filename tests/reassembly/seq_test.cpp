#include "reassembly/seq.hpp"

#include "tests/support/catch.hpp"

using namespace lockstep::reassembly;

TEST_CASE("sequence numbers compare across the wrap", "[reassembly][seq][rfc9293-3.4]") {
  const Seq near_wrap(0xfffffff0U);
  CHECK(near_wrap.before(near_wrap.plus(0x20)));
  CHECK(near_wrap.plus(0x20).after(near_wrap));
  CHECK(near_wrap.plus(0x20).distance_from(near_wrap) == 0x20);
  CHECK(near_wrap.plus(-1).distance_from(near_wrap) == -1);
}

TEST_CASE("offsets widen next to what is known", "[reassembly][seq]") {
  const Seq first(0xfffffff0U);
  CHECK(to_offset(Seq(0x10), first, 0) == 0x20);
  CHECK(to_offset(Seq(0xffffffefU), first, 0) == -1);
  const StreamOffset far = (StreamOffset{5} << 32) + 7;
  CHECK(to_offset(to_seq(far + 1000, first), first, far) == far + 1000);
  CHECK(to_offset(to_seq(far - 1000, first), first, far) == far - 1000);
}
