// Everything of a rule but its payload options: the header before the brackets, the keyword `flow`, options
// of packet headers, and options that read or write state. Cheap, pure but for the state written.
#pragma once
#include "signatures/compiled.hpp"
#include "signatures/packet_matcher.hpp"
#include "signatures/rule.hpp"

namespace lockstep::signatures {

// Protocol, addresses and ports, in the direction that the packet goes.
[[nodiscard]] bool header_holds(const Rule& rule, const PacketFields& packet);
// The same without a packet: whether one direction of a flow can match.
[[nodiscard]] bool header_admits(const Rule& rule, const FlowEndpoints& endpoints, Direction direction);
[[nodiscard]] bool protocol_admits(const Rule& rule, std::uint8_t protocol, std::uint8_t ip_version);
[[nodiscard]] bool flow_holds(const Rule& rule, const PacketFields& packet, MatchOn on);
// `events`: CompiledRule::events, all of which the packet must show.
[[nodiscard]] bool packet_options_hold(const Rule& rule, const PacketFields& packet, std::uint64_t events);

// What the connection speaks, to a rule judged in `direction`.
[[nodiscard]] bool protocols_hold(const Rule& rule, const SeenProtocols& seen, Direction direction);

[[nodiscard]] bool state_holds(const Rule& rule, const MatchContext& context);
// After the rule matched; true if anything of the flow's changed.
bool write_state(const Rule& rule, const MatchContext& context);

}  // namespace lockstep::signatures
