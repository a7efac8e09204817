// Public rule sets through the parser: nothing crashes, and every rule is accounted for.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "signatures/parser.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/shared.hpp"

using namespace lockstep::signatures;
namespace fs = std::filesystem;

namespace {

std::string contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

std::vector<fs::path> rule_files(const fs::path& folder) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().extension() == ".rules") out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

// Lines that a rule can begin on: what the parser must account for, counted another way.
std::size_t rule_lines(const std::string& text) {
  std::istringstream lines(text);
  std::size_t count = 0;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t')) line.pop_back();
    const std::size_t first = line.find_first_not_of(" \t");
    if (!inside && (first == std::string::npos || line[first] == '#')) continue;
    if (!inside) ++count;
    inside = !line.empty() && line.back() == '\\';
  }
  return count;
}

}  // namespace

TEST_CASE("every rule of Emerging Threats Open is loaded or skipped by name", "[signatures][parser][corpus]") {
  const auto folder = lockstep::test::shared("corpora/rules/etopen");
  if (!folder) return;
  ParserSettings settings;
  CHECK(settings.classification.add(contents(*folder / "classification.config")).empty());
  RuleParser parser(std::move(settings));
  std::size_t lines = 0;
  for (const fs::path& file : rule_files(*folder)) {
    const std::string text = contents(file);
    lines += rule_lines(text);
    parser.parse(file.filename().string(), text);
  }
  const ParsedRules parsed = std::move(parser).finish();
  INFO(parsed.report.account(LoadReport::Detail::totals));
  CHECK(lines > 30000);
  CHECK(parsed.report.found() == lines);
  CHECK(parsed.report.loaded == parsed.rules.size());
  CHECK(parsed.report.failed.empty());
  for (const SkippedRule& rule : parsed.report.skipped) {
    CHECK((rule.why == SkippedRule::Why::superseded) == rule.missing.empty());
  }
}
