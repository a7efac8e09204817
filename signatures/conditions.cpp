#include "signatures/conditions.hpp"

#include <algorithm>

namespace lockstep::signatures {
namespace {

constexpr std::uint8_t icmp = 1;
constexpr std::uint8_t tcp = 6;
constexpr std::uint8_t udp = 17;
constexpr std::uint8_t icmpv6 = 58;
constexpr std::uint8_t sctp = 132;

bool has_ports(std::uint8_t protocol) {
  return protocol == tcp || protocol == udp || protocol == sctp;
}

struct End {
  const Address& address;
  std::uint16_t port;
};

bool one_way(const Rule& rule, const End& from, const End& to, bool ports) {
  if (ports && !(rule.source_ports.contains(from.port) && rule.destination_ports.contains(to.port)))
    return false;
  return rule.source.contains(from.address) && rule.destination.contains(to.address);
}

bool ends_match(const Rule& rule, const End& from, const End& to, std::uint8_t protocol) {
  const bool ports = has_ports(protocol);
  return one_way(rule, from, to, ports) || (rule.bidirectional && one_way(rule, to, from, ports));
}

bool fragbits_hold(const FragBits& option, const PacketFields& packet) {
  const auto bits = [](bool reserved, bool dont, bool more) {
    return (reserved ? 4U : 0U) | (dont ? 2U : 0U) | (more ? 1U : 0U);
  };
  const unsigned have = bits(packet.reserved_bit, packet.dont_fragment, packet.more_fragments);
  const unsigned want = bits(option.reserved, option.dont, option.more);
  switch (option.mode) {
    case FragBits::Mode::exact:
      return have == want;
    case FragBits::Mode::all:
      return (have & want) == want;
    case FragBits::Mode::any:
      return (have & want) != 0;
    case FragBits::Mode::not_all:
      return (have & want) != want;
  }
  return false;
}

bool flags_hold(const TcpFlagsMatch& option, std::uint8_t flags) {
  const unsigned bits = option.bits;
  switch (option.mode) {
    case TcpFlagsMatch::Mode::exact:
      return (flags & ~unsigned{option.ignored}) == bits;
    case TcpFlagsMatch::Mode::all:
      return (flags & bits) == bits;
    case TcpFlagsMatch::Mode::any:
      return (flags & bits) != 0;
    case TcpFlagsMatch::Mode::not_all:
      return (flags & bits) != bits;
  }
  return false;
}

bool icmp_holds(const IcmpNumber& option, const PacketFields& packet) {
  if (packet.protocol != icmp && packet.protocol != icmpv6) return false;
  switch (option.field) {
    case IcmpNumber::Field::type:
      return option.value.matches(packet.icmp_type);
    case IcmpNumber::Field::code:
      return option.value.matches(packet.icmp_code);
    case IcmpNumber::Field::id:
      return packet.icmp_id && option.value.matches(*packet.icmp_id);
    case IcmpNumber::Field::sequence:
      return packet.icmp_sequence && option.value.matches(*packet.icmp_sequence);
  }
  return false;
}

bool option_holds(const AppLayerProtocol& option, const SeenProtocols& seen, Direction direction) {
  const AppProtocol to_server = seen.of[0];
  const AppProtocol to_client = seen.of[1];
  if (option.of == AppLayerProtocol::Of::either) {
    const bool known = to_server != AppProtocol::unknown || to_client != AppProtocol::unknown;
    return option.negated ? known && !seen.any_of(option.protocols) : seen.any_of(option.protocols);
  }
  const bool client_speaks =
      option.of == AppLayerProtocol::Of::to_server ||
      (option.of == AppLayerProtocol::Of::direction && direction == Direction::to_server);
  const AppProtocol spoken = option.of == AppLayerProtocol::Of::flow ? seen.flow
                             : client_speaks                         ? to_server
                                                                     : to_client;
  if (!option.negated) return option.protocols.contains(spoken);
  return spoken != AppProtocol::unknown && !option.protocols.contains(spoken);
}

bool checksum_holds(const ChecksumMatch& option, const PacketFields& packet) {
  switch (option.layer) {
    case ChecksumMatch::Layer::ipv4:
      return packet.ip_version == 4 && packet.ip_checksum_valid == option.valid;
    case ChecksumMatch::Layer::tcpv4:
      return packet.ip_version == 4 && packet.protocol == tcp && packet.checksum_valid == option.valid;
    case ChecksumMatch::Layer::tcpv6:
      return packet.ip_version == 6 && packet.protocol == tcp && packet.checksum_valid == option.valid;
  }
  return false;
}

// One overload an option; the visitor below gives it the packet.
struct PacketOptionHolds {
  const PacketFields& packet;

