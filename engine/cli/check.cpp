#include <cstdio>

#include <fmt/format.h>

#include "engine/cli/commands.hpp"
#include "engine/rule_files.hpp"

namespace lockstep {

int run_check(const Configuration& configuration) {
  const Invocation& invocation = configuration.invocation;
  if (!invocation.config_file.empty() || invocation.check.dump_config)
    fmt::print("{}\n", dump_config(configuration));
  const auto files = read_rule_files(invocation.settings.rules);
  if (!files) {
    for (const std::string& error : files.error()) fmt::print(stderr, "lockstep: {}\n", error);
    return exit_bad_input;
  }
  return exit_ok;
}

}  // namespace lockstep
