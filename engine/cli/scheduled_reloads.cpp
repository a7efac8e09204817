#include "engine/cli/scheduled_reloads.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "engine/compile_rules.hpp"

namespace lockstep {

tl::expected<ScheduledReloads, std::vector<std::string>> ScheduledReloads::prepare(
    const Settings& settings, const std::vector<std::string>& wanted, const RuleGeneration& first) {
  ScheduledReloads scheduled;
  const signatures::RuleSet* before = first.set.get();
  for (const std::string& text : wanted) {
    const auto equals = text.find('=');
    Settings changed = settings;
    changed.rules.files = {text.substr(equals + 1)};
    auto loaded = load_rules(changed, before->names());
    if (!loaded) return tl::unexpected(std::move(loaded.error()));
    const signatures::LoadReport& report = loaded->parsed.report;
    if (!report.failed.empty())
      fmt::print(stderr, "{}", report.account(signatures::LoadReport::Detail::totals));
    fmt::print("generation {}, at {}: {}\n", before->generation() + 1, text.substr(0, equals),
               report.summary());
    auto generation = compile_rules(std::move(*loaded), changed, before->generation() + 1);
    if (!generation) return tl::unexpected(std::move(generation.error()));
    before = (*generation)->set.get();
    scheduled.reloads_.push_back({*parse_moment(text.substr(0, equals)), std::move(*generation)});
  }
  return scheduled;
}

void ScheduledReloads::begin(reassembly::Timestamp now) {
  begun_ = true;
  for (Reload& reload : reloads_) {
    if (const auto* behind = std::get_if<Nanoseconds>(&reload.at)) reload.at = now + *behind;
  }
  std::stable_sort(reloads_.begin(), reloads_.end(), [](const Reload& left, const Reload& right) {
    return std::get<reassembly::Timestamp>(left.at) < std::get<reassembly::Timestamp>(right.at);
  });
}

std::shared_ptr<const RuleGeneration> ScheduledReloads::due(reassembly::Timestamp now) {
  if (!begun_) begin(now);
  std::shared_ptr<const RuleGeneration> rules;
  while (next_ < reloads_.size() && std::get<reassembly::Timestamp>(reloads_[next_].at) <= now)
    rules = reloads_[next_++].rules;
  return rules;
}

std::vector<std::shared_ptr<const RuleGeneration>> ScheduledReloads::generations() const {
  std::vector<std::shared_ptr<const RuleGeneration>> all;
  for (const Reload& reload : reloads_) all.push_back(reload.rules);
  return all;
}

}  // namespace lockstep
