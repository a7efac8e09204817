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

// What a rule asks for and no packet that is inspected can have, or nothing: a stream event that the
// reassembly never raises, a packet that is not TCP.
std::optional<std::string> never_met(const signatures::Rule& rule) {
  constexpr std::uint8_t tcp = 6;
  const auto raised = stream_event_names();
  for (const signatures::PacketOption& option : rule.packet) {
    if (const auto* event = std::get_if<signatures::StreamEvent>(&option)) {
      if (std::find(raised.begin(), raised.end(), event->name) == raised.end())
        return "stream-event:" + event->name;
    }
    if (std::holds_alternative<signatures::IcmpNumber>(option)) return "protocol icmp";
    if (const auto* protocol = std::get_if<signatures::IpProto>(&option)) {
      if (!protocol->value.matches(tcp)) return "ip_proto other than TCP";
    }
  }
  return std::nullopt;
}

// A rule that can never fire is skipped by name, as one with a keyword that is missing is.
void skip_idle_rules(signatures::ParsedRules& parsed) {
  std::erase_if(parsed.rules, [&](const signatures::Rule& rule) {
    const auto missing = never_met(rule);
    if (!missing) return false;
    --parsed.report.loaded;
    parsed.report.skipped.push_back({rule.place, rule.id, signatures::SkippedRule::Why::missing, {*missing}});
    return true;
  });
}

}  // namespace

tl::expected<LoadedRules, std::vector<std::string>> load_rules(const Settings& settings,
                                                               const signatures::Names& earlier) {
  auto files = read_rule_files(settings.rules);
  if (!files) return tl::unexpected(std::move(files.error()));

  signatures::ParserSettings parser_settings;
  parser_settings.variables = variables_of(settings.vars);
  parser_settings.other_transports = false;  // the engine inspects TCP
  parser_settings.names = earlier;
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
  skip_idle_rules(loaded.parsed);
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
