// Writes a manual page to standard output: lockstep_manual 8 is lockstep(8), lockstep_manual 5
// lockstep.toml(5).
#include <string_view>

#include <fmt/format.h>

#include "engine/cli/help.hpp"

int main(int argc, char** argv) {
  const std::string_view section = argc == 2 ? argv[1] : "";
  if (section != "8" && section != "5") {
    fmt::print(stderr, "usage: lockstep_manual 5|8\n");
    return 2;
  }
  fmt::print("{}", section == "8" ? lockstep::program_manual() : lockstep::config_manual());
  return 0;
}
