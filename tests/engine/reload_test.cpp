// A rule set follows another while connections are open.
#include "engine/inspector.hpp"
#include "tests/support/wire.hpp"

using namespace lockstep;
using namespace lockstep::test;

namespace {

using Sids = std::vector<std::uint32_t>;

const std::string attack = "alert tcp any any -> any any (content:\"attack now\"; sid:1;)\n";
const std::string other = "alert tcp any any -> any any (content:\"something else\"; sid:9;)\n";

Wire open(std::string rules) {
  return Wire::established(
      {.client_isn = GENERATE(any_isn()), .server_isn = GENERATE(any_isn()), .rules = std::move(rules)});
}

}  // namespace

TEST_CASE("a match that straddles the reload is found by the new set", "[engine][reload]") {
  auto wire = open(other);
  wire.client.sends("attack").fires({});
  wire.server.acks();
  wire.reload(attack);
  wire.client.sends(" now").fires({1});
  wire.client.sends(" attack now").fires({1});
}

TEST_CASE("what the old set told is not told again, nor what came before a rule", "[engine][reload]") {
  auto wire = open(attack);
  wire.client.sends("attack now").fires({1});
  wire.reload(attack + "alert tcp any any -> any any (content:\"attack\"; sid:2;)\n");
  wire.client.sends("; and").fires({});
  wire.client.sends(" attack now").fires({2, 1});
}

TEST_CASE("a rule that went fires no more", "[engine][reload]") {
  auto wire = open(attack);
  wire.client.sends("attack");
  wire.reload(other);
  wire.client.sends(" now").fires({});
}

TEST_CASE("a connection that no rule could match is inspected from the reload on", "[engine][reload]") {
  auto wire = open("alert tcp any any -> any 81 (content:\"x\"; sid:9;)\n");
  CHECK(wire.flow().inspection == nullptr);
  const bool acknowledged = GENERATE(false, true);
  wire.client.sends("attack").fires({});
  if (acknowledged) wire.server.acks();
  wire.reload(attack);
  // Only what is kept until it is acknowledged is left of its stream.
  wire.client.sends(" now").fires(acknowledged ? Sids{} : Sids{1});
  wire.client.sends("; attack now").fires({1});
}

TEST_CASE("a connection that no rule can match any more keeps nothing", "[engine][reload]") {
  auto wire = open(attack);
  wire.client.sends("attack");
  wire.server.acks();
  CHECK(wire.flow().session.receiver(Direction::to_server).bytes.kept_from() == 0);
  wire.reload("alert tcp any any -> any 81 (content:\"x\"; sid:9;)\n");
  wire.client.sends(" now").fires({});
  wire.server.acks();
  CHECK(wire.flow().inspection == nullptr);
  CHECK(wire.flow().session.receiver(Direction::to_server).bytes.kept_from() == 10);
}

TEST_CASE("flowbits keep their names over a reload", "[engine][reload][flowbits]") {
  auto wire = open(
      "alert tcp any any -> any any (content:\"one\"; flowbits:set,first; sid:1;)\n"
      "alert tcp any any -> any any (content:\"two\"; flowbits:set,second; sid:2;)\n");
  wire.client.sends("two").fires({2});
  // The names come in another order, and one goes.
  wire.reload(
      "alert tcp any any -> any any (content:\"three\"; flowbits:set,third; sid:3;)\n"
      "alert tcp any any -> any any (content:\"check\"; flowbits:isset,second; sid:4;)\n"
      "alert tcp any any -> any any (content:\"check\"; flowbits:isnotset,third; sid:5;)\n"
      "alert tcp any any -> any any (content:\"check\"; flowbits:isset,third; sid:6;)\n");
  wire.client.sends("check").fires({4, 5});
}

TEST_CASE("xbits and thresholds survive a reload", "[engine][reload][xbits][threshold]") {
  const std::string counted =
      "alert tcp any any -> any any (content:\"hit\"; threshold:type both,track by_src,count 3,seconds 60; "
      "sid:1; rev:1;)\n";
  auto wire = open(counted +
                   "alert tcp any any -> any any (content:\"mark\"; xbits:set,seen,track ip_src,expire 600; "
                   "sid:2;)\n");
  wire.client.sends("hit hit mark").fires({1, 1, 2});
  CHECK(wire.alerts() == Sids{2});
  wire.reload("alert tcp any any -> any any (content:\"other\"; xbits:set,another,track ip_src; sid:3;)\n" +
              counted +
              "alert tcp any any -> any any (content:\"check\"; xbits:isset,seen,track ip_src; sid:4;)\n");
  wire.client.sends("hit");
  CHECK(wire.alerts() == Sids{1});
  wire.client.sends("check");
  CHECK(wire.alerts() == Sids{4});
}

