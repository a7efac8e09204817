// Help and manual pages, all from the option, command and reason tables.
#pragma once
#include <string>
#include <string_view>

#include "engine/cli/commands.hpp"

namespace lockstep {

[[nodiscard]] std::string program_help();                           // lockstep --help
[[nodiscard]] std::string command_help(const CommandRow& command);  // lockstep COMMAND --help
[[nodiscard]] std::string config_help();                            // lockstep help config

[[nodiscard]] std::string program_manual();  // lockstep(8) in man(7) markup
[[nodiscard]] std::string config_manual();
[[nodiscard]] std::string bash_completion();  // lockstep.toml(5)

// "FILE... [options]": what follows the command's name on the usage line.
[[nodiscard]] std::string operands(const CommandRow& command);
// What stands right of the equals sign in lockstep.toml.
[[nodiscard]] std::string_view value_type(const Option& option);
// "-S, --rules PATH"
[[nodiscard]] std::string spelling(const Option& option);
// "default 64mb, 1mb..1tb"; empty when there is nothing to say.
[[nodiscard]] std::string bounds(const Option& option);

}  // namespace lockstep
