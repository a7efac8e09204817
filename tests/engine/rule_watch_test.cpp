// Changes of rule files are seen, whichever way they are written, and others are not.
#include "engine/reload/rule_watch.hpp"

#include <filesystem>
#include <thread>

#include "tests/engine/program.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep;
using namespace lockstep::test;

namespace {

// Once it is quiet.
bool changed(RuleWatch& watch) {
  const auto now = std::chrono::steady_clock::now();
  return !watch.changed(now) && watch.waiting() && watch.changed(now + RuleWatch::quiet);
}

}  // namespace

TEST_CASE("a change of a rule file is told once, when it is quiet", "[engine][watch]") {
  const Directory dir;
  const auto path = dir.write("a.rules", "one");
  auto watch = RuleWatch::open().value();
  watch.aim({.files = {path}});
  const auto now = std::chrono::steady_clock::now();
  CHECK_FALSE(watch.changed(now));
  CHECK_FALSE(watch.waiting());
  dir.write("a.rules", "two");
  CHECK_FALSE(watch.changed(now));
  CHECK(watch.waiting());
  CHECK_FALSE(watch.changed(now + RuleWatch::quiet / 2));
  CHECK(watch.changed(now + RuleWatch::quiet));
  CHECK_FALSE(watch.changed(now + RuleWatch::quiet * 2));
  // A stream of changes is told all the same.
  bool told = false;
  for (auto at = now; at < now + 2 * RuleWatch::longest && !told; at += RuleWatch::quiet / 3) {
    dir.write("a.rules", "more");
    told = watch.changed(at);
  }
  CHECK(told);
}

TEST_CASE("all ways to change what is read, and nothing else", "[engine][watch]") {
  const Directory dir;
  dir.write("a.rules", "one");
  dir.write("other.txt", "one");
  dir.write("new", "two");
  std::filesystem::create_directory(dir.path("late"));
  auto watch = RuleWatch::open().value();
  const auto aims = std::vector<std::vector<std::string>>{
      {dir.path("a.rules")}, {dir.path()}, {dir.path("*.rules")}, {dir.path("[a-c].rules")}};
  for (const auto& files : aims) {
    INFO(files.front());
    watch.aim({.files = files});
    static_cast<void>(changed(watch));
    dir.write("other.txt", "two");
    CHECK_FALSE(changed(watch));
    dir.write("new", "three");
    std::filesystem::rename(dir.path("new"), dir.path("a.rules"));
    CHECK(changed(watch));
    std::filesystem::remove(dir.path("a.rules"));
    CHECK(changed(watch));
    dir.write("a.rules", "four");
    CHECK(changed(watch));
    dir.write("classification.config", "config");
    CHECK(changed(watch));
    dir.write("b.rules", "five");
    CHECK(changed(watch) == (files != aims.front()));
    std::filesystem::remove(dir.path("b.rules"));
    static_cast<void>(changed(watch));
  }
  // A directory that is made anew is found again.
  watch.aim({.files = {dir.path("late")}});
  std::filesystem::remove(dir.path("late"));
  static_cast<void>(changed(watch));
  std::filesystem::create_directory(dir.path("late"));
  watch.aim({.files = {dir.path("late")}});
  dir.write("late/x.rules", "six");
  CHECK(changed(watch));
  dir.write("a.rules", "seven");
  CHECK_FALSE(changed(watch));
}
