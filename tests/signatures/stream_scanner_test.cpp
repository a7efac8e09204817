#include "signatures/stream_scanner.hpp"

#include "tests/signatures/matching.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep::signatures;

namespace {

// Fails the test if two cuts disagree.
Ends ends(const Rule& rule, std::string_view stream, bool closed = false,
          const CompileOptions& options = {}) {
  const auto answer = ends_however_cut(rule, stream, closed, options);
  REQUIRE(answer.has_value());
  return *answer;
}
Ends ends(std::vector<PayloadOption> payload, std::string_view stream, bool closed = false) {
  return ends(make_rule(1, std::move(payload)), stream, closed);
}

}  // namespace

TEST_CASE("a content fires at the end of each occurrence that starts behind the last",
          "[signatures][scanner]") {
  CHECK(ends({content("attack")}, "an attack, attack!") == Ends{9, 17});
  CHECK(ends({content("aaaa")}, "aaaaaaaaaa") == Ends{4, 8});
  CHECK(ends({content("attack")}, "an attac, ttack!").empty());
}

TEST_CASE("case counts unless nocase", "[signatures][scanner]") {
  CHECK(ends({content("AttacK")}, "attack AttacK ATTACK") == Ends{13});
  CHECK(ends({content("AttacK", {.nocase = true})}, "attack AttacK ATTACK") == Ends{6, 13, 20});
}

TEST_CASE("offset and depth count from the first byte of the stream", "[signatures][scanner]") {
  CHECK(ends({content("abcd", {.offset = number(2)})}, "abcdabcd") == Ends{8});
  CHECK(ends({content("abcd", {.depth = number(4)})}, "abcdabcd") == Ends{4});
  CHECK(ends({content("abcd", {.depth = number(5)})}, "xabcdabcd") == Ends{5});
  CHECK(ends({content("abcd", {.offset = number(2), .depth = number(5)})}, "xxxabcdxx") == Ends{7});
  CHECK(ends({content("abcd", {.offset = number(2), .depth = number(5)})}, "xxxxabcdx").empty());
  CHECK(ends({content("abcd", {.starts_with = true})}, "abcdabcd") == Ends{4});
  CHECK(ends({content("abcd", {.starts_with = true})}, "xabcd").empty());
}

TEST_CASE("distance and within count from the end of the match before", "[signatures][scanner]") {
  const auto rule = [](Content second) {
    return std::vector<PayloadOption>{content("GET "), std::move(second)};
  };
  CHECK(ends(rule(content("ab", {.distance = number(2)})), "GET abxab") == Ends{9});
  CHECK(ends(rule(content("ab", {.within = number(2)})), "GET ab") == Ends{6});
  CHECK(ends(rule(content("ab", {.within = number(2)})), "GET xab").empty());
  CHECK(ends(rule(content("ab", {.within = number(3)})), "GET xab") == Ends{7});
  CHECK(ends(rule(content("ab", {.distance = number(1), .within = number(2)})), "GET xab") == Ends{7});
  CHECK(ends(rule(content("ET", {.distance = number(-3)})), "GET ") == Ends{4});
}

TEST_CASE("a relative failure tries the next occurrence of what it depends on",
          "[signatures][backtracking]") {
  const std::vector<PayloadOption> rule{content("name="),
                                        content("x", {.distance = number(0), .within = number(1)})};
  CHECK(ends(rule, "name=a name=b name=x") == Ends{20});
  const std::vector<PayloadOption> deep{content("aa"),
                                        content("b", {.distance = number(0), .within = number(2)}),
                                        content("c", {.distance = number(0), .within = number(1)})};
  CHECK(ends(deep, "aaab aabbc") == Ends{10});
}

TEST_CASE("a negation without an end is decided on the bytes before the match", "[signatures][negation]") {
  CHECK(ends({content("good"), absent("bad")}, "good bad good") == Ends{4});
  CHECK(ends({content("good"), absent("bad")}, "bad good").empty());
  CHECK(ends({content("good"), absent("bad", {.distance = number(0)})}, "bad good") == Ends{8});
}

TEST_CASE("a negation with an end waits until its window is complete", "[signatures][negation]") {
  const std::vector<PayloadOption> rule{content("user"), absent("\n", {.within = number(5)})};
  CHECK(ends(rule, "user1234567") == Ends{9});
  CHECK(ends(rule, "user12\n4567").empty());
  CHECK(ends(rule, "user12").empty());
  CHECK(ends(rule, "user12", true) == Ends{6});
  CHECK(ends({content("user"), absent("x", {.depth = number(8)})}, "user12345") == Ends{8});
}

