// Reloads of a running engine: what is compiled, published, refused, compared, promoted and rolled back.
#include "engine/reload/reloader.hpp"

#include <atomic>
#include <thread>

#include "engine/compile_rules.hpp"
#include "engine/host_table.hpp"
#include "engine/inspector.hpp"
#include "tests/engine/program.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep;
using namespace lockstep::test;
using What = ReloadRequest::What;

namespace {

std::string rule(int sid, const std::string& content, const std::string& action = "alert") {
  return action + " tcp any any -> any any (content:\"" + content + "\"; sid:" + std::to_string(sid) + ";)\n";
}

std::vector<std::uint32_t> sids(const std::vector<signatures::RuleId>& ids) {
  std::vector<std::uint32_t> out;
  for (const auto& id : ids) out.push_back(id.sid);
  return out;
}

// An engine of workers that only take sets up.
struct Engine {
  Directory dir;
  Settings settings = settings_of(rule(1, "one") + rule(2, "two"));
  std::shared_ptr<const RuleGeneration> first =
      compile_rules(load_rules(settings).value(), settings, 1).value();
  RuleBoard board{2, first};
  std::vector<std::string> applied;
  std::string refusal;
  std::atomic<bool> ending{false};
  std::vector<std::thread> workers;
  std::unique_ptr<Reloader> reloader;

