#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "tests/support/catch.hpp"
#include "tests/support/rules.hpp"

using namespace lockstep::signatures;
using namespace lockstep::test;

namespace {

Content content_of(std::string_view options) {
  const Rule rule = rule_of(with_options(options));
  const auto* content = first_of<Content>(rule.payload);
  return content != nullptr ? *content : Content{};
}

std::string pattern_of(std::string_view content) {
  const Content found = content_of("content:\"" + std::string(content) + "\";");
  return {found.pattern.begin(), found.pattern.end()};
}

}  // namespace

TEST_CASE("a content's text, hexadecimal and escapes become its bytes", "[signatures][content]") {
  CHECK(pattern_of("GET |2f 41|B") == "GET /AB");
  CHECK(pattern_of("|41 4 2|") == "AB");  // blanks do not part the digits of a byte
  CHECK(pattern_of("a\\;b\\\"c\\\\d\\:e") == "a;b\"c\\d:e");
  CHECK(pattern_of("|00 ff|") == std::string("\x00\xff", 2));
  CHECK(pattern_of("||a") == "a");
  CHECK(content_of("content:!\"a\";").negated);
  CHECK(content_of("content: ! \"a\" ;").negated);
}

TEST_CASE("a faulty content points at its faulty byte", "[signatures][content]") {
  CHECK(outcome(with_options("content:\"a|4g|\";")) ==
        "1:43: between pipes stand pairs of hexadecimal digits");
  CHECK(outcome(with_options("content:\"a|41\";")) == "1:41: this `|` is never closed");
  CHECK(outcome(with_options("content:\"a|4|\";")) == "1:42: an odd number of hexadecimal digits");
  CHECK(outcome(with_options("content:\"a\\n\";")) ==
        "1:41: a backslash stands only before `:`, `;`, `\\` and `\"`");
  CHECK(outcome(with_options("content:\"a\"b\";")) ==
        "1:41: a quote inside a content is written \\\" or |22|");
  CHECK(outcome(with_options("content:\"||\";")) == "1:40: an empty content matches nothing");
  CHECK(outcome(with_options("content:a;")) == "1:39: the value of content stands in quotes");
}

TEST_CASE("modifiers bind to the content before them", "[signatures][content]") {
  const Content placed = content_of("content:\"abc\"; nocase; offset:3; depth:9; endswith; rawbytes;");
  CHECK(placed.nocase);
  CHECK(placed.ends_with);
  CHECK(placed.offset->value == 3);
  CHECK(placed.depth->value == 9);
  const Content relative = content_of("content:\"abc\"; distance:-3; within:9;");
  CHECK(relative.distance->value == -3);
  CHECK(relative.within->value == 9);
  CHECK(relative.relative());
  CHECK(content_of("content:\"abc\"; startswith;").starts_with);
  const Rule rule = rule_of(with_options("content:\"a\"; content:\"b\"; nocase; pkt_data; content:\"c\";"));
  REQUIRE(rule.payload.size() == 3);
  CHECK_FALSE(std::get<Content>(rule.payload[0]).nocase);
  CHECK(std::get<Content>(rule.payload[1]).nocase);
}

TEST_CASE("a modifier without a content before it fails", "[signatures][content]") {
  for (const std::string name : {"nocase", "rawbytes", "startswith", "endswith", "fast_pattern"}) {
    CHECK(outcome(with_options(name + ";")) == "1:31: " + name + " needs a content before it");
  }
  for (const std::string name : {"offset", "depth", "distance", "within"}) {
    CHECK(outcome(with_options(name + ":1;")) == "1:31: " + name + " needs a content before it");
  }
  CHECK(outcome(with_options("content:\"a\"; pkt_data; nocase;")) ==
        "1:54: nocase needs a content before it");
}

TEST_CASE("modifiers that contradict each other fail at the later one", "[signatures][content]") {
  const std::string mixed = "offset and depth can't be combined with distance and within on one content";
  CHECK(outcome(with_options("content:\"ab\"; depth:1;")) ==
        "1:51: depth is smaller than the content, which is 2 bytes long: it could never match");
  CHECK(outcome(with_options("content:\"ab\"; within:1;")) ==
        "1:52: within is smaller than the content, which is 2 bytes long: it could never match");
  CHECK(outcome(with_options("content:\"ab\"; depth:2; depth:3;")) == "1:54: a content has one depth");
  CHECK(outcome(with_options("content:\"ab\"; nocase; nocase;")) == "1:53: a content has one nocase");
  CHECK(outcome(with_options("content:\"ab\"; offset:2; distance:3;")) == "1:55: " + mixed);
  CHECK(outcome(with_options("content:\"ab\"; within:2; depth:3;")) == "1:55: " + mixed);
  CHECK(outcome(with_options("content:\"ab\"; startswith; depth:3;")) ==
        "1:57: depth can't be combined with startswith");
  CHECK(outcome(with_options("content:\"ab\"; startswith; within:3;")) ==
        "1:57: within can't be combined with startswith");
  CHECK(outcome(with_options("content:\"ab\"; offset:0; startswith;")) ==
        "1:55: startswith can't be combined with offset, depth, distance or within");
  CHECK(outcome(with_options("content:\"ab\"; startswith; startswith;")) ==
        "1:57: a content has one startswith");
  CHECK(outcome(with_options("content:\"a\"; offset:65536;")) ==
        "1:51: offset is a number from 0 to 65535 or a variable");
  CHECK(outcome(with_options("content:\"a\"; distance:1048577;")) ==
        "1:53: distance is a number from -1048576 to 1048576 or a variable");
}