TEST_CASE("verdicts for a whole connection survive a reload", "[engine][reload]") {
  const std::string word = GENERATE("drop", "pass");
  auto wire = open(word + " tcp any any -> any any (content:\"first\"; sid:1;)\n");
  wire.client.sends("first");
  const Final before = wire.flow().final_verdict;
  wire.reload(attack);
  wire.client.sends("attack now").fires({});
  CHECK(wire.flow().final_verdict == before);
  CHECK(wire.flow().inspection == nullptr);
}

TEST_CASE("a bypass rule's verdict survives a reload", "[engine][reload]") {
  auto wire = open("alert tcp any any -> any any (content:\"first\"; bypass; sid:1;)\n");
  wire.client.sends("first").fires({1});
  wire.reload(attack);
  wire.client.sends("attack now").passes().fires({});
}

TEST_CASE("a new rule of addresses alone is asked of connections that are open", "[engine][reload]") {
  const std::string known = "alert tcp 10.0.0.1 any -> any any (sid:5;)\n";
  auto wire = open(known + attack);
  wire.client.sends("x").fires({});
  wire.reload(known + attack);
  wire.client.sends("x").fires({});
  wire.reload(known + "alert tcp 10.0.0.1 any -> any any (sid:2;)\n");
  wire.client.sends("x").fires({2});
  wire.client.sends("x").fires({});
  wire.reload("drop tcp 10.0.0.1 any -> any any (sid:3;)\n");
  wire.client.sends("x").drops_flow(Reason::signature).fires({3}).causes_resets(1);
}

TEST_CASE("a reload between SYN and SYN-ACK: what was told is not told again",
          "[engine][reload][handshake]") {
  const std::string known = "alert tcp 10.0.0.1 any -> any any (sid:1;)\n";
  Wire wire({.rules = known});
  wire.client.syns().fires({1});
  const bool more = GENERATE(false, true);
  wire.reload(more ? known + "alert tcp 10.0.0.1 any -> any any (sid:2;)\n" : known);
  wire.server.syn_acks().fires({});
  wire.client.acks().fires(more ? Sids{2} : Sids{});
  wire.client.sends("x").fires({});
}

TEST_CASE("flowbits of a SYN survive a reload", "[engine][reload][handshake][flowbits]") {
  Wire wire(
      {.rules = "alert tcp any any -> any any (flags:S; flowbits:set,other; flowbits:set,syn; sid:1;)\n"});
  wire.client.syns().fires({1});
  wire.reload("alert tcp any any -> any any (content:\"x\"; flowbits:isset,syn; sid:2;)\n");
  wire.server.syn_acks();
  wire.client.acks();
  wire.client.sends("x").fires({2});
}

TEST_CASE("the end of a stream is asked of the new set", "[engine][reload][end]") {
  auto wire = open(other);
  wire.client.sends("the tail");
  wire.reload("alert tcp any any -> any any (content:\"tail\"; endswith; sid:2;)\n");
  SECTION("by a FIN") {
    wire.client.fins().fires({2});
  }
  SECTION("without one") {
    wire.end();
    CHECK(wire.fired() == Sids{2});
  }
}

TEST_CASE("absolute positions hold over a reload as far as the tail reaches", "[engine][reload]") {
  auto wire = open(other);
  const std::string absolute =
      "alert tcp any any -> any any (flow:only_stream; content:!\"x\"; depth:1; content:\"late\"; sid:1;)\n";
  SECTION("all of the stream is kept") {
    wire.client.sends("x");
    wire.server.acks();
    wire.reload(absolute);
    wire.client.sends("late").fires({});
  }
  SECTION("nothing was kept: what can't be seen is not taken for absent") {
    auto bare = open("alert tcp any any -> any 81 (content:\"x\"; sid:9;)\n");
    bare.client.sends("x");
    bare.server.acks();
    bare.reload(absolute);
    bare.client.sends("late").fires({});
  }
}

TEST_CASE("a set goes when the one behind its follower is in force and no connection is left to it",
          "[engine][reload][sweep]") {
  auto wire = open(attack);
  wire.client.sends("attack");
  const std::weak_ptr<const RuleGeneration> old = wire.flow().inspection->rules;
  wire.reload(attack);
  wire.reload(attack);
  CHECK_FALSE(old.expired());
  while (wire.pipeline().sweep(1)) {
  }
  CHECK(old.expired());
  CHECK_FALSE(wire.pipeline().sweep(1));
  wire.client.sends(" now").fires({1});
}

