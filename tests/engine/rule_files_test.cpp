#include "engine/rule_files.hpp"

#include <filesystem>

#include "engine/diagnostic.hpp"
#include "tests/engine/program.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep;

namespace {

std::vector<std::string> names(const RuleFiles& files) {
  std::vector<std::string> out;
  for (const TextFile& file : files.rules) out.push_back(std::filesystem::path(file.path).filename());
  return out;
}

}  // namespace

TEST_CASE("rules come from files, directories and globs, in order and none twice", "[engine][rule-files]") {
  const test::Directory dir;
  dir.write("b.rules", "B");
  dir.write("a.rules", "A");
  dir.write("notes.txt", "no rules");
  dir.write("more/c.rules", "C");
  const auto files = read_rule_files({.files = {dir.path("more/*.rules"), dir.path(), dir.path("a.rules")}});
  REQUIRE(files);
  CHECK(names(*files) == std::vector<std::string>{"c.rules", "a.rules", "b.rules"});
  CHECK(files->rules[0].text == "C");
  CHECK_FALSE(files->classification);
}

TEST_CASE("companions are those named, or stand beside the first rule file", "[engine][rule-files]") {
  const test::Directory dir;
  const auto rules = dir.write("a.rules", "A");
  dir.write("classification.config", "beside");
  const auto threshold = dir.write("t.config", "T");
  auto files = read_rule_files({.files = {rules}, .threshold_file = threshold});
  REQUIRE(files);
  CHECK(files->classification->text == "beside");
  CHECK(files->threshold->text == "T");
  CHECK_FALSE(files->reference);
  const auto other = dir.write("other/classes", "named");
  files = read_rule_files({.files = {rules}, .classification_file = other});
  REQUIRE(files);
  CHECK(files->classification->text == "named");
}

TEST_CASE("every file that can't be had is named with what is wrong and what to do", "[engine][rule-files]") {
  const test::Directory dir;
  std::filesystem::create_directory(dir.path("empty"));
  const auto files =
      read_rule_files({.files = {dir.path("none.rules"), dir.path("x*.rules"), dir.path("empty")},
                       .threshold_file = dir.path("empty")});
  REQUIRE_FALSE(files);
  REQUIRE(files.error().size() == 4);
  CHECK(files.error()[0] ==
        dir.path("none.rules") + ": can't be read: No such file or directory; check the path");
  CHECK(files.error()[1] == dir.path("x*.rules") + ": no file matches; check the path");
  CHECK(files.error()[2] == dir.path("empty") + ": no *.rules in this directory; check the path");
  CHECK(files.error()[3] == dir.path("empty") + ": can't be read: Is a directory; name a file in it");
}

TEST_CASE("a diagnostic shows its line with a caret, long lines around the column", "[engine][diagnostic]") {
  CHECK(to_string(Diagnostic{"f", 2, 3, "wrong",
                             "ab\x01"
                             "d"}) == "f:2:3: wrong\n  ab.d\n    ^\n");
  CHECK(to_string(Diagnostic{"f", 0, 0, "wrong", ""}) == "f: wrong\n");
  std::string line(1001, 'a');
  line[500] = 'X';
  const std::string shown = to_string(Diagnostic{"f", 1, 501, "wrong", line});
  const auto lines_end = shown.find('\n', shown.find('\n') + 1);
  const std::string source = shown.substr(shown.find('\n') + 1, lines_end - shown.find('\n') - 1);
  const std::string caret = shown.substr(lines_end + 1);
  CHECK(source.size() < 130);
  CHECK(source[caret.find('^')] == 'X');
  CHECK(line_of("a\nb\r\nc", 2) == "b");
  CHECK(line_of("a\nb", 3).empty());
}