TEST_CASE("fast_pattern chooses one content, whole or in part", "[signatures][content][fast_pattern]") {
  CHECK(content_of("content:\"abcd\"; fast_pattern;").fast_pattern == FastPattern::whole);
  CHECK(content_of("content:\"abcd\"; fast_pattern:only;").fast_pattern == FastPattern::only);
  const Content chopped = content_of("content:\"abcd\"; fast_pattern:1,3;");
  CHECK(chopped.fast_pattern == FastPattern::chop);
  CHECK(chopped.chop_offset == 1);
  CHECK(chopped.chop_length == 3);
  CHECK(content_of("content:!\"abcd\"; fast_pattern;").fast_pattern == FastPattern::whole);
  CHECK(outcome(with_options("content:\"a\"; fast_pattern:0,2;")) ==
        "1:57: this part does not lie inside the content, which is 1 bytes long");
  CHECK(outcome(with_options("content:\"a\"; fast_pattern:all;")) ==
        "1:57: fast_pattern takes `only` or `offset,length`");
  CHECK(outcome(with_options("content:\"a\"; fast_pattern; content:\"b\"; fast_pattern;")) ==
        "1:71: a rule has one fast_pattern");
  CHECK(outcome(with_options("content:!\"a\"; fast_pattern; offset:3;")) ==
        "1:41: fast_pattern can't stand on a negated content with offset, depth, distance, within or "
        "startswith");
  CHECK(outcome(with_options("content:\"a\"; fast_pattern:only; distance:3;")) ==
        "1:40: fast_pattern:only can't stand on a content that is negated or placed");
}

TEST_CASE("isdataat reads its number, its sign and its words", "[signatures][isdataat]") {
  const auto isdataat = [](std::string_view options) {
    const Rule rule = rule_of(with_options(options));
    const auto* found = first_of<IsDataAt>(rule.payload);
    return found != nullptr ? *found : IsDataAt{Operand{-1, -1}, false, false};
  };
  CHECK(isdataat("isdataat:10;").at.value == 10);
  const IsDataAt ending = isdataat("isdataat:!1, relative,rawbytes;");
  CHECK((ending.negated && ending.relative && ending.at.value == 1));
  CHECK(isdataat("byte_extract:1,0,n; isdataat:n,relative;").at.variable == 0);
  CHECK(outcome(with_options("isdataat:x;")) == "1:40: the variable `x` is not set before this option");
  CHECK(outcome(with_options("isdataat:1,relativ;")) ==
        "1:42: isdataat takes `relative` and `rawbytes` behind its number");
  CHECK(outcome(with_options("isdataat:65536;")) ==
        "1:40: isdataat is a number from 0 to 65535 or a variable");
}

TEST_CASE("a pcre is compiled with the options that its flags name", "[signatures][pcre]") {
  const auto pcre = [](std::string_view value) {
    const Rule rule = rule_of(with_options("pcre:" + std::string(value) + ";"));
    const auto* found = first_of<Pcre>(rule.payload);
    return found != nullptr ? *found : Pcre{};
  };
  const Pcre plain = pcre("\"/a\\/b(c)/ismxAEG\"");
  CHECK(plain.pattern == "a\\/b(c)");
  CHECK(plain.options == (PCRE2_CASELESS | PCRE2_DOTALL | PCRE2_MULTILINE | PCRE2_EXTENDED | PCRE2_ANCHORED |
                          PCRE2_DOLLAR_ENDONLY | PCRE2_UNGREEDY | PCRE2_NO_AUTO_CAPTURE));
  const Pcre relative = pcre("!\"/a/ROB\"");
  CHECK((relative.negated && relative.relative && relative.override_limit));
  CHECK((pcre("\"/(a)\\1/\"").options & PCRE2_NO_AUTO_CAPTURE) == 0);  // a back-reference needs its group
  CHECK(pcre("\"/a\\;b/\"").pattern == "a\\;b");
  CHECK(pcre("\"/a/b/\"").pattern == "a/b");
}

TEST_CASE("a faulty pcre points at its fault", "[signatures][pcre]") {
  CHECK(outcome(with_options("pcre:\"/a(/\";")) ==
        "1:40: the expression does not compile: missing closing parenthesis");
  CHECK(outcome(with_options("pcre:\"/a/q\";")) == "1:40: `q` is no pcre flag");
  CHECK(outcome(with_options("pcre:\"a\";")) == "1:37: a pcre is written \"/expression/flags\"");
  CHECK(outcome(with_options("pcre:\"/a\";")) == "1:37: the expression's closing `/` is missing");
  CHECK(outcome(with_options("pcre:\"/a\\/\";")) == "1:37: the expression's closing `/` is missing");
  CHECK(outcome(with_options("pcre:\"//\";")) == "1:37: an empty expression matches everything");
}
