// The commands of the control socket: those of Suricata under its names and with its answers, and our own.
// One table, which the server, `lockstep ctl` and the shell's completion read.
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "engine/control/control_target.hpp"

namespace lockstep {

struct ControlArgument {
  std::string_view name;
  bool required = true;
  bool number = false;
};

struct ControlCommand {
  std::string_view name;
  std::string_view text;  // one line
  std::span<const ControlArgument> arguments;
  bool changes = false;  // the engine: told in our own log with who asked
  PendingAnswer (*run)(ControlTarget& target, const nlohmann::json& arguments);
};

[[nodiscard]] std::span<const ControlCommand> control_commands();
[[nodiscard]] const ControlCommand* find_control_command(std::string_view name);

// Checks the arguments and begins the command.
[[nodiscard]] PendingAnswer begin_command(const ControlCommand& command, ControlTarget& target,
                                          const nlohmann::json& arguments);

}  // namespace lockstep
