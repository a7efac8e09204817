// The oracle's hostile connections over a wire that others have laid, whatever stands in it: how often the
// application at its end reads the signature.
//   oracle_wire --peer NAMESPACE --host NAMESPACE [--peer-interface I] [--host-interface I] [--count N]
//   [--seed S]
#include <iostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "tests/oracle/conversation.hpp"
#include "tests/oracle/generator.hpp"
#include "tests/oracle/wire_host.hpp"

using namespace lockstep::oracle;

namespace {

// Prints the scenarios that came through, and last "COUNT played, COUNT delivered, COUNT fences lost".
void run(WireHost& host, std::uint64_t seed, std::uint64_t count) {
  Rules rules(signature);
  std::uint64_t delivered = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const Scenario scenario = hostile_scenario(mixed(seed, i));
    if (!play(scenario, Mode::direct, host, rules).delivered()) continue;
    ++delivered;
    std::cout << fmt::format("{:#018x} {}\n", scenario.seed, scenario.family);
  }
  std::cout << fmt::format("{} played, {} delivered, {} fences lost\n", count, delivered, host.lost_fences());
}

}  // namespace

int main(int argc, char** argv) {
  WireEnds ends{"", "", "c0", "s0"};
  std::uint64_t count = 300, seed = 1;
  CLI::App app{"Random hostile connections over a wire"};
  app.add_option("--peer", ends.peer_namespace, "file of the peer's network namespace")->required();
  app.add_option("--host", ends.host_namespace, "file of the host's network namespace")->required();
  app.add_option("--peer-interface", ends.peer_interface, "the peer's end of the wire");
  app.add_option("--host-interface", ends.host_interface, "the host's end of the wire");
  app.add_option("--count", count, "scenarios");
  app.add_option("--seed", seed, "of the first one");
  CLI11_PARSE(app, argc, argv);
  auto host = WireHost::make(ends);
  if (!host) {
    std::cerr << host.error() << '\n';
    return 1;
  }
  run(**host, seed, count);
  return 0;
}