TEST_CASE("observing: each open reading is taken over", "[engine][reload][observing]") {
  auto wire = Wire::established(
      {.configure = [](PipelineConfig& config) { config.enforcing = false; }, .rules = other});
  wire.client.sends("good ");
  wire.client.sends("evil ", {.seq = 1});  // not acknowledged: either may have been read
  wire.reload(
      "alert tcp any any -> any any (content:\"good stuff\"; sid:1;)\n"
      "alert tcp any any -> any any (content:\"evil stuff\"; sid:2;)\n");
  wire.client.sends("stuff").fires({1, 2});
}

TEST_CASE("the same rules again change nothing, wherever the reload falls", "[engine][reload]") {
  const std::string rules =
      "alert tcp any any -> any any (content:\"aa\"; sid:1;)\n"
      "alert tcp any any -> any any (content:\"one\"; content:\"two\"; distance:1; within:6; sid:2;)\n"
      "alert tcp any any -> any any (pcre:\"/t[a-z]+e x/\"; sid:3;)\n"
      "alert tcp any any -> any any (content:\"two\"; content:!\"three\"; within:6; sid:4;)\n"
      "alert tcp any any -> any any (content:\"one\"; flowbits:set,one; sid:5;)\n"
      "alert tcp any any -> any any (content:\"three\"; flowbits:isset,one; sid:6;)\n"
      "alert tcp any any -> any any (flow:only_stream; content:\"a\"; depth:3; content:\"x\"; sid:7;)\n"
      "alert tcp any any -> any any (content:\"end\"; endswith; sid:8;)\n"
      "alert tcp any any -> any any (content:\"x\"; isdataat:!1,relative; sid:10;)\n";
  const std::string stream = "aaaaa one two one, two three x three x xx end";
  const auto fired = [&](std::size_t reload_at) {
    auto wire = Wire::established({.rules = rules});
    std::vector<Sids> all;
    for (std::size_t i = 0; i < stream.size(); ++i) {
      if (i == reload_at) wire.reload(rules);
      wire.client.sends(stream.substr(i, 1));
      all.push_back(wire.fired());
      if (i % 3 == 0) wire.server.acks();
    }
    if (reload_at == stream.size()) wire.reload(rules);
    wire.client.fins();
    all.push_back(wire.fired());
    return all;
  };
  const auto without = fired(stream.size() + 1);
  CHECK(without.back() == Sids{8});
  for (std::size_t at = 0; at <= stream.size(); ++at) {
    INFO("reload before byte " << at);
    CHECK(fired(at) == without);
  }
}

TEST_CASE("shadow rules are told and lead to nothing", "[engine][reload][shadow]") {
  auto wire = open(other);
  wire.reload(other,
              "drop tcp any any -> any any (content:\"evil\"; sid:1;)\n"
              "reject tcp any any -> any any (content:\"worse\"; sid:2;)\n"
              "alert tcp any any -> any any (content:\"skip\"; bypass; sid:3;)\n");
  wire.client.sends("evil").passes().fires({1});
  CHECK(wire.alerts() == Sids{1});
  wire.client.sends("worse skip").passes().fires({2, 3}).causes_resets(0);
  wire.client.sends("something else").passes().fires({9});
  CHECK(wire.flow().final_verdict == Final::none);
}

TEST_CASE("what shadow rules remember is their own", "[engine][reload][shadow][flowbits][threshold]") {
  const std::string both =
      "alert tcp any any -> any any (content:\"mark\"; flowbits:set,seen; noalert; sid:1;)\n"
      "alert tcp any any -> any any (content:\"hit\"; threshold:type threshold,track by_src,count 2,seconds "
      "60; "
      "sid:2;)\n";
  const std::string check = "alert tcp any any -> any any (content:\"check\"; flowbits:isset,seen; sid:3;)\n";
  auto wire = open(both + check);
  wire.client.sends("mark");
  wire.reload(both + check, both + check);
  wire.client.sends("check").fires({3});  // the shadow has not seen the mark
  wire.client.sends("hit");
  CHECK(wire.alerts().empty());
  wire.client.sends("hit");
  CHECK(wire.alerts() == Sids{2, 2});  // each counted two of its own
}

TEST_CASE("a pass rule ends what is judged, for acting and shadow rules each by themselves",
          "[engine][reload][shadow]") {
  const std::string pass = "pass tcp-pkt any any -> any any (content:\"x\"; sid:1;)\n";
  const std::string alert = "alert tcp-pkt any any -> any any (content:\"x\"; sid:2;)\n";
  auto wire = open(other);
  wire.reload(alert, pass + alert);
  wire.client.sends("x");
  CHECK(wire.alerts() == Sids{2});
  wire.reload(pass + alert, alert);
  wire.client.sends("x");
  CHECK(wire.alerts() == Sids{2});
}
