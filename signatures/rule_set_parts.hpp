// What a RuleSet is made of, for the files of this folder.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "signatures/rule_group.hpp"

namespace lockstep::signatures {

// Groups of one direction of TCP flows by the port of the server.
struct PortGroups {
  std::vector<std::unique_ptr<RuleGroup>> groups;
  std::vector<std::uint8_t> of_port;  // 65,536 indices into `groups`
};

struct RuleSet::Parts {
  std::vector<CompiledRule> compiled;
  std::array<PortGroups, 2> tcp;                    // by Direction
  std::array<std::unique_ptr<RuleGroup>, 2> other;  // every other protocol
  std::vector<std::shared_ptr<const LiteralDatabase>> databases;
};

// Divides the rules of one direction by server port. At most `max_groups` sets: the ports that no rule names
// keep one of their own, those with the most rules of their own too, the rest share one.
struct PortPartition {
  std::vector<std::vector<std::uint32_t>> members;  // of each group, in order of evaluation
  std::vector<std::uint8_t> of_port;
};
[[nodiscard]] PortPartition partition_by_port(const std::vector<Rule>& rules, Direction direction,
                                              std::size_t max_groups);

}  // namespace lockstep::signatures
