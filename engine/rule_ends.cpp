#include "engine/rule_ends.hpp"

#include <algorithm>

#include "signatures/rule_set.hpp"

namespace lockstep {
namespace {

xdp::Number number(const std::array<std::uint8_t, 16>& bytes, std::size_t count) {
  xdp::Number value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value << 8U | bytes[i];
  return value;
}

std::vector<xdp::AddressRange> ranges(const signatures::AddressSet& set, std::uint8_t version) {
  const std::size_t bytes = version == 4 ? 4 : 16;
  if (set.is_any()) return {{0, version == 4 ? xdp::Number{0xffffffffU} : ~xdp::Number{0}}};
  std::vector<xdp::AddressRange> out;
  for (const auto& [first, last] : set.ranges(version))
    out.emplace_back(number(first, bytes), number(last, bytes));
  return out;
}

xdp::RuleEnd end_of(const signatures::AddressSet& addresses, const signatures::PortSet& ports) {
  xdp::RuleEnd end;
  end.ports = ports.is_any() ? std::vector<xdp::PortRange>{{0, 65'535}} : ports.ranges();
  end.addresses4 = ranges(addresses, 4);
  end.addresses6 = ranges(addresses, 6);
  return end;
}

}  // namespace

std::vector<xdp::RuleEnds> rule_ends(const RuleGeneration& rules) {
  std::vector<xdp::RuleEnds> found;
  for (std::uint32_t i = 0; i < rules.set->size(); ++i) {
    const signatures::Rule& rule = rules.set->rule(i);
    xdp::RuleEnds ends{end_of(rule.source, rule.source_ports),
                       end_of(rule.destination, rule.destination_ports)};
    if (std::find(found.begin(), found.end(), ends) == found.end()) found.push_back(std::move(ends));
  }
  return found;
}

}  // namespace lockstep
