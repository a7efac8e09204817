#include "engine/load_rules.hpp"

#include <algorithm>
#include <iterator>
#include <optional>

#include <fmt/format.h>

#include "engine/compile_rules.hpp"
#include "engine/rule_files.hpp"

namespace lockstep {
namespace {

using Troubles = std::vector<signatures::Diagnostic>;

std::string text_of(const signatures::SyntaxError& error) {
  std::string out = fmt::format("vars: {}", error.message);
  if (!error.remedy.empty()) out += "; " + error.remedy;
  return out;
}

signatures::Variables variables_of(const VariableSettings& settings) {
  signatures::Variables variables;
  for (const auto& [name, value] : settings.address_groups) variables.set_addresses(name, value);
  for (const auto& [name, value] : settings.port_groups) variables.set_ports(name, value);
  return variables;
}

// What is wrong with a table's file becomes warnings of the report, ahead of the rules' own.
void report(signatures::LoadReport& to, const std::string& file, Troubles troubles) {
  if (troubles.empty()) return;
  const auto index = static_cast<std::uint32_t>(to.files.size());
  to.files.push_back(file);
  for (signatures::Diagnostic& trouble : troubles) trouble.place.file = index;
  to.warnings.insert(to.warnings.begin(), std::make_move_iterator(troubles.begin()),
                     std::make_move_iterator(troubles.end()));
}

// The first stream event that a rule asks for and that the reassembly never raises, or nothing.
std::optional<std::string> unknown_event(const signatures::Rule& rule) {
  const auto raised = stream_event_names();
  for (const signatures::PacketOption& option : rule.packet) {
    const auto* event = std::get_if<signatures::StreamEvent>(&option);
    if (event != nullptr && std::find(raised.begin(), raised.end(), event->name) == raised.end())
      return event->name;
  }
  return std::nullopt;
}

// A rule for an event that is never raised is skipped by name, as one with a keyword that is missing is.
void skip_unknown_events(signatures::ParsedRules& parsed) {
  std::erase_if(parsed.rules, [&](const signatures::Rule& rule) {
    const auto event = unknown_event(rule);
    if (!event) return false;
    --parsed.report.loaded;
    parsed.report.skipped.push_back(
        {rule.place, rule.id, signatures::SkippedRule::Why::missing, {"stream-event:" + *event}});
    return true;
  });
}

}  // namespace

tl::expected<LoadedRules, std::vector<std::string>> load_rules(const Settings& settings) {
  auto files = read_rule_files(settings.rules);
  if (!files) return tl::unexpected(std::move(files.error()));

  signatures::ParserSettings parser_settings;
  parser_settings.variables = variables_of(settings.vars);
  if (const auto sound = parser_settings.variables.check(); !sound) {
    return tl::unexpected(std::vector<std::string>{text_of(sound.error())});
  }
  signatures::RateControl rates;
  Troubles class_troubles, reference_troubles, rate_troubles;
  if (files->classification) class_troubles = parser_settings.classification.add(files->classification->text);
  if (files->reference) reference_troubles = parser_settings.references.add(files->reference->text);
  if (files->threshold) rate_troubles = rates.add(files->threshold->text, parser_settings.variables);

  signatures::RuleParser parser(std::move(parser_settings));
  for (const TextFile& file : files->rules) parser.parse(file.path, file.text);
  LoadedRules loaded{std::move(parser).finish(), std::move(rates)};
  skip_unknown_events(loaded.parsed);
  if (files->threshold) report(loaded.parsed.report, files->threshold->path, std::move(rate_troubles));
  if (files->reference) report(loaded.parsed.report, files->reference->path, std::move(reference_troubles));
  if (files->classification)
    report(loaded.parsed.report, files->classification->path, std::move(class_troubles));

  const auto turned = signatures::turn_into_drop(loaded.parsed.rules, settings.rules.drop);
  if (!turned) {
    return tl::unexpected(
        std::vector<std::string>{fmt::format("rules.drop: no loaded rule answers to '{}'", turned.error())});
  }
  return loaded;
}

}  // namespace lockstep
