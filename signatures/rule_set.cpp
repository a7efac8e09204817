#include "signatures/rule_set.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "signatures/conditions.hpp"
#include "signatures/fast_literal.hpp"
#include "signatures/rule_order.hpp"
#include "signatures/rule_set_parts.hpp"

namespace lockstep::signatures {
namespace {

constexpr std::size_t max_events = 64;

// Bits of the stream events that a rule names; an event that the caller does not know is the rule's error.
tl::expected<std::uint64_t, std::string> events_of(const Rule& rule, const std::vector<std::string>& names) {
  std::uint64_t events = 0;
  for (const PacketOption& option : rule.packet) {
    const auto* event = std::get_if<StreamEvent>(&option);
    if (event == nullptr) continue;
    const auto place = std::find(names.begin(), names.end(), event->name);
    const auto bit = static_cast<std::size_t>(place - names.begin());
    if (place == names.end() || bit >= max_events)
      return tl::make_unexpected(fmt::format("stream-event: {} is not known", event->name));
    events |= 1ULL << bit;
  }
  return events;
}

bool looks_at_payload_everywhere(const Rule& rule, const CompiledRule& compiled) {
  return !compiled.literal && rule.inspection != Inspection::header_only &&
         rule.inspection != Inspection::ip_only && rule.inspection != Inspection::protocol_only &&
         compiled.events == 0;
}

tl::expected<std::vector<CompiledRule>, std::vector<CompileError>> compile_all(
    const std::vector<Rule>& rules, const CompileOptions& options) {
  std::vector<CompiledRule> all;
  std::vector<CompileError> errors;
  for (const Rule& rule : rules) {
    auto compiled = compile_rule(rule);
    const auto events = events_of(rule, options.stream_events);
    if (!compiled || !events) {
      errors.push_back({rule.id, rule.place, compiled ? events.error() : compiled.error()});
      continue;
    }
    compiled->events = *events;
    choose_literal(rule, *compiled);
    all.push_back(std::move(*compiled));
  }
  if (!errors.empty()) return tl::make_unexpected(std::move(errors));
  return all;
}

// Members of the groups for everything that is not TCP.
std::vector<std::uint32_t> other_members(const std::vector<Rule>& rules, Direction direction) {
  std::vector<std::uint32_t> members;
  for (std::uint32_t i = 0; i < rules.size(); ++i) {
    const RuleProtocol protocol = rules[i].protocol;
    const bool tcp_only = protocol == RuleProtocol::tcp || protocol == RuleProtocol::tcp_pkt ||
                          protocol == RuleProtocol::tcp_stream || protocol == RuleProtocol::application;
    const FlowOption::Side side = rules[i].flow.side;
    const bool this_way = side == FlowOption::Side::any ||
                          (side == FlowOption::Side::to_server) == (direction == Direction::to_server);
    if (!tcp_only && this_way) members.push_back(i);
  }
  return members;
}

tl::expected<void, std::string> build_groups(const std::vector<Rule>& rules, const CompileOptions& options,
                                             RuleSet::Parts& parts, RuleSetReport& report) {
  GroupBuilder builder(rules, parts.compiled, options, report);
  for (const Direction direction : {Direction::to_server, Direction::to_client}) {
    const auto index = static_cast<std::size_t>(direction);
    PortPartition partition = partition_by_port(rules, direction, options.max_port_groups);
    for (const auto& members : partition.members) {
      auto group = builder.build(members);
      if (!group) return tl::make_unexpected(group.error());
      parts.tcp[index].groups.push_back(std::move(*group));
    }
    parts.tcp[index].of_port = std::move(partition.of_port);
    auto other = builder.build(other_members(rules, direction));
    if (!other) return tl::make_unexpected(other.error());
    parts.other[index] = std::move(*other);
    report.groups += parts.tcp[index].groups.size() + 1;
  }
  parts.databases = builder.databases();
  return {};
}

bool can_still_match(const Rule& rule, Direction direction, const FlowPast& past) {
  const auto way = static_cast<std::size_t>(direction);
  if (rule.inspection == Inspection::ip_only && past.first_judged[way]) return false;
  if (rule.inspection == Inspection::protocol_only && past.protocol_judged[way]) return false;
  if (rule.flow.state == FlowOption::State::not_established && past.established) return false;
  return !rule.asks_for_protocol() || protocols_hold(rule, past.protocols.seen(direction), direction);
}

}  // namespace

RuleSet::~RuleSet() = default;

tl::expected<std::shared_ptr<const RuleSet>, std::vector<CompileError>> RuleSet::compile(
    std::vector<Rule> rules, Names names, const CompileOptions& options) {
  const auto failed = [](std::string text) {
    return tl::make_unexpected(std::vector<CompileError>{{RuleId{}, SourcePlace{}, std::move(text)}});
  };
  if (options.window == 0 || options.window > CompileOptions::max_window)
    return failed(
        fmt::format("window of {} bytes: must be 1 to {}", options.window, CompileOptions::max_window));

  const auto order = evaluation_order(rules, options.action_order);
  std::vector<Rule> ordered;
  ordered.reserve(rules.size());
  for (const std::uint32_t index : order) ordered.push_back(std::move(rules[index]));

  auto compiled = compile_all(ordered, options);
  if (!compiled) return tl::make_unexpected(std::move(compiled.error()));
  std::shared_ptr<RuleSet> set(new RuleSet());
  set->generation_ = options.generation;
  set->window_ = options.window;
  set->rules_ = std::move(ordered);
  set->names_ = std::move(names);
  set->parts_ = std::make_unique<Parts>();
  set->parts_->compiled = std::move(*compiled);
  set->report_.rules = set->rules_.size();
  for (std::uint32_t i = 0; i < set->rules_.size(); ++i)
    if (looks_at_payload_everywhere(set->rules_[i], set->parts_->compiled[i]))
      set->report_.expensive.push_back(i);
  if (auto built = build_groups(set->rules_, options, *set->parts_, set->report_); !built)
    return failed("literals: " + built.error());
  return set;
}

FlowRules RuleSet::rules_for(const FlowEndpoints& endpoints) const {
  constexpr std::uint8_t tcp = 6;
  const auto group_of = [&](Direction direction) -> const RuleGroup* {
    const auto index = static_cast<std::size_t>(direction);
    const PortGroups& by_port = parts_->tcp[index];
    const RuleGroup& group = endpoints.protocol == tcp
                                 ? *by_port.groups[by_port.of_port[endpoints.server_port]]
                                 : *parts_->other[index];
    if (!group.scans() && !checks_packets(group)) return nullptr;
    const auto admits = [&](std::uint32_t rule) { return header_admits(rules_[rule], endpoints, direction); };
    return std::any_of(group.headers.begin(), group.headers.end(), admits) ? &group : nullptr;
  };
  return {group_of(Direction::to_server), group_of(Direction::to_client)};
}

FlowRules RuleSet::rules_left(const FlowRules& rules, const FlowEndpoints& endpoints,
                              const FlowPast& past) const {
  const auto left = [&](Direction direction) -> const RuleGroup* {
    const RuleGroup* group = rules.of(direction);
    if (group == nullptr) return nullptr;
    const auto possible = [&](std::uint32_t index) {
      const Rule& rule = rules_[index];
      return header_admits(rule, endpoints, direction) && can_still_match(rule, direction, past);
    };
    return std::any_of(group->headers.begin(), group->headers.end(), possible) ? group : nullptr;
  };
  return {left(Direction::to_server), left(Direction::to_client)};
}

}  // namespace lockstep::signatures
