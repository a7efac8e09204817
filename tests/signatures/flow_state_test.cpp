#include "signatures/flow_state.hpp"

#include <array>

#include "tests/support/catch.hpp"

using namespace lockstep::signatures;

TEST_CASE("a flow without bits costs a pointer", "[signatures][flowbits]") {
  FlowState state;
  CHECK(sizeof(FlowState) == sizeof(void*));
  CHECK(state.heap_bytes() == 0);
  CHECK(state.set_bit(7, true));
  CHECK_FALSE(state.set_bit(7, true));
  CHECK(state.bit(7));
  CHECK(state.set_bit(7, false));
  CHECK(state.empty());
  CHECK(state.heap_bytes() == 0);
}

TEST_CASE("a copy of a flow's state is its own", "[signatures][flowbits]") {
  FlowState state;
  state.set_bit(1, true);
  state.set_integer(2, 5);
  FlowState copy = state;
  copy.set_bit(1, false);
  copy.set_integer(2, 6);
  CHECK(state.bit(1));
  CHECK(state.integer(2) == 5U);
  CHECK_FALSE(copy.bit(1));
}