  [[nodiscard]] bool is_tcp() const { return packet.protocol == tcp; }
  [[nodiscard]] bool is_ipv4() const { return packet.ip_version == 4; }
  // As Suricata has it, `dsize:!N` asks for a payload.
  bool operator()(const Dsize& option) const {
    if (option.size.op == Comparison::Op::not_equal && packet.payload.empty()) return false;
    return option.size.matches(packet.payload.size());
  }
  bool operator()(const Ttl& option) const { return option.value.matches(packet.ttl); }
  bool operator()(const Tos& option) const { return is_ipv4() && option.value.matches(packet.tos); }
  bool operator()(const IpId& option) const { return is_ipv4() && option.value.matches(packet.ip_id); }
  bool operator()(const IpProto& option) const { return option.value.matches(packet.protocol); }
  bool operator()(const SameIp&) const { return packet.source == packet.destination; }
  bool operator()(const FragBits& option) const { return is_ipv4() && fragbits_hold(option, packet); }
  bool operator()(const FragOffset& option) const { return option.value.matches(packet.fragment_offset); }
  bool operator()(const IpOpts& option) const {
    if (option.kind < 0) return packet.ip_options != 0;
    return (packet.ip_options >> (static_cast<unsigned>(option.kind) & 31U) & 1U) != 0;
  }
  bool operator()(const TcpFlagsMatch& option) const {
    return is_tcp() && flags_hold(option, packet.tcp_flags);
  }
  bool operator()(const TcpSeq& option) const { return is_tcp() && packet.seq == option.value; }
  bool operator()(const TcpAck& option) const { return is_tcp() && packet.ack == option.value; }
  bool operator()(const TcpWindow& option) const {
    return is_tcp() && (packet.window == option.value) != option.negated;
  }
  bool operator()(const TcpMss& option) const { return packet.mss && option.value.matches(*packet.mss); }
  bool operator()(const TcpWscale& option) const {
    return packet.window_scale && option.value.matches(*packet.window_scale);
  }
  bool operator()(const ChecksumMatch& option) const { return checksum_holds(option, packet); }
  bool operator()(const IcmpNumber& option) const { return icmp_holds(option, packet); }
  bool operator()(const StreamEvent&) const { return true; }  // by CompiledRule::events
};

}  // namespace

bool protocol_admits(const Rule& rule, std::uint8_t protocol, std::uint8_t ip_version) {
  switch (rule.protocol) {
    case RuleProtocol::ip:
      return true;
    case RuleProtocol::ipv4:
      return ip_version == 4;
    case RuleProtocol::ipv6:
      return ip_version == 6;
    case RuleProtocol::tcp:
    case RuleProtocol::tcp_pkt:
    case RuleProtocol::tcp_stream:
    case RuleProtocol::application:
      return protocol == tcp;
    case RuleProtocol::udp:
      return protocol == udp;
    case RuleProtocol::icmp:
      return protocol == icmp || protocol == icmpv6;
    case RuleProtocol::icmpv6:
      return protocol == icmpv6;
    case RuleProtocol::sctp:
      return protocol == sctp;
  }
  return false;
}

bool header_holds(const Rule& rule, const PacketFields& packet) {
  return protocol_admits(rule, packet.protocol, packet.ip_version) &&
         ends_match(rule, {packet.source, packet.source_port}, {packet.destination, packet.destination_port},
                    packet.protocol);
}

bool header_admits(const Rule& rule, const FlowEndpoints& endpoints, Direction direction) {
  const End client{endpoints.client, endpoints.client_port};
  const End server{endpoints.server, endpoints.server_port};
  if (!protocol_admits(rule, endpoints.protocol, endpoints.client.version)) return false;
  return direction == Direction::to_server ? ends_match(rule, client, server, endpoints.protocol)
                                           : ends_match(rule, server, client, endpoints.protocol);
}

bool flow_holds(const Rule& rule, const PacketFields& packet, MatchOn on) {
  const FlowOption& flow = rule.flow;
  const bool side_holds = flow.side == FlowOption::Side::any ||
                          (packet.has_flow && (flow.side == FlowOption::Side::to_server) ==
                                                  (packet.direction == Direction::to_server));
  if (!side_holds) return false;
  switch (flow.state) {
    case FlowOption::State::any:
      break;
    case FlowOption::State::stateless:
      if (!packet.has_flow) return false;
      break;
    case FlowOption::State::established:
      if (!packet.has_flow || !packet.established) return false;
      break;
    case FlowOption::State::not_established:
      if (!packet.has_flow || packet.established) return false;
      break;
  }
  if (flow.scope == FlowOption::Scope::only_stream && on != MatchOn::stream) return false;
  if (flow.scope == FlowOption::Scope::no_stream && on == MatchOn::stream) return false;
  if (flow.fragments == FlowOption::Fragments::only) return packet.reassembled;
  return flow.fragments == FlowOption::Fragments::any || !packet.reassembled;
}

bool protocols_hold(const Rule& rule, const SeenProtocols& seen, Direction direction) {
  if (!rule.application.empty() && !seen.any_of(rule.application)) return false;
  return std::all_of(rule.protocols.begin(), rule.protocols.end(),
                     [&](const AppLayerProtocol& option) { return option_holds(option, seen, direction); });
}

bool packet_options_hold(const Rule& rule, const PacketFields& packet, std::uint64_t events) {
  if ((packet.events & events) != events) return false;
  for (const PacketOption& option : rule.packet)
    if (!std::visit(PacketOptionHolds{packet}, option)) return false;
  return true;
}

}  // namespace lockstep::signatures
