#include "engine/control/commands.hpp"

#include <array>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "engine/control/report_json.hpp"
#include "engine/options/assign.hpp"
#include "engine/options/value.hpp"
#include "engine/output/eve.hpp"

namespace lockstep {
namespace {

using nlohmann::json;
using What = ReloadRequest::What;

template <class T, class Finish>
PendingAnswer later(std::future<T>&& result, Finish finish) {
  // A std::function must be copyable.
  auto shared = std::make_shared<std::future<T>>(std::move(result));
  return [shared, finish]() -> std::optional<ControlAnswer> {
    if (!shared->valid() || shared->wait_for(std::chrono::seconds(0)) != std::future_status::ready)
      return std::nullopt;
    return finish(shared->get());
  };
}

std::string text_of(const json& arguments, std::string_view name) {
  const auto found = arguments.find(name);
  if (found == arguments.end()) return {};
  return found->is_string() ? found->get<std::string>() : found->dump();
}

std::string joined_lines(const std::vector<std::string>& lines) {
  return fmt::format("{}", fmt::join(lines, "\n"));
}

// ---- Suricata's

PendingAnswer command_list(ControlTarget&, const json&) {
  json names = json::array();
  for (const ControlCommand& command : control_commands()) names.push_back(command.name);
  return at_once(json{{"count", names.size()}, {"commands", names}});
}

PendingAnswer version(ControlTarget&, const json&) {
  return at_once(fmt::format("Lockstep {}", LOCKSTEP_VERSION));
}

PendingAnswer uptime(ControlTarget& target, const json&) {
  return at_once(target.uptime().count());
}

PendingAnswer running_mode(ControlTarget&, const json&) {
  return at_once("workers");
}

PendingAnswer capture_mode(ControlTarget& target, const json&) {
  return at_once(target.capture_mode());
}

PendingAnswer shut_down(ControlTarget& target, const json&) {
  target.shut_down();
  return at_once("Closing Lockstep");
}

PendingAnswer iface_list(ControlTarget& target, const json&) {
  json names = json::array();
  for (const InterfaceCounts& one : target.interfaces()) names.push_back(one.name);
  return at_once(json{{"count", names.size()}, {"ifaces", names}});
}

PendingAnswer iface_stat(ControlTarget& target, const json& arguments) {
  const std::string name = text_of(arguments, "iface");
  for (const InterfaceCounts& one : target.interfaces()) {
    if (one.name != name) continue;
    return at_once(json{{"pkts", one.packets},
                        {"drop", one.dropped},
                        {"bypassed", one.bypassed},
                        {"invalid-checksums", one.invalid_checksums}});
  }
  return at_once(tl::unexpected(fmt::format("no interface {}", name)));
}

PendingAnswer conf_get(ControlTarget& target, const json& arguments) {
  const std::string key = text_of(arguments, "variable");
  const Option* option = find_option(key);
  if (option == nullptr) return at_once(tl::unexpected(fmt::format("no setting {}", key)));
  Invocation invocation;
  invocation.settings = target.settings();
  const std::string name = option->kind == Kind::names && key.size() > option->key.size()
                               ? key.substr(option->key.size() + 1)
                               : "";
  json value = json::parse(show_value(invocation, *option, name), nullptr, false);
  return at_once(value.is_string() ? value : json(value.dump()));
}

PendingAnswer dump_counters(ControlTarget& target, const json&) {
  const CounterSnapshot snapshot = target.counters();
  const auto rules = target.reloader().current();
  StatsEvent event;
  event.uptime = static_cast<std::uint64_t>(target.uptime().count());
  event.counters = &snapshot.counters;
  event.rules = rules->counts;
  event.generation = rules->number();
  event.last_reload = target.reloader().last_reload();
  event.gauges = snapshot.gauges;
  std::string line;
  EveWriter({}).write(line, event);
  json stats = json::parse(line)["stats"];
  json refused = json::object();
  for (std::size_t type = 0; type < event_type_count; ++type)
    refused[event_type_names[type]] = snapshot.log.refused[type];
  stats["lockstep"]["log"] = {
      {"refused", refused}, {"lost", snapshot.log.lost}, {"written", snapshot.log.written}};
  return at_once(std::move(stats));
}

PendingAnswer reopen_logs(ControlTarget& target, const json&) {
  target.reopen_logs();
  return at_once("done");
}

PendingAnswer reload_rules(ControlTarget& target, const json&) {
  return later(target.reloader().submit({What::reload, {}}), [](const ReloadReport& report) -> ControlAnswer {
    if (!report.good()) return tl::unexpected(joined_lines(report.errors));
    return "done";
  });
}

PendingAnswer reload_without_waiting(ControlTarget& target, const json&) {
  static_cast<void>(target.reloader().submit({What::reload, {}}));
  return at_once("done");
}

PendingAnswer reload_time(ControlTarget& target, const json&) {
  return at_once(json::array(
      {{{"id", 0}, {"last_reload", std::string(TimeText().iso(target.reloader().last_reload()))}}}));
}

PendingAnswer ruleset_stats(ControlTarget& target, const json&) {
  const RuleCounts counts = target.reloader().current()->counts;
  return at_once(json::array({{{"id", 0},
                               {"rules_loaded", counts.loaded},
                               {"rules_failed", counts.failed},
                               {"rules_skipped", counts.skipped}}}));
}

PendingAnswer failed_rules(ControlTarget& target, const json&) {
  json list = json::array();
  for (const FailedRule& rule : target.reloader().current()->failed) list.push_back(to_json(rule));
  return at_once(list);
}

// ---- our own

PendingAnswer submit(ControlTarget& target, What what, std::string path = {}) {
  return later(target.reloader().submit({what, std::move(path)}),
               [](const ReloadReport& report) -> ControlAnswer {
                 if (!report.good()) return tl::unexpected(joined_lines(report.errors));
                 return to_json(report);
               });
}

PendingAnswer reload(ControlTarget& target, const json&) {
  return submit(target, What::reload);
}
PendingAnswer compare_rules(ControlTarget& target, const json&) {
  return submit(target, What::compare);
}
PendingAnswer shadow(ControlTarget& target, const json& arguments) {
  return submit(target, What::shadow, text_of(arguments, "path"));
}
PendingAnswer promote(ControlTarget& target, const json&) {
  return submit(target, What::promote);
}

PendingAnswer rollback(ControlTarget& target, const json&) {
  const auto number = target.reloader().rollback();
  if (!number) return at_once(tl::unexpected(number.error()));
  return at_once(json{{"generation", *number}});
}

PendingAnswer generations(ControlTarget& target, const json&) {
  json list = json::array();
  for (const KnownGeneration& one : target.reloader().generations()) list.push_back(to_json(one));
  return at_once(list);
}

PendingAnswer flows(ControlTarget& target, const json& arguments) {
  FlowFilter filter;
  filter.address = text_of(arguments, "address");
  if (!filter.address.empty() && !parse_prefix(filter.address))
    return at_once(tl::unexpected(fmt::format("'{}' is no address or prefix", filter.address)));
  filter.port = static_cast<std::uint16_t>(arguments.value("port", 0));
  filter.limit = arguments.value("limit", filter.limit);
  return target.flows(filter);
}

PendingAnswer flow(ControlTarget& target, const json& arguments) {
  return target.flow(arguments.value("flow_id", std::uint64_t{0}));
}

PendingAnswer change_list(ControlTarget& target, ListChange change, const json& arguments) {
  const std::string what = text_of(arguments, "what");
  if (!parse_prefix(what) && !parse_count(what))
    return at_once(tl::unexpected(fmt::format("'{}' is no address, prefix or flow id", what)));
  std::optional<std::chrono::seconds> expiry;
  if (const std::string time = text_of(arguments, "expiry"); !time.empty()) {
    const auto parsed = parse_time(time);
    if (!parsed) return at_once(tl::unexpected(fmt::format("'{}' is no time: write 30s, 5m, 2h", time)));
    expiry = std::chrono::duration_cast<std::chrono::seconds>(*parsed);
  }
  return target.change_list(change, what, expiry);
}
PendingAnswer block(ControlTarget& target, const json& arguments) {
  return change_list(target, ListChange::block, arguments);
}
PendingAnswer unblock(ControlTarget& target, const json& arguments) {
  return change_list(target, ListChange::unblock, arguments);
}
PendingAnswer allow(ControlTarget& target, const json& arguments) {
  return change_list(target, ListChange::allow, arguments);
}

PendingAnswer log_level(ControlTarget&, const json& arguments) {
  const std::string level = text_of(arguments, "level");
  constexpr std::array<std::string_view, 5> known{"trace", "debug", "info", "warn", "error"};
  if (level.empty()) return at_once(spdlog::level::to_string_view(spdlog::get_level()).data());
  if (std::find(known.begin(), known.end(), level) == known.end())
    return at_once(tl::unexpected(fmt::format("'{}' is not trace, debug, info, warn or error", level)));
  spdlog::set_level(spdlog::level::from_str(level));
  return at_once("done");
}

constexpr std::array<ControlArgument, 1> interface {
  {
    { "iface" }
  }
};
constexpr std::array<ControlArgument, 1> variable{{{"variable"}}};
constexpr std::array<ControlArgument, 1> path{{{"path", false}}};
constexpr std::array<ControlArgument, 3> filter{
    {{"address", false}, {"port", false, true}, {"limit", false, true}}};
constexpr std::array<ControlArgument, 1> id{{{"flow_id", true, true}}};
constexpr std::array<ControlArgument, 2> listed{{{"what"}, {"expiry", false}}};
constexpr std::array<ControlArgument, 1> one_listed{{{"what"}}};
constexpr std::array<ControlArgument, 1> level{{{"level", false}}};

constexpr ControlCommand table[] = {
    {"command-list", "the commands", {}, false, command_list},
    {"help", "the commands", {}, false, command_list},
    {"version", "the program's version", {}, false, version},
    {"uptime", "seconds since the start", {}, false, uptime},
    {"running-mode", "how packets are spread over threads", {}, false, running_mode},
    {"capture-mode", "how packets are taken from the wire", {}, false, capture_mode},
    {"iface-list", "the interfaces", {}, false, iface_list},
    {"iface-stat", "packets of one interface", interface, false, iface_stat},
    {"conf-get", "the value of a setting", variable, false, conf_get},
    {"dump-counters", "all counters, as the stats event has them", {}, false, dump_counters},
    {"reopen-log-files", "begin new log files after a rotation", {}, true, reopen_logs},
    {"shutdown", "end the engine", {}, true, shut_down},
    {"reload-rules",
     "read settings and rules anew; answers when all workers have them",
     {},
     true,
     reload_rules},
    {"ruleset-reload-rules", "the same", {}, true, reload_rules},
    {"ruleset-reload-nonblocking", "the same; answers at once", {}, true, reload_without_waiting},
    {"ruleset-reload-time", "when the rules in force took effect", {}, false, reload_time},
    {"ruleset-stats", "how many rules are loaded, failed, skipped", {}, false, ruleset_stats},
    {"ruleset-failed-rules", "the rules that failed, with file, line and error", {}, false, failed_rules},
    {"reload", "reload-rules, with a report of what changed", {}, true, reload},
    {"compare", "what a reload would change", {}, false, compare_rules},
    {"shadow", "evaluate and log the rules of a file, never enforce them; without a file: no more", path,
     true, shadow},
    {"promote", "put the shadow rules in force", {}, true, promote},
    {"rollback", "put the rules before these in force again", {}, true, rollback},
    {"generations", "the rule sets in memory", {}, false, generations},
    {"flows", "connections, by address or prefix and port of either end", filter, false, flows},
    {"flow", "one connection in full", id, false, flow},
    {"block", "drop what comes from or goes to an address or prefix, or a connection", listed, true, block},
    {"unblock", "take a block or allow back", one_listed, true, unblock},
    {"allow", "let an address or prefix pass without inspection", listed, true, allow},
    {"log-level", "how much our own log tells", level, true, log_level},
};

}  // namespace

std::span<const ControlCommand> control_commands() {
  return table;
}

const ControlCommand* find_control_command(std::string_view name) {
  for (const ControlCommand& command : table) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

PendingAnswer begin_command(const ControlCommand& command, ControlTarget& target, const json& arguments) {
  for (const ControlArgument& argument : command.arguments) {
    const auto given = arguments.find(argument.name);
    if (given == arguments.end()) {
      if (argument.required)
        return at_once(tl::unexpected(fmt::format("the argument {} is missing", argument.name)));
      continue;
    }
    const bool fits =
        argument.number ? given->is_number_unsigned() : given->is_string() || given->is_number_unsigned();
    if (!fits) {
      return at_once(tl::unexpected(
          fmt::format("the argument {} must be {}", argument.name, argument.number ? "a number" : "text")));
    }
  }
  return command.run(target, arguments);
}

}  // namespace lockstep
