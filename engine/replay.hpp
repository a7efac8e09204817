// The replay of captures: what the command line says beyond the Settings.
#pragma once
#include <string>
#include <vector>

namespace lockstep {

struct ReplayOptions {
  std::vector<std::string> inputs;   // captures or directories in the order given; "-" is stdin
  std::string write_passed;          // capture of what would have left the device; empty: none
  bool explain = false;              // a line a packet on stdout
  std::vector<std::string> reloads;  // MOMENT=RULES
};

}  // namespace lockstep
