// Entries of the map `flows`, as the engine makes them.
#pragma once
#include <algorithm>

#include "engine/kernel_verdicts.hpp"
#include "tests/support/catch.hpp"
#include "tests/xdp/kernel.hpp"

namespace lockstep::test {

inline ls_flow_key key_of(const PacketSpec& spec) {
  Bytes bytes = build_packet(spec);
  const auto decoded = reassembly::decode(frame_of(bytes), {});
  ls_flow_key key{};
  REQUIRE(to_kernel_key(make_flow_key(std::get<reassembly::Segment>(decoded), 0), key));
  return key;
}

inline ls_flow verdict(ls_verdict kind, bool draining = false) {
  ls_flow flow{};
  flow.verdict = kind;
  std::fill(std::begin(flow.draining), std::end(flow.draining), draining ? 1 : 0);
  flow.idle = flow.idle_closed = Kernel::far;
  flow.ticket = 1;
  return flow;
}

}  // namespace lockstep::test
