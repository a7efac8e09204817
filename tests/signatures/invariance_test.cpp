// The answer of the scanner is that of the naive matcher, however the stream is cut.
// RC_PARAMS="max_success=100000" tries longer, and what a failure prints as RC_PARAMS="reproduce=…" repeats
// it.
#include <string>

#include <rapidcheck.h>

#include "tests/support/catch.hpp"
#include "tests/support/rule_generator.hpp"
#include "tests/support/scanner_run.hpp"

namespace lockstep::signatures {
namespace {

// How often a property meets something to disagree about: a generator that stops doing so must fail.
struct Tally {
  std::size_t cases = 0;
  std::size_t with_fires = 0;
  std::size_t early = 0;
};

void agree_on(const Case& one, Tally& tally) {
  Names names;
  names.flowbits = generated_flowbits();
  const auto set = compiled(one.rules, names, one.window);
  for (const auto& cut : one.cuts) {
    const StreamInput input{
        .bytes = one.stream, .packet_ends = cut, .ended = one.ended, .end_apart = one.end_apart};
    const auto wanted = expected(one.rules, input, set->window());
    const auto got = scanned(*set, input);
    ++tally.cases;
    if (!wanted.empty()) ++tally.with_fires;
    for (const auto& fire : wanted) tally.early += fire.early ? 1 : 0;
    if (got == wanted) continue;
    std::string packets;
    for (const auto end : cut) packets += " " + std::to_string(end);
    RC_FAIL("cut" + packets + "\nscanner:  " + to_string(got) + "\nreference:" + to_string(wanted));
  }
}

void agree_on_many(const char* what, const GeneratorOptions& options, bool expects_early = false) {
  Tally tally;
  CHECK(rc::check(what, [&] { agree_on(*any_case(options), tally); }));
  if (tally.cases < 200) return;  // fewer were asked for
  CHECK(tally.with_fires > tally.cases / 10);
  // Rare enough to be missed in a short run.
  for (int more = 0; expects_early && tally.early == 0 && more < 10; ++more)
    CHECK(rc::check(what, [&] { agree_on(*any_case(options), tally); }));
  CHECK((tally.early > 0) == expects_early);
}

TEST_CASE("alerts do not depend on how the stream is cut", "[signatures][stream][L6]") {
  SECTION("contents and isdataat") {
    agree_on_many("contents and isdataat", {.flowbits = false, .pcres = false, .bytes = false});
  }
  SECTION("byte tests, jumps, extracts and sums") {
    agree_on_many("byte keywords", {.flowbits = false, .pcres = false});
  }
  SECTION("regular expressions") {
    agree_on_many("regular expressions", {.flowbits = false, .bytes = false});
  }
  SECTION("anchored regular expressions and what follows them") {
    agree_on_many("anchored regular expressions", {.flowbits = false, .anchored = true, .bytes = false});
  }
  SECTION("rules that wait for each other's flowbits") {
    agree_on_many("flowbits", {.pcres = false, .bytes = false});
  }
  SECTION("everything") {
    agree_on_many("everything", {});
  }
  SECTION("everything, with a window shorter than the stream") {
    agree_on_many("short windows", {.small_windows = true});
  }
}

TEST_CASE("drop and reject rules fire in the packet that completes what is there to be found",
          "[signatures][stream][L6][early]") {
  SECTION("without flowbits") {
    agree_on_many("drops", {.drops = true, .flowbits = false}, true);
  }
  SECTION("with flowbits") {
    agree_on_many("drops and flowbits", {.drops = true}, true);
  }
  SECTION("with a window shorter than the stream") {
    agree_on_many("drops, short windows", {.drops = true, .small_windows = true}, true);
  }
}

TEST_CASE("a drop rule never fires later than the same rule as an alert", "[signatures][stream][L6][early]") {
  CHECK(rc::check([] {
    const auto one = *any_case({.flowbits = false});
    const auto& rule = one.rules.front();
    auto dropping = rule;
    dropping.action = Action::drop;
    const Names names{.flowbits = generated_flowbits(), .xbits = {}, .flowints = {}};
    for (const auto& cut : one.cuts) {
      const StreamInput input{
          .bytes = one.stream, .packet_ends = cut, .ended = one.ended, .end_apart = one.end_apart};
      const auto alerts = scanned(*compiled({rule}, names, one.window), input);
      const auto drops = scanned(*compiled({dropping}, names, one.window), input);
      if (alerts.empty()) continue;
      RC_ASSERT(!drops.empty());
      RC_ASSERT(drops.front().end <= alerts.front().end);
    }
  }));
}

}  // namespace
}  // namespace lockstep::signatures
