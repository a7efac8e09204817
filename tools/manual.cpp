// Writes to standard output: lockstep_manual 8 is lockstep(8), lockstep_manual 5 lockstep.toml(5),
// lockstep_manual bash the shell's completion.
#include <string_view>

#include <fmt/format.h>

#include "engine/cli/help.hpp"

int main(int argc, char** argv) {
  const std::string_view section = argc == 2 ? argv[1] : "";
  if (section != "8" && section != "5" && section != "bash") {
    fmt::print(stderr, "usage: lockstep_manual 5|8|bash\n");
    return 2;
  }
  fmt::print("{}", section == "8"   ? lockstep::program_manual()
                   : section == "5" ? lockstep::config_manual()
                                    : lockstep::bash_completion());
  return 0;
}
