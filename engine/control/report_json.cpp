#include "engine/control/report_json.hpp"

#include "engine/output/text.hpp"

namespace lockstep {
namespace {

using nlohmann::json;

json counts(const RuleCounts& counts) {
  return {{"loaded", counts.loaded}, {"failed", counts.failed}, {"skipped", counts.skipped}};
}

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

json to_json(const std::vector<signatures::RuleId>& rules) {
  json list = json::array();
  for (const signatures::RuleId& id : rules)
    list.push_back({{"gid", id.gid}, {"sid", id.sid}, {"rev", id.rev}});
  return list;
}

json to_json(const FailedRule& rule) {
  return {{"tenant_id", 0},
          {"rule", rule.text},
          {"filename", rule.file},
          {"line", rule.line},
          {"error", rule.error}};
}

json to_json(const ReloadReport& report) {
  json failed = json::array();
  for (const FailedRule& rule : report.failed) failed.push_back(to_json(rule));
  return {{"generation", report.generation},
          {"rules", counts(report.counts)},
          {"added", to_json(report.changes.added)},
          {"removed", to_json(report.changes.removed)},
          {"changed", to_json(report.changes.changed)},
          {"unchanged", report.changes.same},
          {"failed_rules", failed},
          {"shadows", report.shadows},
          {"seconds", {{"compiled", seconds(report.compiled)}, {"taken_up", seconds(report.taken_up)}}},
          {"taken_up_by_all", report.by_all},
          {"memory",
           {{"before", report.memory_before}, {"peak", report.memory_peak}, {"after", report.memory_after}}}};
}

json to_json(const KnownGeneration& generation) {
  return {{"generation", generation.number},
          {"state", name(generation.state)},
          {"rules", counts(generation.counts)},
          {"shadows", generation.shadows},
          {"database_bytes", generation.database_bytes},
          {"since", TimeText().iso(generation.loaded)}};
}

}  // namespace lockstep
