// replay --reload-at: a rule set follows another in the middle of a capture.
#include <optional>

#include "tests/engine/conversation.hpp"

using namespace lockstep;
using namespace lockstep::test;
using reassembly::TcpFlag;

namespace {

constexpr auto data = Conversation::data;

enum class Cut { before, across, behind };
enum class Held { by_rules, by_none, adopted };

// The attack is sent before the reload, half before and half behind it, or behind it.
Conversation talk(Cut cut, Held held) {
  using std::chrono::seconds;
  Conversation talk(held == Held::adopted ? Conversation::From::middle : Conversation::From::handshake);
  std::uint32_t at = 1;
  const auto say = [&](const std::string& text) {
    talk.client(data, at, 1, text);
    at += static_cast<std::uint32_t>(text.size());
  };
  say("hello ");
  if (cut == Cut::before) say("attack now ");
  if (cut == Cut::across) say("attack");
  talk.wait(seconds(10));
  if (cut == Cut::across) say(" now ");
  if (cut == Cut::behind) say("attack now ");
  say("good bye");
  talk.server(TcpFlag::ack, 1, at);
  return talk;
}

}  // namespace

TEST_CASE("reload in replay: where the attack is cut, which set knows it, how its connection is held",
          "[engine][reload][replay]") {
  const Cut cut = GENERATE(Cut::before, Cut::across, Cut::behind);
  const bool in_old = GENERATE(false, true);
  const bool in_new = GENERATE(false, true);
  const Held held = GENERATE(Held::by_rules, Held::by_none, Held::adopted);
  const std::string action = GENERATE("alert", "drop");
  CAPTURE(static_cast<int>(cut), in_old, in_new, static_cast<int>(held), action);

  const std::string other = "alert tcp any any -> any any (content:\"nothing of the kind\"; sid:9;)\n";
  const std::string body = " (content:\"attack now\"; sid:1;)\n";
  // Held by none: every rule of the old set is for another port.
  const std::string old_port = held == Held::by_none ? "81" : "any";
  std::string old_rules = in_old ? action + " tcp any any -> any " + old_port + body : "";
  old_rules += held == Held::by_none ? "alert tcp any any -> any 81 (content:\"x\"; sid:8;)\n" : other;
  const Directory dir;
  const std::string new_rules =
      dir.write("new.rules", other + (in_new ? action + " tcp any any -> any any" + body : ""));
  const auto alerts = talk(cut, held).alerts(old_rules, "enforce", {"--reload-at", "5s=" + new_rules});

  const bool old_set_decides = cut == Cut::before;
  const bool known = old_set_decides ? in_old && held != Held::by_none : in_new;
  REQUIRE(alerts.size() == (known ? 1U : 0U));
  if (!known) return;
  CHECK(alerts[0]["lockstep"]["generation"] == (old_set_decides ? 1 : 2));
  CHECK(alerts[0]["lockstep"]["offset"] == nlohmann::json({6, 16}));
  CHECK(alerts[0]["alert"]["action"] == (action == "drop" ? "blocked" : "allowed"));
  CHECK(alerts[0]["lockstep"].value("adopted", false) == (held == Held::adopted));
}

TEST_CASE("reload in replay: times, several sets, what the log tells", "[engine][reload][replay]") {
  Conversation talk;
  for (std::uint32_t i = 0; i < 4; ++i) {
    talk.client(data, 1 + 2 * i, 1, "x ");
    talk.wait(std::chrono::seconds(10));
  }
  talk.client(TcpFlag::ack | TcpFlag::fin, 9, 1);
  const Directory dir;
  const auto rule = [](int sid) {
    return "alert tcp any any -> any any (content:\"x\"; sid:" + std::to_string(sid) + ";)\n";
  };
  // 1'700'000'000 is 2023-11-14T22:13:20Z.
  const std::vector<std::string> words{
      "-S",          dir.write("1.rules", rule(1)),
      "--reload-at", "2023-11-14T22:13:45.5Z=" + dir.write("2.rules", rule(2)),
      "--reload-at", "5s=" + dir.write("3.rules", rule(3) + "alert tcp (broken\n")};
  std::vector<std::pair<int, int>> fired;  // sid, generation
  std::vector<int> loaded;
  for (const auto& event : talk.events(dir, words)) {
    if (event["event_type"] == "alert")
      fired.emplace_back(event["alert"]["signature_id"], event["lockstep"]["generation"]);
    if (event["event_type"] == "flow") CHECK(event["lockstep"]["generation"] == 2);
    if (event["event_type"] == "stats") {
      const auto& engine = event["stats"]["detect"]["engines"][0];
      loaded.push_back(engine["rules_failed"]);
      CHECK(event["stats"]["lockstep"].contains("generation"));
    }
  }
  CHECK(fired == std::vector<std::pair<int, int>>{{1, 1}, {3, 3}, {3, 3}, {2, 2}});
  CHECK(loaded.front() == 0);
  CHECK(std::find(loaded.begin(), loaded.end(), 1) != loaded.end());
}

TEST_CASE("reload in replay: rules come where there were none", "[engine][reload][replay]") {
  Conversation talk;
  talk.client(data, 1, 1, "attack");
  talk.wait(std::chrono::seconds(10));
  talk.client(data, 7, 1, " now");
  const Directory dir;
  const auto rules = dir.write("a.rules", "alert tcp any any -> any any (content:\"attack now\"; sid:1;)\n");
  const auto events = talk.events(dir, {"--reload-at", "1s=" + rules});
  CHECK(std::count_if(events.begin(), events.end(),
                      [](const auto& event) { return event["event_type"] == "alert"; }) == 1);
}

TEST_CASE("reload in replay: what is wrong is told before the first packet", "[engine][reload][replay]") {
  const Directory dir;
  const auto rules = dir.write("a.rules", "alert tcp any any -> any any (content:\"x\"; sid:1;)\n");
  const auto run = [&](const std::string& reload) {
    return run_lockstep({"replay", "tests/pcaps/echo-v4.pcap", "-S", rules, "--reload-at", reload});
  };
  CHECK(run("5s=" + dir.path("none.rules")).code == 1);
  CHECK(run("soon=" + rules).code == 2);
  CHECK(run("5s=").code == 2);
  CHECK(run("5s").code == 2);
  CHECK(run("2023-11-14T22:13=" + rules).code == 2);
  const auto good = run("5s=" + rules);
  CHECK(good.code == 0);
  CHECK(good.out.find("generation 2, at 5s: 1 rules loaded, 0 failed, 0 skipped") != std::string::npos);
}
