// Inspector: another set of rules takes over connections that were opened under an earlier one.
#include <algorithm>

#include "engine/inspection.hpp"
#include "engine/inspector.hpp"
#include "engine/scan_terms.hpp"

namespace lockstep {

using reassembly::StreamOffset;

tl::expected<void, std::string> Inspector::adopt(std::shared_ptr<const RuleGeneration> rules,
                                                 std::optional<signatures::Scratch> ready) {
  if (rules->set->window() != window()) return tl::unexpected(std::string("the window of the rules differs"));
  if (ready) {
    scratch_.replace(std::move(*ready));
  } else if (auto prepared = scratch_.prepare(*rules->set); !prepared) {
    return prepared;
  }
  before_ = std::move(rules_);
  rules_ = std::move(rules);
  ++epoch_;
  return {};
}

void Inspector::renew(Flow& flow, Timestamp now) {
  const std::unique_ptr<Inspection> old = std::move(flow.inspection);
  // Let go for what the set before could match, not by a rule's word.
  if (flow.release == Release::no_rule || flow.release == Release::encrypted) {
    flow.final_verdict = Final::none;
    flow.release = Release::none;
  }
  if (flow.final_verdict != Final::none) {
    flow.rules_epoch = epoch_;
    flow.session.keep_history(false);
    return;
  }
  open(flow);
  if (!flow.inspection) return;
  Inspection& inspection = *flow.inspection;
  if (old) {
    inspection.state = std::move(old->state);
    inspection.matched = std::move(old->matched);
    inspection.others = std::move(old->others);
    inspection.models = old->models;
    inspection.gaps = old->gaps;
    inspection.protocols = std::move(old->protocols);
    inspection.protocol_judged = old->protocol_judged;
    inspection.tls = old->tls;
    if (old->packets_alone) return judge_packets_alone(flow);
  }
  for (const Direction way : {Direction::to_server, Direction::to_client}) {
    if (old && old->packet_seen[reassembly::index(way)]) note_told(flow, way, *old->rules, now);
    take_up_tail(flow, way, nullptr, now);
    // Where no rule asked before, the tail is all that is left to tell by.
    if (!old) inspection.protocols.take(to_signatures(way), scan_offset(flow, tail_from_), tail_);
  }
  for (OtherReading& reading : inspection.others) take_up_tail(flow, reading.direction, &reading, now);
}

void Inspector::resume(Flow& flow, const HalfOpenRecord& record) {
  if (!flow.inspection) return;
  constexpr Direction way = Direction::to_server;
  bool& seen = flow.inspection->packet_seen[reassembly::index(way)];
  seen = record.asked;
  if (!record.asked || record.rules_epoch == epoch_) return;
  const bool by_the_one_before = static_cast<std::uint16_t>(record.rules_epoch + 1) == epoch_;
  if (by_the_one_before) {
    note_told(flow, way, *before_, flow.start);
  } else {
    seen = false;
  }
}

// The rules of addresses alone are asked once more, at the direction's next packet, if some of them are new
// to the flow; what the set before has told is not told again.
void Inspector::note_told(Flow& flow, Direction way, const RuleGeneration& before, Timestamp now) {
  Inspection& inspection = *flow.inspection;
  const signatures::PacketFields fields = stream_fields(flow, way, now);
  const auto was =
      rules_of_addresses(*before.set, before.set->rules_for(ends(flow)).of(to_signatures(way)), fields);
  const auto is = rules_of_addresses(*rules_->set, inspection.groups.of(to_signatures(way)), fields);
  const auto told = [&](const signatures::RuleId& rule) {
    return std::find(was.begin(), was.end(), rule) != was.end();
  };
  bool& seen = inspection.packet_seen[reassembly::index(way)];
  seen = std::all_of(is.begin(), is.end(), told);
  if (seen) return;
  for (const signatures::RuleId& rule : is) {
    if (told(rule)) inspection.told.push_back({way, rule});
  }
}

void Inspector::forget_told(const Inspection& inspection, Direction direction, std::ptrdiff_t from) {
  const auto told = [&](const signatures::Match& match) {
    if (rules_->set->rule(match.rule).inspection != signatures::Inspection::ip_only) return false;
    return std::any_of(inspection.told.begin(), inspection.told.end(), [&](const Inspection::Told& other) {
      return other.direction == direction && other.rule == match.id;
    });
  };
  matches_.erase(std::remove_if(matches_.begin() + from, matches_.end(), told), matches_.end());
}

// The flow's own scanner of this direction, or that of another reading, begins with the bytes that are kept.
void Inspector::take_up_tail(Flow& flow, Direction way, OtherReading* reading, Timestamp now) {
  Inspection& inspection = *flow.inspection;
  signatures::StreamScanner& scanner =
      reading != nullptr ? reading->scanner : inspection.scanners[reassembly::index(way)];
  const signatures::RuleGroup* group = inspection.groups.of(to_signatures(way));
  const auto& bytes = flow.session.receiver(way).bytes;
  const StreamOffset end = bytes.in_order();
  const StreamOffset begin = std::max(bytes.kept_from(), end - static_cast<StreamOffset>(window()));
  // A rule of absolute positions would take bytes that are no longer kept for bytes that are not there.
  const bool whole = begin <= 0 || end - begin >= static_cast<StreamOffset>(window());
  scanner = signatures::StreamScanner(*rules_->set, group, scan_offset(flow, begin),
                                      whole && !flow.session.adopted());
  tail_from_ = begin;
  tail_.resize(static_cast<std::size_t>(std::max<StreamOffset>(end - begin, 0)));
  if (begin >= end) return;
  bytes.copy(begin, tail_);
  if (!scanner.scans()) return;
  if (reading != nullptr) patch(*reading, begin, tail_);
  const signatures::PacketFields fields = stream_fields(flow, way, now);
  scanner.prime({to_signatures(way), scan_offset(flow, begin), tail_, false},
                {fields, inspection.state, hosts_, &inspection.protocols}, scratch_);
}

}  // namespace lockstep