  explicit Engine(ReloadLimits limits = {}) {
    Reloader::Hooks hooks;
    hooks.settings = [this]() -> tl::expected<Settings, std::vector<std::string>> { return settings; };
    hooks.prepare = [this](const Settings& next) -> tl::expected<Reloader::Hooks::Commit, std::string> {
      if (!refusal.empty()) return tl::unexpected(refusal);
      return [this, name = next.outputs.eve.filename] { applied.push_back(name); };
    };
    reloader = std::make_unique<Reloader>(settings, first, board, std::move(hooks), limits);
    for (std::size_t n = 0; n < 2; ++n) workers.emplace_back([this, n] { work(n); });
  }
  ~Engine() {
    ending = true;
    for (std::thread& worker : workers) worker.join();
    reloader.reset();
  }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  void work(std::size_t n) {
    HostTable hosts({}, replay_hash_seed);
    Inspector inspector = Inspector::make(first, hosts, {}).value();
    while (!ending) {
      if (auto taken = board.take(n)) {
        if (!inspector.adopt(std::move(taken->rules), std::move(taken->scratch))) std::terminate();
        board.adopted(n);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    board.leave(n);
  }
  Settings settings_of(const std::string& rules) const {
    Settings out;
    out.rules.files = {dir.write("a.rules", rules)};
    return out;
  }
  ReloadReport ask(What what, const std::string& path = {}) { return reloader->submit({what, path}).get(); }
  ReloadReport reload(const std::string& rules) {
    dir.write("a.rules", rules);
    return ask(What::reload);
  }
};

}  // namespace

TEST_CASE("two sets compared: added, removed, changed", "[engine][reload]") {
  const Directory dir;
  const auto set = [&](const std::string& rules, const std::string& home,
                       std::vector<std::string> drop = {}) {
    Settings settings;
    settings.rules.files = {dir.write("a.rules", rules)};
    settings.rules.drop = std::move(drop);
    settings.vars.address_groups["HOME_NET"] = home;
    return compile_rules(load_rules(settings).value(), settings, 1).value()->set;
  };
  const std::string home = "alert tcp any any -> $HOME_NET any (content:\"x\"; sid:5;)\n";
  const auto before = set(rule(1, "a") + rule(2, "b") + rule(3, "c") + home, "10.0.0.0/8");
  const auto after = set(rule(4, "d") + rule(3, "C") + rule(2, "b") + home, "10.0.0.0/8");
  const RuleChanges changes = compare(*before, *after);
  CHECK(sids(changes.added) == std::vector<std::uint32_t>{4});
  CHECK(sids(changes.removed) == std::vector<std::uint32_t>{1});
  CHECK(sids(changes.changed) == std::vector<std::uint32_t>{3});
  CHECK(changes.same == 2);
  CHECK_FALSE(compare(*before, *before).any());
  CHECK(sids(compare(*before, *set(rule(1, "a") + rule(2, "b") + rule(3, "c") + home, "10.1.0.0/16"))
                 .changed) == std::vector<std::uint32_t>{5});
  CHECK(sids(compare(*before, *set(rule(1, "a") + rule(2, "b") + rule(3, "c") + home, "10.0.0.0/8", {"2"}))
                 .changed) == std::vector<std::uint32_t>{2});
}

TEST_CASE("a reload tells what it changed, and every worker has it", "[engine][reload][threads]") {
  Engine engine;
  const ReloadReport report =
      engine.reload(rule(1, "one") + rule(2, "TWO") + rule(3, "three") + "alert broken\n");
  REQUIRE(report.good());
  CHECK(report.generation == 2);
  CHECK(sids(report.changes.added) == std::vector<std::uint32_t>{3});
  CHECK(sids(report.changes.changed) == std::vector<std::uint32_t>{2});
  CHECK(report.counts.loaded == 3);
  REQUIRE(report.failed.size() == 1);
  CHECK(report.failed[0].line == 4);
  CHECK(report.failed[0].text == "alert broken");
  CHECK_FALSE(report.failed[0].error.empty());
  CHECK(report.by_all);
  CHECK(report.compiled.count() > 0);
  CHECK(report.memory_after > 0);
  CHECK(report.memory_peak >= report.memory_before);
  CHECK(engine.board.current()->number() == 2);
  CHECK(engine.applied.size() == 1);
}

TEST_CASE("what fails changes nothing and says why", "[engine][reload][threads]") {
  Engine engine;
  const auto unchanged = [&](const ReloadReport& report, const std::string& why) {
    CHECK_FALSE(report.good());
    INFO(report.errors.front());
    CHECK(report.errors.front().find(why) != std::string::npos);
    CHECK(report.generation == 1);
    CHECK(engine.board.current() == engine.first);
    CHECK(engine.applied.empty());
    CHECK(engine.reloader->generations().size() == 1);
  };
  SECTION("a file that is not there") {
    engine.settings.rules.files = {engine.dir.path("none.rules")};
    unchanged(engine.ask(What::reload), "none.rules");
  }
  SECTION("no rule that can be used") {
    unchanged(engine.reload("alert broken\n"), "no rule");
  }
  SECTION("a variable that makes no sense") {
    engine.settings.vars.address_groups["HOME_NET"] = "[10.0.0.0/8";
    unchanged(engine.ask(What::reload), "HOME_NET");
  }
  SECTION("a setting that needs a restart, by name, with others that do not") {
    engine.settings.stream.memory *= 2;
    engine.settings.outputs.eve.payload = true;
    unchanged(engine.reload(rule(7, "seven")), "stream.memory can't change without a restart");
  }
  SECTION("something beside the rules that can't be made ready") {
    engine.refusal = "the log can't be opened";
    unchanged(engine.reload(rule(7, "seven")), "the log can't be opened");
  }
  SECTION("no shadow rules to promote") {
    unchanged(engine.ask(What::promote), "no shadow rules");
  }
  SECTION("nothing to roll back to") {
    CHECK_FALSE(engine.reloader->rollback());
  }
}

TEST_CASE("a comparison tells the same and changes nothing", "[engine][reload][threads]") {
  Engine engine;
  engine.dir.write("a.rules", rule(1, "one"));
  const ReloadReport report = engine.ask(What::compare);
  CHECK(report.good());
  CHECK(sids(report.changes.removed) == std::vector<std::uint32_t>{2});
  CHECK(report.generation == 2);
  CHECK(engine.board.current() == engine.first);
  CHECK(engine.applied.empty());
}

TEST_CASE("a rollback is instant, and can be taken back", "[engine][reload][threads]") {
  Engine engine;
  REQUIRE(engine.reload(rule(3, "three")).good());
  CHECK(engine.reloader->rollback() == 1U);
  CHECK(engine.board.current() == engine.first);
  CHECK(engine.board.wait_for_workers(std::chrono::seconds(10)));
  CHECK(engine.reloader->rollback() == 2U);
  CHECK(engine.board.current()->number() == 2);
}

TEST_CASE("shadows stand beside the rules over reloads, until they are promoted or go",
          "[engine][reload][shadow][threads]") {
  Engine engine;
  const auto path = engine.dir.write("new.rules", rule(2, "TWO", "drop") + rule(9, "nine", "drop"));
  ReloadReport report = engine.ask(What::shadow, path);
  REQUIRE(report.good());
  CHECK(report.shadows == 2);
  CHECK_FALSE(report.changes.any());
  CHECK(report.counts.loaded == 2);
  report = engine.reload(rule(1, "one"));
  REQUIRE(report.good());
  CHECK(report.shadows == 2);
  CHECK(sids(report.changes.removed) == std::vector<std::uint32_t>{2});
  SECTION("promoted") {
    report = engine.ask(What::promote);
    REQUIRE(report.good());
    CHECK(report.shadows == 0);
    CHECK(sids(report.changes.added) == std::vector<std::uint32_t>{2, 9});
    CHECK(sids(report.changes.removed) == std::vector<std::uint32_t>{1});
    CHECK(engine.board.current()->counts.loaded == 2);
  }
  SECTION("gone") {
    report = engine.ask(What::shadow);
    REQUIRE(report.good());
    CHECK(report.shadows == 0);
    CHECK(report.counts.loaded == 1);
  }
}

TEST_CASE("a compilation that takes too much memory is given up", "[engine][reload][threads]") {
  Engine engine({.memory = 1});
  std::string many;
  for (int i = 0; i < 4000; ++i) many += rule(i + 1, "a pattern of its own " + std::to_string(i * 7919));
  const ReloadReport report = engine.reload(many);
  REQUIRE_FALSE(report.good());
  CHECK(report.errors.front().find("reload.memory") != std::string::npos);
  CHECK(engine.board.current() == engine.first);
}

TEST_CASE("sets that nobody holds are gone after many reloads", "[engine][reload][threads]") {
  Engine engine;
  std::vector<std::weak_ptr<const RuleGeneration>> seen;
  for (int i = 0; i < 12; ++i) {
    REQUIRE(engine.reload(rule(1, "one") + rule(2, "two" + std::to_string(i))).good());
    seen.push_back(engine.board.current());
  }
  engine.first.reset();
  // Of the last two, one is in force, one is kept for a rollback; workers hold the one before theirs.
  for (int i = 0; i < 100 && engine.reloader->generations().size() > 2; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(engine.reloader->generations().size() == 2);
  CHECK(std::count_if(seen.begin(), seen.end(), [](const auto& rules) { return !rules.expired(); }) == 2);
}

TEST_CASE("a reloader that ends gives up what is under way", "[engine][reload][threads]") {
  std::future<ReloadReport> first, second;
  {
    Engine engine;
    std::string many;
    for (int i = 0; i < 3000; ++i) many += rule(i + 1, "a pattern of its own " + std::to_string(i * 7919));
    engine.dir.write("a.rules", many);
    first = engine.reloader->submit({});
    second = engine.reloader->submit({});
  }
  CHECK_NOTHROW(first.get());
  CHECK_FALSE(second.get().good());
}
