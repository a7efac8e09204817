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

// Reads the config file that the command line names and puts defaults, file, --set and options together.
[[nodiscard]] tl::expected<Configuration, Refusal> configure(const CommandLine& command_line);

}  // namespace lockstep
