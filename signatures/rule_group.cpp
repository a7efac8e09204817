#include "signatures/rule_group.hpp"

#include <algorithm>
#include <tuple>

#include "signatures/fast_literal.hpp"

namespace lockstep::signatures {
namespace {

bool equal(const AddressSet& left, const AddressSet& right) {
  return left.is_any() == right.is_any() && left.ranges(4) == right.ranges(4) &&
         left.ranges(6) == right.ranges(6);
}
bool equal(const PortSet& left, const PortSet& right) {
  return left.is_any() == right.is_any() && left.ranges() == right.ranges();
}
// Rules that can match the same flows at the same time of their life (RuleSet::rules_left).
bool same_flows(const Rule& left, const Rule& right) {
  const auto fades = [](const Rule& rule) {
    return std::tuple(rule.inspection == Inspection::ip_only, rule.inspection == Inspection::protocol_only,
                      rule.flow.state == FlowOption::State::not_established);
  };
  if (left.application != right.application || fades(left) != fades(right)) return false;
  if (!left.protocols.empty() || !right.protocols.empty()) return false;
  return left.bidirectional == right.bidirectional && equal(left.source, right.source) &&
         equal(left.destination, right.destination) && equal(left.source_ports, right.source_ports) &&
         equal(left.destination_ports, right.destination_ports);
}

bool on_stream(const Rule& rule) {
  return rule.inspection == Inspection::stream || rule.inspection == Inspection::packet_and_stream;
}
bool on_packet(const Rule& rule) {
  return rule.inspection == Inspection::packet || rule.inspection == Inspection::packet_and_stream ||
         rule.inspection == Inspection::header_only;
}

}  // namespace

tl::expected<LiteralSet, std::string> GroupBuilder::literal_set(const std::vector<std::uint32_t>& members,
                                                                LiteralDatabase::Mode mode) {
  LiteralSet set;
  if (members.empty()) return set;
  std::map<std::string, std::vector<LiteralUse>> by_literal;
  for (const std::uint32_t rule : members) {
    const FastLiteral& literal = *compiled_[rule].literal;
    by_literal[std::string(literal.bytes.begin(), literal.bytes.end())].push_back(
        {rule, literal.tail, literal.min_end, literal.max_end});
  }
  std::vector<std::vector<std::uint8_t>> literals;
  for (const auto& [bytes, uses] : by_literal) {
    literals.emplace_back(bytes.begin(), bytes.end());
    set.first.push_back(static_cast<std::uint32_t>(set.uses.size()));
    set.uses.insert(set.uses.end(), uses.begin(), uses.end());
  }
  set.first.push_back(static_cast<std::uint32_t>(set.uses.size()));

  auto& made = made_[LiteralDatabase::key(literals, mode)];
  if (made == nullptr) {
    if (options_.objection) {
      if (auto objection = options_.objection()) return tl::make_unexpected(std::move(*objection));
    }
    auto database = LiteralDatabase::compile(literals, mode, options_.cache);
    if (!database) return tl::make_unexpected(database.error());
    made = std::make_shared<const LiteralDatabase>(std::move(*database));
    report_.databases += 1;
    report_.databases_from_cache += made->from_cache() ? 1U : 0U;
    report_.database_bytes += made->bytes();
  }
  set.database = made;
  return set;
}

void GroupBuilder::note_headers(RuleGroup& group, const std::vector<std::uint32_t>& members) const {
  for (const std::uint32_t index : members) {
    const Rule& rule = rules_[index];
    const bool known = std::any_of(group.headers.begin(), group.headers.end(),
                                   [&](std::uint32_t other) { return same_flows(rules_[other], rule); });
    if (!known) group.headers.push_back(index);
  }
}

tl::expected<std::unique_ptr<RuleGroup>, std::string> GroupBuilder::build(
    const std::vector<std::uint32_t>& members) {
  auto group = std::make_unique<RuleGroup>();
  std::vector<std::uint32_t> by_length[RuleGroup::stream_sets];
  std::vector<std::uint32_t> packet;
  std::vector<std::uint32_t> fallback;
  for (const std::uint32_t index : members) {
    const Rule& rule = rules_[index];
    const CompiledRule& compiled = compiled_[index];
    const bool has_literal = compiled.literal.has_value();
    if (on_stream(rule)) {
      if (has_literal)
        by_length[compiled.literal->bytes.size() < short_literal ? 1 : 0].push_back(index);
      else
        group->stream_always.push_back(index);
      const bool bounded = has_literal && compiled.lookback < options_.window;
      group->lookback = std::max(group->lookback,
                                 bounded ? static_cast<std::uint32_t>(compiled.lookback) : options_.window);
    }
    if (compiled.behind_stream()) group->second_turn = true;
    if (rule.inspection == Inspection::ip_only) group->first_packet.push_back(index);
    if (rule.inspection == Inspection::protocol_only) group->on_protocol.push_back(index);
    if (on_packet(rule)) {
      group->events |= compiled.events;
      if (compiled.events != 0)
        group->packet_events.push_back(index);
      else if (has_literal)
        packet.push_back(index);
      else
        group->packet_always.push_back(index);
    }
    if (rule.inspection == Inspection::stream && rule.flow.scope != FlowOption::Scope::only_stream &&
        rule.protocol != RuleProtocol::tcp_stream) {
      if (has_literal)
        fallback.push_back(index);
      else
        group->fallback_always.push_back(index);
    }
  }
  for (std::size_t i = 0; i < RuleGroup::stream_sets; ++i) {
    auto set = literal_set(by_length[i], LiteralDatabase::Mode::stream);
    if (!set) return tl::make_unexpected(set.error());
    group->stream[i] = std::move(*set);
  }
  auto on_payload = literal_set(packet, LiteralDatabase::Mode::block);
  if (!on_payload) return tl::make_unexpected(on_payload.error());
  group->packet = std::move(*on_payload);
  auto outside = literal_set(fallback, LiteralDatabase::Mode::block);
  if (!outside) return tl::make_unexpected(outside.error());
  group->fallback = std::move(*outside);
  note_headers(*group, members);
  return group;
}

std::vector<std::shared_ptr<const LiteralDatabase>> GroupBuilder::databases() const {
  std::vector<std::shared_ptr<const LiteralDatabase>> all;
  for (const auto& [key, database] : made_) all.push_back(database);
  return all;
}

bool scans_stream(const RuleGroup& group) {
  return group.scans();
}
std::uint32_t lookback(const RuleGroup& group) {
  return group.lookback;
}
bool checks_packets(const RuleGroup& group) {
  return !group.packet.empty() || !group.packet_always.empty() || !group.packet_events.empty() ||
         !group.first_packet.empty() || !group.on_protocol.empty() || !group.fallback.empty() ||
         !group.fallback_always.empty();
}

}  // namespace lockstep::signatures
