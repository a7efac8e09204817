// Matches single packets: rules of headers, sizes and single payloads, the packet half of anchored contents,
// and any stream rule on a payload that never entered a stream. Stateless but for FlowState and HostState. No
// allocation.
#pragma once
#include <cstdint>
#include <vector>

#include "signatures/match.hpp"
#include "signatures/stream_scanner.hpp"

namespace lockstep::signatures {

// A packet has two turns, in this order. Rules that read flowbits, flowints or xbits and write none are
// judged in the second, behind what the packet's bytes matched in the stream: a bit that is set by this
// packet counts.
enum class PacketTurn : std::uint8_t { before_stream, behind_stream };

// Appends the rules that match, in order of evaluation. `first_of_direction`: nothing came before in this
// direction of the flow, or there is no flow: rules of addresses alone are judged then, and only then. A null
// group matches nothing. The second turn takes up what the first found: no other packet may come between.
void match_packet(const RuleSet& set, const RuleGroup* group, const MatchContext& context,
                  bool first_of_direction, Scratch& scratch, std::vector<Match>& matches, PacketTurn turn);

// The rules of addresses alone that match packets with this header: all that `first_of_direction` is about.
[[nodiscard]] std::vector<RuleId> rules_of_addresses(const RuleSet& set, const RuleGroup* group,
                                                     const PacketFields& header);

}  // namespace lockstep::signatures
