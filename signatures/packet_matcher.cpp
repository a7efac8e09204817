#include "signatures/packet_matcher.hpp"

#include <algorithm>
#include <array>
#include <exception>

#include "signatures/conditions.hpp"
#include "signatures/rule_set_parts.hpp"
#include "signatures/scratch_parts.hpp"

namespace lockstep::signatures {
namespace {

int on_literal(unsigned id, unsigned long long /*from*/, unsigned long long to, unsigned /*flags*/,
               void* hits) {
  static_cast<HitList*>(hits)->add(id, to);
  return 0;
}

class PacketPass {
 public:
  PacketPass(const RuleSet& set, const RuleGroup& group, const MatchContext& context, Scratch::Parts& scratch,
             std::vector<Match>& matches, PacketTurn turn)
      : set_(set),
        group_(group),
        context_(context),
        scratch_(scratch),
        matches_(matches),
        behind_(turn == PacketTurn::behind_stream) {}

  void run(bool first_of_direction) {
    const PacketFields& packet = context_.packet;
    const bool outside = !packet.in_stream && !packet.payload.empty();
    auto& found = scratch_.candidates;
    if (!behind_) {
      found.clear();
      if (!packet.payload.empty()) find_literals(group_.packet);
      if (outside) find_literals(group_.fallback);
      std::sort(found.begin(), found.end());
      found.erase(std::unique(found.begin(), found.end()), found.end());
    }

    using List = std::span<const std::uint32_t>;
    const List none;
    in_order({List(found), List(group_.packet_always),
              (packet.events & group_.events) != 0 ? List(group_.packet_events) : none,
              first_of_direction ? List(group_.first_packet) : none,
              packet.decides_protocol ? List(group_.on_protocol) : none,
              outside ? List(group_.fallback_always) : none});
  }

 private:
  void find_literals(const LiteralSet& set) {
    if (set.empty()) return;
    const auto payload = context_.packet.payload;
    HitList& hits = scratch_.hits.front();
    if (hs_scan(set.database->get(), reinterpret_cast<const char*>(payload.data()),
                static_cast<unsigned>(payload.size()), 0, scratch_.hyperscan, on_literal,
                &hits) != HS_SUCCESS)
      std::terminate();
    for (const LiteralHit& hit : hits.hits())
      for (std::uint32_t use = set.first[hit.literal]; use < set.first[hit.literal + 1]; ++use)
        if (hit.first_end() <= set.uses[use].max_end && hit.last_end >= set.uses[use].min_end)
          scratch_.candidates.push_back(set.uses[use].rule);
    hits.clear();
  }

  // Each list is sorted; no rule is on two.
  void in_order(std::array<std::span<const std::uint32_t>, 6> lists) {
    for (;;) {
      std::span<const std::uint32_t>* next = nullptr;
      for (auto& list : lists)
        if (!list.empty() && (next == nullptr || list.front() < next->front())) next = &list;
      if (next == nullptr) return;
      judge(next->front());
      *next = next->subspan(1);
    }
  }

  void judge(std::uint32_t index) {
    const Rule& rule = set_.rule(index);
    const CompiledRule& compiled = set_.parts().compiled[index];
    if (compiled.behind_stream() != behind_) return;
    const PacketFields& packet = context_.packet;
    if (!packet_options_hold(rule, packet, compiled.events) || !header_holds(rule, packet) ||
        !flow_holds(rule, packet, MatchOn::packet) || !state_holds(rule, context_) ||
        (compiled.asks_for_protocol &&
         !protocols_hold(rule, context_.seen(packet.direction), packet.direction)))
      return;
    if (compiled.tcp_header && !evaluate(*compiled.tcp_header, packet.tcp_header).holds) return;
    Match match{index, rule.id, MatchOn::packet, packet.direction, false, 0, packet.payload.size()};
    if (!compiled.options.empty()) {
      const Answer answer = evaluate(compiled, packet.payload);
      if (!answer.holds) return;
      match.from = answer.from;
    }
    ++scratch_.counters.matches;
    matches_.push_back(match);
    if (compiled.writes_state) write_state(rule, context_);
  }

  Answer evaluate(const CompiledRule& rule, std::span<const std::uint8_t> payload) {
    ++scratch_.counters.evaluations;
    const Answer answer = scratch_.evaluator.evaluate(
        {rule, payload.data(), 0, payload.size(), 0, never / 2, payload.size(), true, payload.size()});
    scratch_.counters.recursion_limit += answer.recursion_limit ? 1U : 0U;
    scratch_.counters.pcre_limit += answer.pcre_limit ? 1U : 0U;
    return answer;
  }

  const RuleSet& set_;
  const RuleGroup& group_;
  const MatchContext& context_;
  Scratch::Parts& scratch_;
  std::vector<Match>& matches_;
  bool behind_;
};

}  // namespace

void match_packet(const RuleSet& set, const RuleGroup* group, const MatchContext& context,
                  bool first_of_direction, Scratch& scratch, std::vector<Match>& matches, PacketTurn turn) {
  if (group == nullptr || (turn == PacketTurn::behind_stream && !group->second_turn)) return;
  PacketPass(set, *group, context, scratch.parts(), matches, turn).run(first_of_direction);
}

std::vector<RuleId> rules_of_addresses(const RuleSet& set, const RuleGroup* group,
                                       const PacketFields& header) {
  std::vector<RuleId> ids;
  if (group == nullptr) return ids;
  for (const std::uint32_t rule : group->first_packet)
    if (header_holds(set.rule(rule), header)) ids.push_back(set.rule(rule).id);
  return ids;
}

}  // namespace lockstep::signatures
