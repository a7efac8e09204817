#include "signatures/rule_set.hpp"

#include <map>

#include "signatures/fast_literal.hpp"
#include "signatures/rule_set_parts.hpp"
#include "tests/signatures/matching.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep::signatures;

namespace {

class Kept final : public DatabaseCache {
 public:
  std::map<std::string, std::vector<char>> entries;
  std::optional<std::vector<char>> load(const std::string& key) override {
    const auto entry = entries.find(key);
    return entry == entries.end() ? std::nullopt : std::optional(entry->second);
  }
  void store(const std::string& key, std::span<const char> bytes) override {
    entries[key].assign(bytes.begin(), bytes.end());
  }
};

std::string literal_of(std::vector<PayloadOption> payload) {
  const Rule rule = make_rule(1, std::move(payload));
  CompiledRule compiled = compile_rule(rule).value();
  choose_literal(rule, compiled);
  if (!compiled.literal) return {};
  return {compiled.literal->bytes.begin(), compiled.literal->bytes.end()};
}

Address v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  Address address;
  address.bytes = {a, b, c, d};
  return address;
}

}  // namespace

TEST_CASE("the literal is the longest content that is not noise", "[signatures][fast_pattern]") {
  CHECK(literal_of({content("abc"), content("evil-word")}) == "evil-word");
  CHECK(literal_of({content("User-Agent: "), content("evil")}) == "evil");
  CHECK(literal_of({content("longer-one"), content("evil", {.fast_pattern = FastPattern::whole})}) == "evil");
  CHECK(literal_of({content("longer-one"), content("ev", {.fast_pattern = FastPattern::only})}) ==
        "longer-one");
  CHECK(literal_of({content("Mixed-Case",
                            {.fast_pattern = FastPattern::chop, .chop_offset = 2, .chop_length = 5})}) ==
        "xed-c");
  CHECK(literal_of({absent("never-this"), content("evil")}) == "evil");
  CHECK(literal_of({absent("never-this")}).empty());
}

TEST_CASE("a set names the rules that have nothing to look for", "[signatures][ruleset]") {
  const auto set =
      RuleSet::compile({make_rule(1, {pcre("a[bc]d")}), make_rule(2, {content("evil")})}, {}, {}).value();
  REQUIRE(set->report().expensive.size() == 1);
  CHECK(set->rule(set->report().expensive[0]).id.sid == 1);
}

TEST_CASE("every rule that fails to compile is named and nothing is made", "[signatures][ruleset]") {
  const auto set = RuleSet::compile(
      {make_rule(1, {pcre("a(b")}), make_rule(2, {content("x")}), make_rule(3, {pcre("[")})}, {}, {});
  REQUIRE_FALSE(set.has_value());
  REQUIRE(set.error().size() == 2);
  CHECK(set.error()[0].id.sid == 1);
  CHECK(set.error()[1].id.sid == 3);
}

TEST_CASE("compiled databases come back from the cache, damaged ones are made again", "[signatures][cache]") {
  Kept kept;
  CompileOptions options;
  options.cache = &kept;
  const std::vector<Rule> rules{make_rule(1, {content("evil-word")})};
  const auto first = RuleSet::compile(rules, {}, options).value();
  CHECK(first->report().databases_from_cache == 0);
  CHECK(kept.entries.size() == first->report().databases);
  const auto second = RuleSet::compile(rules, {}, options).value();
  CHECK(second->report().databases_from_cache == first->report().databases);

  for (auto& [key, bytes] : kept.entries)
    bytes[bytes.size() / 2] = static_cast<char>(~bytes[bytes.size() / 2]);
  const auto third = RuleSet::compile(rules, {}, options).value();
  CHECK(third->report().databases_from_cache == 0);
  for (auto& [key, bytes] : kept.entries) bytes.resize(5);
  Matching matching(rules, options);
  CHECK(matching.feed("an evil-word").ends() == Ends{12});
}

TEST_CASE("a flow that no rule's header admits has no groups", "[signatures][ruleset]") {
  Rule rule = make_rule(1, {content("evil")});
  rule.destination =
      AddressSet::build({{{std::uint8_t{4}, {v4(10, 0, 0, 0).bytes, v4(10, 0, 0, 255).bytes}}}, {}});
  rule.destination_ports = PortSet::build({{80, 80}, {8000, 8080}}, {});
  rule.flow.side = FlowOption::Side::to_server;
  const auto set = RuleSet::compile({rule}, {}, {}).value();
  const auto rules_for = [&](Address server, std::uint16_t port) {
    return set->rules_for({v4(192, 0, 2, 1), server, 50000, port, 6});
  };
  CHECK(rules_for(v4(10, 0, 0, 9), 80).to_server != nullptr);
  CHECK(rules_for(v4(10, 0, 0, 9), 8080).to_server != nullptr);
  CHECK(rules_for(v4(10, 0, 0, 9), 80).to_client == nullptr);
  CHECK(rules_for(v4(10, 0, 0, 9), 81).none());
  CHECK(rules_for(v4(10, 0, 1, 9), 80).none());
}