TEST_CASE("isdataat differs by one byte between absolute and relative", "[signatures][isdataat]") {
  CHECK(ends({content("abcd"), IsDataAt{number(4)}}, "abcd").empty());
  CHECK(ends({content("abcd"), IsDataAt{number(4)}}, "abcde") == Ends{5});
  CHECK(ends({content("abcd"), IsDataAt{number(0), false, true}}, "abcd") == Ends{4});
  CHECK(ends({content("abcd"), IsDataAt{number(1), false, true}}, "abcd").empty());
  CHECK(ends({content("abcd"), IsDataAt{number(1), false, true}}, "abcde") == Ends{5});
  CHECK(ends({content("abcd"), IsDataAt{number(1), true, true}}, "abcd", true) == Ends{4});
  CHECK(ends({content("abcd"), IsDataAt{number(1), true, true}}, "abcde", true).empty());
  CHECK(ends({content("abcd"), IsDataAt{number(5), true}}, "xabcd", true) == Ends{5});
  CHECK(ends({content("abcd"), IsDataAt{number(5), true}}, "xabcdy", true).empty());
}

TEST_CASE("endswith and equality hold only once the direction ended", "[signatures][endswith]") {
  CHECK(ends({content("abcd", {.ends_with = true})}, "abcdabcd").empty());
  CHECK(ends({content("abcd", {.ends_with = true})}, "abcdabcd", true) == Ends{8});
  CHECK(ends({content("abcd", {.ends_with = true})}, "abcdx", true).empty());
  CHECK(ends({content("abcd", {.starts_with = true, .ends_with = true})}, "abcd", true) == Ends{4});
  CHECK(ends({content("abcd", {.starts_with = true, .ends_with = true})}, "abcdabcd", true).empty());
  CHECK(ends({content("ab"), absent("cd", {.ends_with = true})}, "abcd", true).empty());
  CHECK(ends({content("ab"), absent("cd", {.ends_with = true})}, "abcdx", true) == Ends{5});
}

