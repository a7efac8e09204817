#include <cstdio>

#include <fmt/format.h>

#include "engine/cli/commands.hpp"
#include "engine/cli/terminal.hpp"
#include "engine/load_rules.hpp"

namespace lockstep {

int run_check(const Configuration& configuration) {
  const Invocation& invocation = configuration.invocation;
  if (!invocation.config_file.empty() || invocation.check.dump_config)
    fmt::print("{}\n", dump_config(configuration));
  const auto loaded = load_rules(invocation.settings);
  if (!loaded) {
    for (const std::string& error : loaded.error()) complain(error);
    return exit_bad_input;
  }
  if (invocation.settings.rules.files.empty())
    fmt::print("no rules are named, by -S or the key rules.files\n");
  using Detail = signatures::LoadReport::Detail;
  const signatures::LoadReport& report = loaded->parsed.report;
  fmt::print("{}", report.account(invocation.verbosity > 0 ? Detail::every_rule : Detail::totals));
  const bool whole = report.failed.empty() && report.skipped.empty();
  return invocation.check.strict && !whole ? exit_bad_input : exit_ok;
}

}  // namespace lockstep
