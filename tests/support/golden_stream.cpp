#include "tests/support/golden_stream.hpp"

#include <algorithm>
#include <numeric>

#include "signatures/parser.hpp"
#include "tests/support/catch.hpp"

namespace lockstep::signatures {
namespace {

std::vector<std::uint64_t> a_byte_each(std::size_t length) {
  std::vector<std::uint64_t> ends(length);
  std::iota(ends.begin(), ends.end(), std::uint64_t{1});
  return ends;
}

void check_cut(const ParsedForTest& parsed, const StreamInput& input, std::vector<StreamFire> wanted,
               std::uint32_t window) {
  std::sort(wanted.begin(), wanted.end());
  CHECK("reference" + to_string(expected(parsed.rules, input, window)) == "reference" + to_string(wanted));
  const auto set = compiled(parsed.rules, parsed.names, window);
  CHECK("scanner" + to_string(scanned(*set, input)) == "scanner" + to_string(wanted));
}

StreamInput input_of(std::string_view stream, StreamEnd end) {
  StreamInput input;
  input.bytes.assign(stream.begin(), stream.end());
  input.ended = end == StreamEnd::ended;
  return input;
}

}  // namespace

ParsedForTest rules_of(const std::string& text) {
  RuleParser parser{ParserSettings{}};
  parser.parse("golden.rules", text);
  auto parsed = std::move(parser).finish();
  INFO(text);
  REQUIRE(parsed.rules.size() == static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')));
  return {std::move(parsed.rules), std::move(parsed.names)};
}

void check(const Golden& golden) {
  INFO(golden.means);
  INFO(golden.options);
  const auto parsed = rules_of(std::string("alert tcp-stream any any -> any any (msg:\"golden\"; ") +
                               golden.options + " sid:1;)\n");
  std::vector<StreamFire> wanted;
  for (const auto end : golden.ends) wanted.push_back({.end = end, .sid = 1});
  auto input = input_of(golden.stream, golden.end);
  for (const bool end_apart : {false, true}) {
    input.end_apart = end_apart;
    input.packet_ends = {input.bytes.size()};
    check_cut(parsed, input, wanted, golden.window);
    input.packet_ends = a_byte_each(input.bytes.size());
    check_cut(parsed, input, wanted, golden.window);
  }
}

void check(const GoldenSet& golden) {
  INFO(golden.means);
  INFO(golden.rules);
  const auto parsed = rules_of(golden.rules);
  auto input = input_of(golden.stream, golden.end);
  if (!golden.packet_ends.empty()) {
    input.packet_ends = golden.packet_ends;
    check_cut(parsed, input, golden.fires, 8192);
    return;
  }
  input.packet_ends = {input.bytes.size()};
  check_cut(parsed, input, golden.fires, 8192);
  input.packet_ends = a_byte_each(input.bytes.size());
  check_cut(parsed, input, golden.fires, 8192);
}

void check_all(const std::vector<Golden>& goldens) {
  for (const Golden& golden : goldens) check(golden);
}

}  // namespace lockstep::signatures
