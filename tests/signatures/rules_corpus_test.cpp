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
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t'))
      line.pop_back();
    const std::size_t first = line.find_first_not_of(" \t");
    if (!inside && (first == std::string::npos || line[first] == '#')) continue;
    if (!inside) ++count;
    inside = !line.empty() && line.back() == '\\';
  }
  return count;
}

}  // namespace

TEST_CASE("every rule of Emerging Threats Open is loaded or skipped by name",
          "[signatures][parser][corpus]") {
  const auto folder = lockstep::test::shared("corpora/rules/etopen");
  if (!folder) return;
  ParserSettings settings;
  settings.variables.set_addresses("HOME_NET", "[192.168.0.0/16,10.0.0.0/8,172.16.0.0/12]");
  settings.variables.set_addresses("EXTERNAL_NET", "!$HOME_NET");
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
  CHECK(parsed.report.loaded > 5000);
  // One rule is broken: it has two thresholds, which Suricata refuses as well.
  for (const Diagnostic& failure : parsed.report.failed) CHECK(failure.sid == 2016867);
  for (const SkippedRule& rule : parsed.report.skipped) {
    CHECK((rule.why == SkippedRule::Why::superseded) == rule.missing.empty());
  }
}

TEST_CASE("no rule of suricata-verify fails", "[signatures][parser][corpus]") {
  const auto folder = lockstep::test::shared("corpora/suricata-verify");
  if (!folder) return;
  std::size_t found = 0;
  std::size_t lines = 0;
  for (const fs::path& file : rule_files(*folder)) {
    const std::string text = contents(file);
    RuleParser parser{ParserSettings{}};  // each case is a rule set of its own
    parser.parse(file.string(), text);
    const ParsedRules parsed = std::move(parser).finish();
    INFO(parsed.report.account(LoadReport::Detail::totals));
    CHECK(parsed.report.failed.empty());
    found += parsed.report.found();
    lines += rule_lines(text);
  }
  CHECK(found == lines);
  CHECK(found > 1500);
}
