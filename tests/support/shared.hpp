// The folder of material that tests may use and the project does not hold: captures, rule sets.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>

namespace lockstep::test {

// The path of `what` in it; where it is missing the test is skipped, visibly.
inline std::optional<std::filesystem::path> shared(const std::string& what) {
  const char* root = std::getenv("LOCKSTEP_SHARED");  // NOLINT(concurrency-mt-unsafe)
  const std::filesystem::path path = std::filesystem::path(root != nullptr ? root : "../shared") / what;
  if (std::filesystem::exists(path)) return path;
  std::cout << "SKIPPED: " << path << " is missing\n";
  return std::nullopt;
}

}  // namespace lockstep::test