TEST_CASE("ports beyond the number of groups share one, and still find their rules",
          "[signatures][ruleset]") {
  std::vector<Rule> rules{make_rule(1000, {content("everywhere")})};
  for (std::uint16_t i = 0; i < 40; ++i) {
    const auto first = static_cast<std::uint16_t>(i * 10);
    const auto last = static_cast<std::uint16_t>(first + 9);
    rules.push_back(make_rule(i + 1U, {content("port-" + std::to_string(i) + ";")}));
    rules.back().destination_ports = PortSet::build({{first, last}}, {});
  }
  CompileOptions options;
  options.max_port_groups = 4;
  Matching matching(rules, options);
  CHECK(matching.set->parts().tcp[0].groups.size() == 4);
  for (const std::uint16_t port : std::vector<std::uint16_t>{5, 125, 399, 400, 65535}) {
    matching.packet.destination_port = port;
    matching.group =
        matching.set->rules_for({matching.packet.source, matching.packet.destination, 40000, port, 6})
            .to_server;
    matching.scanner = StreamScanner(*matching.set, matching.group);
    matching.stream.clear();
    matching.matches.clear();
    for (int i = 0; i < 40; ++i) matching.feed("port-" + std::to_string(i) + ";");
    matching.feed("everywhere");
    Matching::Fired expected;
    if (port < 400) expected.emplace_back(port / 10U + 1, 0);
    expected.emplace_back(1000, 0);
    auto fired = matching.fired();
    for (auto& [sid, to] : fired) to = 0;
    CHECK(fired == expected);
  }
}

TEST_CASE("both arrows match a bidirectional rule", "[signatures][ruleset]") {
  Rule rule = make_rule(1, {content("evil")});
  rule.bidirectional = true;
  rule.source_ports = PortSet::build({{80, 80}}, {});
  Matching matching({rule});
  CHECK(matching.feed("evil").ends() == Ends{4});
}

TEST_CASE("a direction costs little and an idle one without rules a few words", "[signatures][memory]") {
  std::vector<Rule> rules;
  for (std::uint32_t i = 0; i < 1000; ++i)
    rules.push_back(make_rule(i + 1, {content("evil-" + std::to_string(i * 7919))}));
  Matching matching(rules);
  CHECK(sizeof(StreamScanner) <= 48);
  CHECK(matching.scanner.heap_bytes() == 0);
  matching.feed("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n");
  CHECK(matching.scanner.waiting() == 0);
  CHECK(matching.scanner.heap_bytes() <= 56 + 130);
}

TEST_CASE("rules that wait are bounded and the last in order gives way", "[signatures][limits]") {
  std::vector<Rule> rules;
  for (std::uint32_t i = 0; i < 400; ++i)
    rules.push_back(make_rule(
        i + 1, {content("[" + std::to_string(100000 + i) + "]"), content("go", {.distance = number(0)})}));
  rules.push_back(make_rule(999, {content("[drop]"), content("go", {.distance = number(0)})}, Action::drop));
  Matching matching(rules);
  std::string flood;
  for (std::uint32_t i = 0; i < 400; ++i) flood += "[" + std::to_string(100000 + i) + "]";
  matching.feed(flood).feed("[drop]").feed(" ");
  CHECK(matching.scanner.waiting() <= StreamScanner::max_pending);
  CHECK(matching.scratch.counters().pending_limit > 0);
  matching.feed("go");
  REQUIRE_FALSE(matching.matches.empty());
  CHECK(matching.matches[0].id.sid == 999);
}

TEST_CASE("backtracking without end is given up, counted and no match", "[signatures][limits]") {
  std::vector<PayloadOption> options;
  for (int i = 0; i < 12; ++i)
    options.emplace_back(content("a", {.distance = number(0), .within = number(60)}));
  options.emplace_back(content("evil", {.distance = number(0)}));
  options.emplace_back(content("!", {.distance = number(0), .within = number(1)}));
  Matching matching({make_rule(1, std::move(options))});
  matching.feed(std::string(2000, 'a') + "evil?");
  CHECK(matching.matches.empty());
  CHECK(matching.scratch.counters().recursion_limit > 0);
}

TEST_CASE("a long chunk is matched across its parts", "[signatures][scanner]") {
  Matching matching({make_rule(1, {content("attack"), content("now", {.distance = number(0)})})});
  std::string stream(StreamScanner::slice - 3, '.');
  stream += "attack";
  stream += std::string(100, '.');
  stream += "now";
  matching.feed(stream);
  CHECK(matching.ends() == Ends{stream.size()});
}
