#include "engine/cli/first_generation.hpp"

#include <cstdio>

#include <fmt/format.h>

#include "engine/compile_rules.hpp"

namespace lockstep {

tl::expected<std::shared_ptr<const RuleGeneration>, std::vector<std::string>> first_generation(
    const Settings& settings) {
  auto loaded = load_rules(settings);
  if (!loaded) return tl::unexpected(loaded.error());
  const signatures::LoadReport& report = loaded->parsed.report;
  if (!report.failed.empty())
    fmt::print(stderr, "{}", report.account(signatures::LoadReport::Detail::totals));
  if (settings.rules.files.empty())
    fmt::print("{}\n", no_rules);
  else
    fmt::print("{}\n", report.summary());
  if (!report.failed.empty() && report.loaded == 0) return tl::unexpected(std::vector<std::string>{});
  return compile_rules(std::move(*loaded), settings, 1);
}

}  // namespace lockstep
