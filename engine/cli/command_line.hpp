// From argv to what the program shall do.
#pragma once
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "engine/cli/commands.hpp"

namespace lockstep {

struct Given {
  const Option* option;
  std::vector<std::string> values;  // one element for a flag: how often it stands there
};

struct CommandLine {
  const CommandRow* command = nullptr;  // none: lockstep --help and the like
  std::vector<Given> given;             // in the order of the table
};

// The arguments without the program's name. The error says what is wrong in one line.
[[nodiscard]] tl::expected<CommandLine, std::string> parse_command_line(
    const std::vector<std::string>& arguments);

struct Refusal {
  ExitCode code = exit_usage;
  std::string text;  // complete lines
};

inline constexpr const char* standard_config_file = "/etc/lockstep/lockstep.toml";

// Reads the config file that the command line names and puts defaults, file, --set and options together. What
// runs an engine, or speaks with the one that runs, reads `standard` where none is named and that exists.
[[nodiscard]] tl::expected<Configuration, Refusal> configure(
    const CommandLine& command_line, const std::string& standard = standard_config_file);

}  // namespace lockstep
