// What content, its modifiers and isdataat mean on a stream; each expectation follows by hand from the
// language.
#include "tests/support/catch.hpp"
#include "tests/support/golden_stream.hpp"

namespace lockstep::signatures {
namespace {

using namespace std::string_view_literals;

TEST_CASE("a content is found wherever its bytes stand, case by case", "[signatures][stream][content]") {
  check_all({
      {"it fires at the offset after its last byte", R"(content:"abc";)", "abcx"sv, {3}},
      {"case counts", R"(content:"abc";)", "ABCabc"sv, {6}},
      {"nocase", R"(content:"aBc"; nocase;)", "xAbC"sv, {4}},
      {"nocase leaves other bytes alone", R"(content:"[a"; nocase;)", "{a[A"sv, {4}},
      {"nocase is a matter of one content", R"(content:"a"; nocase; content:"b";)", "AB"sv, {}},
      {"hex between pipes, with and without spaces", R"(content:"|61 62|c|6465|";)", "abcde"sv, {5}},
      {"a zero byte", R"(content:"|00 00|";)", "a\0\0"sv, {3}},
      {"escapes", R"(content:"a\;b\"c\\d\:e";)", "a;b\"c\\d:e"sv, {9}},
      {"fast_pattern changes nothing", R"(content:"abc"; fast_pattern; content:"x";)", "xabc"sv, {4}},
      {"nor does fast_pattern:only", R"(content:"abc"; fast_pattern:only;)", "xabc"sv, {4}},
      {"a chopped fast pattern is verified whole", R"(content:"abcd"; fast_pattern:1,2;)", "xbcxabcd"sv, {8}},
      {"rawbytes changes nothing", R"(content:"abc"; rawbytes;)", "abc"sv, {3}},
  });
}

TEST_CASE("a rule fires once for each offset and starts over behind it", "[signatures][stream]") {
  check_all({
      {"again and again", R"(content:"ab";)", "ababab"sv, {2, 4, 6}},
      {"bytes of one alert serve no other", R"(content:"aa";)", "aaaa"sv, {2, 4}},
      {"no overlap with the last alert", R"(content:"aba";)", "ababa"sv, {3}},
      {"but with what did not fire", R"(content:"aab";)", "aaab"sv, {4}},
      {"two contents in any order", R"(content:"b"; content:"a";)", "ab"sv, {2}},
      {"they may overlap", R"(content:"ab"; content:"ba";)", "aba"sv, {3}},
      {"they may be the same bytes", R"(content:"a"; content:"a";)", "a"sv, {1}},
      {"the rest of a rule waits for its last content", R"(content:"a"; content:"b";)", "aaab"sv, {4}},
      {"nothing on an empty stream", R"(content:"a";)", ""sv, {}},
      {"an open stream fires as well", R"(content:"a";)", "a"sv, {1}, open},
  });
}

TEST_CASE("offset, depth, startswith and endswith count from the ends of the stream",
          "[signatures][stream][content]") {
  check_all({
      {"offset, also after an alert", R"(content:"a"; offset:2;)", "aaaa"sv, {3, 4}},
      {"depth", R"(content:"a"; depth:2;)", "xaaa"sv, {2}},
      {"the whole pattern lies within depth", R"(content:"ab"; depth:2;)", "xab"sv, {}},
      {"depth reaches its last byte", R"(content:"ab"; depth:3;)", "xab"sv, {3}},
      {"depth counts from offset", R"(content:"ab"; offset:1; depth:2;)", "xab"sv, {3}},
      {"whichever is written first", R"(content:"ab"; depth:2; offset:1;)", "xab"sv, {3}},
      {"and no further", R"(content:"ab"; offset:1; depth:2;)", "xxab"sv, {}},
      {"startswith", R"(content:"ab"; startswith;)", "abab"sv, {2}},
      {"startswith elsewhere", R"(content:"ab"; startswith;)", "xab"sv, {}},
      {"endswith waits for the end", R"(content:"ab"; endswith;)", "abxab"sv, {5}},
      {"endswith without an end", R"(content:"ab"; endswith;)", "abxab"sv, {}, open},
      {"endswith in the middle", R"(content:"ab"; endswith;)", "abx"sv, {}},
      {"startswith and endswith: equality", R"(content:"ab"; startswith; endswith;)", "ab"sv, {2}},
      {"more than equal", R"(content:"ab"; startswith; endswith;)", "abb"sv, {}},
      {"endswith within depth", R"(content:"ab"; depth:4; endswith;)", "xxab"sv, {4}},
      {"endswith beyond depth", R"(content:"ab"; depth:4; endswith;)", "abxxab"sv, {}},
      {"endswith and a relative content",
       R"(content:"a"; content:"b"; distance:1; endswith;)",
       "abxb"sv,
       {4}},
  });
}

TEST_CASE("distance and within count from the end of the match before",
          "[signatures][stream][content][relative]") {
  check_all({
      {"distance:0 is behind the match", R"(content:"a"; content:"b"; distance:0;)", "ba"sv, {}},
      {"at once or later", R"(content:"a"; content:"b"; distance:0;)", "bab"sv, {3}},
      {"at least that far", R"(content:"a"; content:"b"; distance:1;)", "ab"sv, {}},
      {"just that far", R"(content:"a"; content:"b"; distance:1;)", "axb"sv, {3}},
      {"within:1", R"(content:"a"; content:"b"; within:1;)", "ab"sv, {2}},
      {"not within:1", R"(content:"a"; content:"b"; within:1;)", "axb"sv, {}},
      {"within counts to the end of the match", R"(content:"a"; content:"bc"; within:3;)", "axbc"sv, {4}},
      {"one too far", R"(content:"a"; content:"bc"; within:3;)", "axxbc"sv, {}},
      {"within counts from distance", R"(content:"a"; content:"b"; distance:2; within:1;)", "axxb"sv, {4}},
      {"before distance", R"(content:"a"; content:"b"; distance:2; within:1;)", "axb"sv, {}},
      {"behind within", R"(content:"a"; content:"b"; distance:2; within:1;)", "axxxb"sv, {}},
      {"negative distance looks back", R"(content:"bc"; content:"a"; distance:-3; within:1;)", "abc"sv, {3}},
      {"and into the match", R"(content:"abc"; content:"cd"; distance:-1;)", "abcd"sv, {4}},
      {"the start of the stream stops it", R"(content:"b"; content:"a"; distance:-9;)", "ab"sv, {2}},
      {"but not its within", R"(content:"b"; content:"a"; distance:-9; within:5;)", "ab"sv, {}},
      {"the last alert stops it", R"(content:"b"; content:"a"; distance:-3; within:1;)", "aabb"sv, {3}},
      {"without a match before, from 0", R"(content:"a"; within:2;)", "xa"sv, {2}},
      {"that is like depth", R"(content:"a"; within:2;)", "xxa"sv, {}},
      {"or like offset", R"(content:"a"; distance:2;)", "aaa"sv, {3}},
      {"an absolute content moves the cursor",
       R"(content:"b"; content:"a"; depth:1; content:"c"; distance:0;)",
       "acb"sv,
       {3}},
      {"a negated one does not", R"(content:"a"; content:!"z"; content:"b"; within:1;)", "ab"sv, {2}},
  });
}

TEST_CASE("every choice of matches is tried", "[signatures][stream][backtracking]") {
  check_all({
      {"the second occurrence", R"(content:"a"; content:"b"; distance:1; within:1;)", "aaxb"sv, {4}},
      {"two levels down",
       R"(content:"a"; content:"b"; within:2; content:"c"; distance:1; within:1;)",
       "ababxc"sv,
       {6}},
      {"overlapping occurrences", R"(content:"aa"; content:"b"; within:1;)", "aaab"sv, {4}},
      {"beside an absolute content",
       R"(content:"a"; content:"x"; depth:1; content:"b"; distance:1; within:1;)",
       "xabab"sv,
       {3}},
      {"for a negation", R"(content:"b"; content:!"a"; within:1;)", "babx"sv, {4}},
      {"for isdataat", R"(content:"a"; isdataat:!2,relative;)", "aaa"sv, {3}},
      {"for a content behind a content that stays",
       R"(content:"k"; content:"="; distance:0; content:"v"; within:1;)",
       "k=k=v"sv,
       {5}},
  });
}

TEST_CASE("a negation is decided when its window is", "[signatures][stream][negation]") {
  check_all({
      {"without a bound: on the bytes so far", R"(content:"b"; content:!"a";)", "ba"sv, {1}},
      {"which hold it", R"(content:"b"; content:!"a";)", "ab"sv, {}},
      {"relative without a bound", R"(content:"b"; content:!"a"; distance:0;)", "ab"sv, {2}},
      {"relative without a bound, present",
       R"(content:"b"; content:!"a"; distance:0; content:"c"; distance:0;)",
       "bac"sv,
       {}},
      {"within: waits", R"(content:"b"; content:!"a"; within:2;)", "bxx"sv, {3}},
      {"within: present in its last byte", R"(content:"b"; content:!"a"; within:2;)", "bxa"sv, {}},
      {"within: just behind", R"(content:"b"; content:!"a"; within:2;)", "bxxa"sv, {3}},
      {"within: open", R"(content:"b"; content:!"a"; within:2;)", "bx"sv, {}, open},
      {"within: ended", R"(content:"b"; content:!"a"; within:2;)", "bx"sv, {2}},
      {"within: only a part of the pattern inside",
       R"(content:"b"; content:!"ac"; within:2;)",
       "bxac"sv,
       {3}},
      {"within: another occurrence is free", R"(content:"b"; content:!"a"; within:2;)", "bab"sv, {3}},
      {"depth: waits", R"(content:!"a"; depth:3; content:"b";)", "bxx"sv, {3}},
      {"depth: present", R"(content:!"a"; depth:3; content:"b";)", "bxa"sv, {}},
      {"depth: stays decided after an alert", R"(content:!"a"; depth:3; content:"b";)", "bxxb"sv, {3, 4}},
      {"startswith", R"(content:!"GET"; startswith; content:"x";)", "xPUT"sv, {3}},
      {"startswith, present", R"(content:!"GET"; startswith; content:"x";)", "GETx"sv, {}},
      {"startswith, too short to tell", R"(content:!"GET"; startswith; content:"x";)", "x"sv, {}, open},
      {"startswith, ended before", R"(content:!"GET"; startswith; content:"x";)", "x"sv, {1}},
      {"endswith: waits for the end", R"(content:"a"; content:!"b"; endswith;)", "abc"sv, {3}},
      {"endswith: open", R"(content:"a"; content:!"b"; endswith;)", "abc"sv, {}, open},
      {"endswith: present", R"(content:"a"; content:!"b"; endswith;)", "ab"sv, {}},
      {"endswith: not at the end of its window",
       R"(content:"a"; content:!"b"; depth:2; endswith;)",
       "abcd"sv,
       {4}},
      {"nocase", R"(content:"x"; content:!"a"; nocase;)", "Ax"sv, {}},
      {"a window before the stream holds nothing",
       R"(content:"b"; content:!"a"; distance:-9; within:5;)",
       "ab"sv,
       {2}},
      {"a negative distance", R"(content:"b"; content:!"a"; distance:-2; within:1;)", "abxb"sv, {4}},
  });
}

TEST_CASE("isdataat counts differently with and without relative", "[signatures][stream][isdataat]") {
  check_all({
      {"absolute: the byte N exists", R"(content:"a"; isdataat:3;)", "a..."sv, {4}},
      {"absolute: it does not", R"(content:"a"; isdataat:3;)", "a.."sv, {}},
      {"relative: N bytes follow", R"(content:"a"; isdataat:3,relative;)", "a..."sv, {4}},
      {"relative: fewer follow", R"(content:"a"; isdataat:3,relative;)", "a.."sv, {}},
      {"relative 0 asks nothing", R"(content:"a"; isdataat:0,relative;)", "a"sv, {1}},
      {"negated relative 0 never holds", R"(content:"a"; isdataat:!0,relative;)", "a"sv, {}},
      {"!1,relative: the match ends the stream", R"(content:"a"; isdataat:!1,relative;)", "axa"sv, {3}},
      {"it does not", R"(content:"a"; isdataat:!1,relative;)", "ax"sv, {}},
      {"nothing says that it ends", R"(content:"a"; isdataat:!1,relative;)", "a"sv, {}, open},
      {"!N: no longer than N", R"(content:"a"; isdataat:!3;)", "abc"sv, {3}},
      {"!N: longer", R"(content:"a"; isdataat:!3;)", "abcd"sv, {}},
  });
}

TEST_CASE("the window bounds how far back a rule looks", "[signatures][stream][window]") {
  check_all({
      {"within it", R"(content:"a"; content:"b";)", "a..............b"sv, {16}, open, 16},
      {"beyond it", R"(content:"a"; content:"b";)", "a...............b"sv, {}, open, 16},
      {"a negation is not forgotten into truth",
       R"(content:!"GET"; startswith; content:"x";)",
       "GET................x"sv,
       {},
       open,
       16},
      {"neither for a bounded relative one",
       R"(content:"b"; content:!"a"; distance:-2; within:1;)",
       "ab..............."sv,
       {},
       open,
       16},
  });
}

}  // namespace
}  // namespace lockstep::signatures
