#include "signatures/match.hpp"

#include <fmt/format.h>

namespace lockstep::signatures {

const char* name(MatchOn on) {
  return on == MatchOn::packet ? "packet" : "stream";
}
const char* name(EffectScope scope) {
  return scope == EffectScope::packet ? "packet" : "flow";
}

std::string to_string(const Match& match) {
  return fmt::format("{}:{}:{} {} {} [{}, {}){}", match.id.gid, match.id.sid, match.id.rev, name(match.on),
                     match.direction == Direction::to_server ? "to server" : "to client", match.from,
                     match.to, match.early ? " early" : "");
}

namespace {

// What every packet of a direction has in common decides; tcp-pkt asks for packets by name.
bool judges_endpoints(const Rule& rule) {
  if (rule.inspection == Inspection::ip_only || rule.inspection == Inspection::protocol_only) return true;
  return rule.inspection == Inspection::header_only && rule.protocol != RuleProtocol::tcp_pkt &&
         rule.packet.empty() && rule.state.empty() && rule.flow == FlowOption{};
}

}  // namespace

EffectScope scope_of(const Rule& rule, const Match& match) {
  const bool flow = match.on == MatchOn::stream || judges_endpoints(rule);
  return flow ? EffectScope::flow : EffectScope::packet;
}

}  // namespace lockstep::signatures
