// What the rules know of one flow. Absent where no rule can match the flow: nothing is scanned or kept for
// it.
#pragma once
#include <array>
#include <memory>

#include "engine/rule_generation.hpp"
#include "signatures/flow_state.hpp"
#include "signatures/stream_scanner.hpp"

namespace lockstep {

struct Inspection {
  std::shared_ptr<const RuleGeneration> rules;
  signatures::FlowRules groups;
  std::array<signatures::StreamScanner, 2> scanners;  // by Direction
  signatures::FlowState state;
  std::array<bool, 2>
      packet_seen{};  // the direction's first packet was judged by the rules of addresses alone
};

}  // namespace lockstep
