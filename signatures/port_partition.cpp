#include <algorithm>
#include <map>
#include <set>

#include "signatures/rule_set_parts.hpp"

namespace lockstep::signatures {
namespace {

constexpr std::uint32_t ports = 65536;

bool in_direction(const Rule& rule, Direction direction) {
  if (rule.flow.side == FlowOption::Side::any) return true;
  return (rule.flow.side == FlowOption::Side::to_server) == (direction == Direction::to_server);
}

bool is_tcp(const Rule& rule) {
  switch (rule.protocol) {
    case RuleProtocol::ip:
    case RuleProtocol::ipv4:
    case RuleProtocol::ipv6:
    case RuleProtocol::tcp:
    case RuleProtocol::tcp_pkt:
    case RuleProtocol::tcp_stream:
    case RuleProtocol::application:
      return true;
    default:
      return false;
  }
}

// The ports that the rule wants of the server; null: any.
const PortSet* server_ports(const Rule& rule, Direction direction) {
  const PortSet& set = direction == Direction::to_server ? rule.destination_ports : rule.source_ports;
  return rule.bidirectional || set.is_any() ? nullptr : &set;
}

using Members = std::vector<std::uint32_t>;

Members joined(const Members& left, const Members& right) {
  Members both;
  std::set_union(left.begin(), left.end(), right.begin(), right.end(), std::back_inserter(both));
  return both;
}

}  // namespace

PortPartition partition_by_port(const std::vector<Rule>& rules, Direction direction, std::size_t max_groups) {
  Members everywhere;
  Members specific;
  std::set<std::uint32_t> borders{0};
  for (std::uint32_t i = 0; i < rules.size(); ++i) {
    if (!in_direction(rules[i], direction) || !is_tcp(rules[i])) continue;
    const PortSet* set = server_ports(rules[i], direction);
    (set == nullptr ? everywhere : specific).push_back(i);
    if (set == nullptr) continue;
    for (const auto& [first, last] : set->ranges()) {
      borders.insert(first);
      borders.insert(std::uint32_t{last} + 1);
    }
  }
  // Which rules name the ports from each border to the next; ports with equal rules are one class.
  std::map<Members, std::vector<std::uint32_t>> classes;  // members -> first ports
  for (const std::uint32_t port : borders) {
    if (port >= ports) continue;
    Members named;
    for (const std::uint32_t rule : specific)
      if (server_ports(rules[rule], direction)->contains(static_cast<std::uint16_t>(port)))
        named.push_back(rule);
    classes[named].push_back(port);
  }
  std::vector<const Members*> ranked;
  for (const auto& [named, first_ports] : classes)
    if (!named.empty()) ranked.push_back(&named);
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const Members* left, const Members* right) { return left->size() > right->size(); });

  // Group 0 is that of ports without rules of their own; the last one is shared by what is beyond the limit.
  PortPartition partition;
  partition.members.push_back(everywhere);
  std::map<const Members*, std::uint8_t> group_of;
  const std::size_t limit = std::clamp<std::size_t>(max_groups, 2, 255);
  for (const Members* named : ranked) {
    if (partition.members.size() < limit)
      partition.members.push_back(joined(everywhere, *named));
    else
      partition.members.back() = joined(partition.members.back(), *named);
    group_of[named] = static_cast<std::uint8_t>(partition.members.size() - 1);
  }
  partition.of_port.assign(ports, 0);
  for (const auto& [named, first_ports] : classes) {
    const std::uint8_t group = named.empty() ? std::uint8_t{0} : group_of[&named];
    for (const std::uint32_t first : first_ports) {
      const auto after = borders.upper_bound(first);
      const std::uint32_t last = after == borders.end() ? ports : std::min(*after, ports);
      std::fill(partition.of_port.begin() + first, partition.of_port.begin() + last, group);
    }
  }
  return partition;
}

}  // namespace lockstep::signatures
