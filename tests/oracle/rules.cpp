#include "tests/oracle/rules.hpp"

#include <cstdlib>
#include <iostream>

#include <fmt/format.h>

#include "engine/compile_rules.hpp"
#include "engine/flow_key.hpp"
#include "signatures/parser.hpp"

namespace lockstep::oracle {
namespace {

std::shared_ptr<const RuleGeneration> compile(const char* action, std::string_view content) {
  signatures::RuleParser parser{signatures::ParserSettings{}};
  parser.parse(
      "oracle.rules",
      fmt::format("{} tcp any any -> any any (msg:\"signature\"; content:\"{}\"; sid:1;)", action, content));
  auto compiled = compile_rules(LoadedRules{std::move(parser).finish(), {}}, Settings{}, 1);
  if (compiled) return *compiled;
  std::cerr << "the oracle's own rule does not compile\n";
  std::abort();
}

std::unique_ptr<Inspector> inspector_of(const char* action, std::string_view content, HostTable& hosts) {
  auto made = Inspector::make(compile(action, content), hosts, {});
  if (made) return std::make_unique<Inspector>(std::move(*made));
  std::cerr << made.error() << '\n';
  std::abort();
}

}  // namespace

Rules::Rules(std::string_view content) {
  hosts_ =
      std::make_unique<HostTable>(HostTableLimits{.rates = 64, .bits = 64, .port_sets = 4}, replay_hash_seed);
  dropping_ = inspector_of("drop", content, *hosts_);
  alerting_ = inspector_of("alert", content, *hosts_);
}

}  // namespace lockstep::oracle