// Each evaluation searches the whole window: one a byte would be no more than some KB/s.
TEST_CASE("an expression that looks for the start of a line is not asked anew at every byte",
          "[signatures][pcre]") {
  Matching matching({make_rule(1, {content("STAT", {.nocase = true}), pcre("(?smi)^STAT\\s[^\\n]{100}")})});
  for (int i = 0; i < 100; ++i) matching.feed("x static " + std::string(991, 'x'));
  CHECK(matching.ends().empty());
  CHECK(matching.scratch.counters().evaluations < 1000);
  matching.feed("\nstat " + std::string(100, 'x'));
  CHECK(matching.ends() == Ends{100'106});
}

TEST_CASE("a pcre that is asked at every offset searches a bounded number of bytes a chunk",
          "[signatures][pcre][limits]") {
  Matching matching({make_rule(1, {content("key"), pcre("(?<!x)needle")})});
  matching.feed("key" + std::string(8000, '.'));
  CHECK(matching.scratch.counters().work_limit > 0);
  const auto before = matching.scratch.counters();
  matching.feed(std::string(1400, '.'));
  const auto after = matching.scratch.counters();
  CHECK(after.work_limit == before.work_limit + 1);
  CHECK(after.evaluations - before.evaluations <= StreamScanner::max_regex_of_rule / 8000 + 2);
  matching.feed("key needle" + std::string(1000, '.'));
  CHECK(matching.matches.size() == 1);
}

TEST_CASE("a pcre that is nowhere costs no evaluation, and is found across chunks", "[signatures][pcre]") {
  Matching matching({make_rule(1, {content("stat", {.nocase = true}), pcre("(?smi)^STAT\\s[^\\n]{100}")})});
  for (int i = 0; i < 20; ++i) matching.feed("static, not at the start of a line\n");
  CHECK(matching.scratch.counters().evaluations == 0);
  matching.feed("\nst");
  for (int i = 0; i < 50; ++i) matching.feed(i == 0 ? "at " : "xy");
  CHECK(matching.scratch.counters().evaluations == 0);
  matching.feed("xyz");
  CHECK(matching.ends() == Ends{matching.stream.size() - 1});
}

TEST_CASE("pcre starts where R says and fires at the smallest offset", "[signatures][pcre]") {
  CHECK(ends({content("user="), pcre("^\\d{3}", {.relative = true})}, "user=ab user=1234") == Ends{16});
  CHECK(ends({content("user="), pcre("a+b")}, "aab user=") == Ends{9});
  CHECK(ends({pcre("fo+bar")}, "xfooobarfobar") == Ends{8, 13});
  CHECK(ends({pcre("^foo")}, "foo foo") == Ends{3});
  CHECK(ends({content("foo"), pcre("foo$")}, "foo", true) == Ends{3});
  CHECK(ends({content("foo"), pcre("foo$")}, "foox", true).empty());
  CHECK(ends({content("ping"), pcre("pong", {.negated = true})}, "ping pong ping") == Ends{4});
  // Taking more at first must not hide the shorter way.
  CHECK(ends({pcre("x(?:bbbc)?"), content("bb", {.distance = number(0)})}, "xbbbc") == Ends{3});
  CHECK(ends({content("foo"), pcre("foo(?!bar)")}, "foobar") == Ends{3});
  CHECK(ends({content("key"), pcre("(k)e(y).*\\2\\1", {.relative = false})}, "key..yk") == Ends{7});
}

TEST_CASE("a bounded window is counted in bytes, not in segments", "[signatures][window]") {
  CompileOptions options;
  options.window = 8;
  const Rule rule = make_rule(1, {content("abcd"), content("ef", {.distance = number(0)})});
  CHECK(ends(rule, "abcd..ef", false, options) == Ends{8});
  CHECK(ends(rule, "abcd...ef", false, options).empty());
  const Rule negation = make_rule(1, {content("good"), absent("x")});
  CHECK(ends(negation, "xgood.....", false, options) == Ends{9});
}

TEST_CASE("a line's start that leaves the window starts no line any more", "[signatures][window][pcre]") {
  CompileOptions options;
  options.window = 4;
  constexpr std::uint32_t multiline = 0x400;  // PCRE2_MULTILINE
  const Rule rule =
      make_rule(1, {content("a"), pcre("^a", {.options = multiline, .negated = true}), absent("\n")});
  CHECK(ends(rule, "\naaaa", false, options) == Ends{5});
}

TEST_CASE("a drop rule does not wait beyond the packet that completes it", "[signatures][early]") {
  const std::vector<PayloadOption> options{content("cmd="), absent("\n", {.within = number(10)})};
  Matching drop({make_rule(1, options, Action::drop)});
  drop.feed("x cmd=").feed("abc");
  REQUIRE(drop.matches.size() == 1);
  CHECK(drop.matches[0].early);
  CHECK(drop.matches[0].to == 6);

  Matching two_pieces({make_rule(1, options, Action::reject)});
  two_pieces.feed("x cmd=", false, true);
  CHECK(two_pieces.matches.empty());
  two_pieces.feed("a\n");
  CHECK(two_pieces.matches.empty());

  Matching alert({make_rule(1, options)});
  alert.feed("x cmd=").feed("abc");
  CHECK(alert.matches.empty());
  CHECK(alert.feed("defghijk").ends() == Ends{16});
  CHECK_FALSE(alert.matches[0].early);
}

TEST_CASE("state that a rule writes is seen by later rules at once", "[signatures][flowbits]") {
  Rule setter = make_rule(1, {content("login")});
  setter.state.emplace_back(Flowbits{BitOp::set, {0}});
  Rule reader = make_rule(2, {content("shell")});
  reader.state.emplace_back(Flowbits{BitOp::is_set, {0}});
  const std::string_view stream = "shell.. login.. shell";
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    Matching matching({reader, setter}, {}, {{"logged-in"}, {}, {}});
    matching.feed(stream.substr(0, cut)).feed(stream.substr(cut));
    CHECK(matching.fired() == Matching::Fired{{1, 13}, {2, 13}, {2, 21}});
  }
}

TEST_CASE("rules that match at one offset come in order of action and priority", "[signatures][order]") {
  Rule low = make_rule(1, {content("attack")});
  Rule high = make_rule(2, {content("attack")});
  high.priority = 1;
  const Rule drop = make_rule(3, {content("attack")}, Action::drop);
  const Rule pass = make_rule(4, {content("attack")}, Action::pass);
  Matching matching({low, high, drop, pass});
  matching.feed("attack");
  CHECK(matching.fired() == Matching::Fired{{4, 6}, {3, 6}, {2, 6}, {1, 6}});
}

TEST_CASE("nothing matches across a gap, nor absolutely where the start is unknown",
          "[signatures][scanner]") {
  Matching matching(
      {make_rule(1, {content("attack")}), make_rule(2, {content("attack", {.depth = number(90)})})});
  matching.feed("atta");
  matching.scanner.restart(4);
  matching.feed("ck");
  CHECK(matching.matches.empty());
  matching.scanner = StreamScanner(*matching.set, matching.group, 6, false);
  matching.feed("attack");
  CHECK(matching.fired() == Matching::Fired{{1, 12}});
}

TEST_CASE("a forked scanner goes its own way", "[signatures][scanner]") {
  Matching matching({make_rule(1, {content("attack"), content("now", {.distance = number(0)})})});
  matching.feed("attack n");
  StreamScanner fork = matching.scanner;
  std::vector<Match> other;
  FlowState flow;
  fork.scan({Direction::to_server, 8, span_of("ow"), false}, WholeHistory("attack n"),
            {matching.packet, flow}, matching.scratch, other);
  CHECK(other.size() == 1);
  CHECK(matching.feed("ot").matches.empty());
}

TEST_CASE("a primed scanner knows the tail but does not report it", "[signatures][reload]") {
  Matching matching({make_rule(1, {content("attack")}), make_rule(2, {content("attack now")})});
  const std::string_view tail = "attack n";
  matching.stream = tail;
  matching.scanner.prime({Direction::to_server, 0, span_of(tail), false}, {matching.packet, matching.flow},
                         matching.scratch);
  CHECK(matching.matches.empty());
  CHECK(matching.feed("ow").fired() == Matching::Fired{{2, 10}});
}
