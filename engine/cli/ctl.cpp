// lockstep ctl: a command for the running engine.
#include <fmt/format.h>

#include "engine/cli/commands.hpp"
#include "engine/cli/tables.hpp"
#include "engine/cli/terminal.hpp"
#include "engine/control/commands.hpp"
#include "engine/control/connection.hpp"
#include "engine/options/suggest.hpp"
#include "engine/options/value.hpp"

namespace lockstep {
namespace {

using nlohmann::json;

std::string usage(const ControlCommand& command) {
  std::string out = fmt::format("usage: lockstep ctl {}", command.name);
  for (const ControlArgument& argument : command.arguments)
    out += argument.required ? fmt::format(" {}", argument.name) : fmt::format(" [{}]", argument.name);
  return out;
}

std::string list_of_commands() {
  std::string out;
  for (const ControlCommand& command : control_commands())
    out += fmt::format("  {:<28}{}\n", command.name, command.text);
  return out;
}

// Words in the order of the command's arguments, or NAME=VALUE.
tl::expected<json, std::string> arguments_of(const ControlCommand& command,
                                             std::span<const std::string> words) {
  json arguments = json::object();
  std::size_t place = 0;
  for (const std::string& word : words) {
    const ControlArgument* argument = nullptr;
    std::string value = word;
    for (const ControlArgument& candidate : command.arguments) {
      if (!word.starts_with(std::string(candidate.name) + "=")) continue;
      argument = &candidate;
      value = word.substr(candidate.name.size() + 1);
    }
    if (argument == nullptr && place < command.arguments.size()) argument = &command.arguments[place++];
    if (argument == nullptr) return tl::unexpected(fmt::format("'{}' is one too many", word));
    const auto number = parse_count(value);
    if (argument->number && !number)
      return tl::unexpected(fmt::format("{} must be a number", argument->name));
    arguments[std::string(argument->name)] = argument->number ? json(*number) : json(value);
  }
  for (const ControlArgument& argument : command.arguments) {
    if (argument.required && !arguments.contains(argument.name))
      return tl::unexpected(fmt::format("{} is missing", argument.name));
  }
  return arguments;
}

int wrong(const std::string& text) {
  complain(text);
  return exit_usage;
}

}  // namespace

int run_ctl(const Configuration& configuration) {
  const CtlOptions& options = configuration.invocation.ctl;
  if (options.words.empty()) {
    fmt::print("{}", list_of_commands());
    return exit_ok;
  }
  const std::string& name = options.words.front();
  const ControlCommand* command = find_control_command(name);
  if (command == nullptr) {
    std::vector<std::string_view> names;
    for (const ControlCommand& row : control_commands()) names.push_back(row.name);
    return wrong(fmt::format("no control command '{}'{}", name, did_you_mean(name, names)));
  }
  if (options.dry_run) {
    if (name != "reload" && name != "reload-rules") return wrong("--dry-run is for reload");
    command = find_control_command("compare");
  }
  const auto arguments = arguments_of(*command, std::span(options.words).subspan(1));
  if (!arguments) return wrong(fmt::format("{}; {}", arguments.error(), usage(*command)));
  auto connection = ControlConnection::open(configuration.invocation.settings.control.socket);
  if (!connection) {
    complain(connection.error());
    return exit_bad_input;
  }
  json message{{"command", command->name}};
  if (!arguments->empty()) message["arguments"] = *arguments;
  const auto answer = connection->ask(message);
  if (!answer) {
    complain(answer.error());
    return exit_bad_input;
  }
  const bool good = answer->value("return", "") == "OK";
  const json told = answer->value("message", json());
  if (options.json) {
    fmt::print("{}\n", answer->dump());
  } else if (good) {
    fmt::print("{}", readable(told));
  } else {
    complain(told.is_string() ? told.get<std::string>() : told.dump());
  }
  return good ? exit_ok : exit_bad_input;
}

}  // namespace lockstep
