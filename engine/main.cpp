#include <cstdio>
#include <exception>

#include <fmt/format.h>

#include "engine/cli/command_line.hpp"
#include "engine/cli/help.hpp"
#include "engine/cli/log.hpp"

using namespace lockstep;

namespace {

int run(const std::vector<std::string>& arguments) {
  const auto command_line = parse_command_line(arguments);
  if (!command_line) {
    fmt::print(stderr, "lockstep: {}\nTry 'lockstep help'.\n", command_line.error());
    return exit_usage;
  }
  const auto configuration = configure(*command_line);
  if (!configuration) {
    fmt::print(stderr, "{}", configuration.error().text);
    return configuration.error().code;
  }
  const Invocation& invocation = configuration->invocation;
  const CommandRow* command = command_line->command;
  if (invocation.help) {
    fmt::print("{}", command == nullptr ? program_help() : command_help(*command));
    return exit_ok;
  }
  if (command == nullptr) return run_version(*configuration);
  start_log(invocation.verbosity);
  return command->run(*configuration);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int code = run({argv + 1, argv + argc});
    if (std::fflush(stdout) == 0) return code;
    fmt::print(stderr, "lockstep: standard output can't be written\n");
  } catch (const std::exception& error) {
    fmt::print(stderr, "lockstep: {}\n", error.what());
  }
  return exit_bad_input;
}
