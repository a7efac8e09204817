// The program's commands, one row each: parser, help, manual page and main read this table.
#pragma once
#include <span>
#include <string_view>

#include "engine/options/configuration.hpp"
#include "engine/options/option.hpp"

namespace lockstep {

// What the program returns; lockstep(8) lists them.
enum ExitCode : int { exit_ok = 0, exit_bad_input = 1, exit_usage = 2 };

struct CommandRow {
  Command command;
  std::string_view name;
  std::string_view summary;  // one line
  std::string_view text;     // for its own help and the manual
  int (*run)(const Configuration& configuration);
};

[[nodiscard]] std::span<const CommandRow> command_table();
[[nodiscard]] const CommandRow* find_command(std::string_view name);

int run_replay(const Configuration& configuration);
int run_ctl(const Configuration& configuration);
int run_inline(const Configuration& configuration);
int run_detach(const Configuration& configuration);
int run_doctor(const Configuration& configuration);
int run_check(const Configuration& configuration);
int run_version(const Configuration& configuration);
int run_help(const Configuration& configuration);

}  // namespace lockstep
