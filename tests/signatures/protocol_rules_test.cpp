// Rules that ask what the connection speaks: the same answers at the same offsets, however the stream is cut.
#include <algorithm>
#include <random>

#include "tests/support/catch.hpp"
#include "tests/support/golden_stream.hpp"

namespace lockstep::signatures {
namespace {

struct Case {
  const char* means;
  const char* rules;  // one a line
  std::string stream;
  std::vector<StreamFire> fires;
  Direction direction = Direction::to_server;
};

std::vector<StreamFire> answer(const RuleSet& set, const Case& one, std::vector<std::uint64_t> ends) {
  StreamInput input;
  input.bytes.assign(one.stream.begin(), one.stream.end());
  input.packet_ends = std::move(ends);
  input.direction = one.direction;
  return scanned(set, input);
}

std::vector<std::uint64_t> random_ends(std::size_t length, std::mt19937& random) {
  std::vector<std::uint64_t> ends;
  for (std::uint64_t at = 0; at < length; ends.push_back(at))
    at += std::uniform_int_distribution<std::uint64_t>(1, length - at)(random);
  return ends;
}

void check_cuts(const Case& one) {
  INFO(one.means);
  const auto parsed = rules_of(one.rules);
  const auto set = compiled(parsed.rules, parsed.names, 8192);
  const std::string wanted = to_string(one.fires);
  CHECK(to_string(answer(*set, one, {one.stream.size()})) == wanted);
  std::mt19937 random(1);
  for (int i = 0; i < 50; ++i)
    CHECK(to_string(answer(*set, one, random_ends(one.stream.size(), random))) == wanted);
  std::vector<std::uint64_t> each;
  for (std::uint64_t at = 1; at <= one.stream.size(); ++at) each.push_back(at);
  CHECK(to_string(answer(*set, one, each)) == wanted);
}

TEST_CASE("a rule for a protocol matches only where it is spoken, and from where that is known",
          "[signatures][stream][protocol]") {
  const std::string get = "GET /attack HTTP/1.1\r\n";
  const std::vector<Case> cases = {
      {"spoken",
       "alert http any any -> any any (content:\"attack\"; sid:1;)\n",
       get,
       {{.end = 11, .sid = 1}}},
      {"not spoken", "alert tls any any -> any any (content:\"attack\"; sid:1;)\n", get, {}},
      {"a match before the decision fires at the decision",
       "alert http any any -> any any (content:\"GE\"; sid:1;)\n",
       get,
       {{.end = 4, .sid = 1}}},
      {"the deciding byte is part of the match",
       "alert http any any -> any any (content:\"GET \"; sid:1;)\n",
       get,
       {{.end = 4, .sid = 1}}},
      {"without a literal",
       "alert http any any -> any any (pcre:\"/^[A-Z]/\"; sid:1;)\n",
       get,
       {{.end = 4, .sid = 1}}},
      {"never decided", "alert http any any -> any any (content:\"GE\"; sid:1;)\n", "GE", {}},
      {"decided against",
       "alert http any any -> any any (content:\"attack\"; sid:1;)\n",
       "attack, attack, GET / HTTP/1.1",
       {}},
      {"the other version alone", "alert http2 any any -> any any (content:\"attack\"; sid:1;)\n", get, {}},
      {"one of several",
       "alert tcp any any -> any any (content:\"attack\"; app-layer-protocol:tls|http; sid:1;)\n",
       get,
       {{.end = 11, .sid = 1}}},
      {"negated, once the protocol is known",
       "alert tcp any any -> any any (content:\"E\"; app-layer-protocol:!tls; sid:1;)\n",
       "GET ",
       {{.end = 4, .sid = 1}}},
      {"negated",
       "alert tcp any any -> any any (content:\"attack\"; app-layer-protocol:!http; sid:1;)\n",
       get,
       {}},
      {"failed",
       "alert tcp any any -> any any (content:\"zzz\"; app-layer-protocol:failed; sid:1;)\n",
       "no protocol starts like this: zzz",
       {{.end = 33, .sid = 1}}},
      {"a drop rule",
       "drop http any any -> any any (content:\"ET\"; content:!\"x\"; within:9; sid:1;)\n",
       "GET ",
       {{.end = 4, .sid = 1}}},
      {"the server's side",
       "alert http any any -> any any (flow:to_client; content:\"200\"; sid:1;)\n",
       "HTTP/1.1 200 OK\r\n",
       {{.end = 12, .sid = 1}},
       Direction::to_client},
      {"a flowbit that a rule for the protocol sets",
       "alert http any any -> any any (content:\"GE\"; flowbits:set,a; sid:1;)\n"
       "alert tcp any any -> any any (content:\"G\"; flowbits:isset,a; sid:2;)\n",
       "GET ",
       {{.end = 4, .sid = 1}, {.end = 4, .sid = 2}}},
  };
  for (const Case& one : cases) check_cuts(one);
}

}  // namespace
}  // namespace lockstep::signatures
