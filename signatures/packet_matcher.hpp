// Matches single packets: rules of headers, sizes and single payloads, the packet half of anchored contents,
// and any stream rule on a payload that never entered a stream. Stateless but for FlowState and HostState. No
// allocation.
#pragma once
#include <vector>

#include "signatures/match.hpp"
#include "signatures/stream_scanner.hpp"

namespace lockstep::signatures {

// Appends the rules that match, in order of evaluation. `first_of_direction`: nothing came before in this
// direction of the flow, or there is no flow: rules of addresses alone are judged then, and only then. A null
// group matches nothing.
void match_packet(const RuleSet& set, const RuleGroup* group, const MatchContext& context,
                  bool first_of_direction, Scratch& scratch, std::vector<Match>& matches);

}  // namespace lockstep::signatures
