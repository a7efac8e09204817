// Flowbits among rules of one direction, and what drop rules decide early; each expectation follows by hand.
#include "tests/support/catch.hpp"
#include "tests/support/golden_stream.hpp"

namespace lockstep::signatures {
namespace {

using namespace std::string_view_literals;

std::string rules(std::initializer_list<const char*> lines) {
  std::string text;
  for (const auto* line : lines) {
    std::string rule = line;
    rule.replace(rule.find('('), 1, "tcp-stream any any -> any any (msg:\"golden\"; ");
    text += rule + "\n";
  }
  return text;
}

std::vector<StreamFire> fires(std::initializer_list<std::pair<std::uint32_t, std::uint64_t>> list) {
  std::vector<StreamFire> all;
  for (const auto& [sid, end] : list) all.push_back({.end = end, .sid = sid});
  return all;
}

void check_all(const std::vector<GoldenSet>& goldens) {
  for (const auto& golden : goldens) check(golden);
}

TEST_CASE("flowbits join rules wherever their bytes are cut", "[signatures][stream][flowbits]") {
  check_all({
      {"set, then seen",
       rules({R"(alert (content:"a"; flowbits:set,f; sid:1;))",
              R"(alert (content:"b"; flowbits:isset,f; sid:2;))"}),
       "ab"sv, fires({{1, 1}, {2, 2}})},
      {"a late bit completes a rule whose bytes came before",
       rules({R"(alert (content:"a"; flowbits:set,f; sid:1;))",
              R"(alert (content:"b"; flowbits:isset,f; sid:2;))"}),
       "ba"sv, fires({{1, 2}, {2, 2}})},
      {"never set",
       rules({R"(alert (content:"z"; flowbits:set,f; sid:1;))",
              R"(alert (content:"b"; flowbits:isset,f; sid:2;))"}),
       "bab"sv, fires({})},
      {"not set until then",
       rules({R"(alert (content:"a"; flowbits:isnotset,f; sid:1;))",
              R"(alert (content:"b"; flowbits:set,f; sid:2;))"}),
       "aba"sv, fires({{1, 1}, {2, 2}})},
      {"unset",
       rules({R"(alert (content:"a"; flowbits:set,f; sid:1;))",
              R"(alert (content:"c"; flowbits:unset,f; sid:2;))",
              R"(alert (content:"b"; flowbits:isset,f; sid:3;))"}),
       "abcb"sv, fires({{1, 1}, {3, 2}, {2, 3}})},
      {"toggle",
       rules({R"(alert (content:"a"; flowbits:toggle,f; sid:1;))",
              R"(alert (content:"b"; flowbits:isset,f; sid:2;))"}),
       "abaab"sv, fires({{1, 1}, {2, 2}, {1, 3}, {1, 4}, {2, 5}})},
      {"either of two",
       rules({R"(alert (content:"a"; flowbits:set,f; sid:1;))",
              R"(alert (content:"c"; flowbits:set,g; sid:2;))",
              R"(alert (content:"b"; flowbits:isset,f|g; sid:3;))"}),
       "cb"sv, fires({{2, 1}, {3, 2}})},
      {"both of two",
       rules({R"(alert (content:"a"; flowbits:set,f; sid:1;))",
              R"(alert (content:"c"; flowbits:set,g; sid:2;))",
              R"(alert (content:"b"; flowbits:isset,f; flowbits:isset,g; sid:3;))"}),
       "cbab"sv, fires({{2, 1}, {1, 3}, {3, 3}, {3, 4}})},
      {"a chain at one offset",
       rules({R"(alert (content:"a"; flowbits:isset,g; sid:3;))",
              R"(alert (content:"a"; flowbits:isset,f; flowbits:set,g; sid:2;))",
              R"(alert (content:"a"; flowbits:set,f; sid:1;))"}),
       "a"sv, fires({{1, 1}, {2, 1}, {3, 1}})},
      {"a chain against the order of its rules",
       rules({R"(alert (content:"a"; flowbits:isset,g; flowbits:set,h; sid:1;))",
              R"(alert (content:"a"; flowbits:isset,f; flowbits:set,g; sid:2;))",
              R"(alert (content:"a"; flowbits:set,f; sid:3;))",
              R"(alert (content:"a"; flowbits:isset,h; sid:4;))"}),
       "a"sv, fires({{1, 1}, {2, 1}, {3, 1}, {4, 1}})},
      {"the bytes used before a rule fired do not serve it again",
       rules({R"(alert (content:"a"; flowbits:set,f; sid:1;))",
              R"(alert (content:"b"; flowbits:isset,f; sid:2;))"}),
       "baab"sv, fires({{1, 2}, {2, 2}, {1, 3}, {2, 4}})},
      {"a bit set by the end of the stream",
       rules({R"(alert (content:"a"; endswith; flowbits:set,f; sid:1;))",
              R"(alert (content:"b"; flowbits:isset,f; sid:2;))"}),
       "ba"sv, fires({{1, 2}, {2, 2}})},
  });
}

TEST_CASE("a drop rule does not wait for bytes that a silent sender withholds",
          "[signatures][stream][early]") {
  const auto within = rules({R"(drop (content:"a"; content:!"b"; within:3; sid:1;))"});
  const auto at_end = rules({R"(drop (content:"a"; endswith; sid:1;))"});
  check_all({
      {"the packet ends before the window", within, "axxxx"sv, {{1, 1, true}}, StreamEnd::open, {1, 5}},
      {"the window ends within the packet", within, "axxxx"sv, {{4, 1, false}}, StreamEnd::open, {5}},
      {"the next packet ends the window", within, "xaxxx"sv, {{3, 1, true}}, StreamEnd::open, {3, 5}},
      {"the packet holds what must be absent", within, "axb"sv, {}, StreamEnd::open, {3}},
      {"the next one does, too late", within, "axb"sv, {{1, 1, true}}, StreamEnd::open, {1, 3}},
      {"endswith at the end of a packet", at_end, "xaxx"sv, {{2, 1, true}}, StreamEnd::open, {2, 4}},
      {"endswith within a packet", at_end, "xaxx"sv, {}, StreamEnd::open, {3, 4}},
      {"at the true end nothing is early", at_end, "xa"sv, {{2, 1, false}}, StreamEnd::ended, {2}},
      {"isdataat:!",
       rules({R"(reject (content:"a"; isdataat:!1,relative; sid:1;))"}),
       "xaxx"sv,
       {{2, 1, true}},
       StreamEnd::open,
       {2, 4}},
      {"$", rules({R"(drop (pcre:"/a$/"; sid:1;))"}), "xaxx"sv, {{2, 1, true}}, StreamEnd::open, {2, 4}},
      {"an alert rule waits",
       rules({R"(alert (content:"a"; endswith; sid:1;))"}),
       "xaxx"sv,
       {},
       StreamEnd::open,
       {2, 4}},
      {"nothing is early where nothing is pending",
       rules({R"(drop (content:"a"; content:"b"; within:3; sid:1;))"}),
       "axxb"sv,
       {{4, 1, false}},
       StreamEnd::open,
       {1, 4}},
  });
}

}  // namespace
}  // namespace lockstep::signatures
