// The fuzzer's corpus as an ordinary test, and what it is made of put together at random.
#include <filesystem>
#include <fstream>
#include <sstream>

#include <rapidcheck.h>

#include "tests/support/catch.hpp"
#include "tests/support/rule_parser_input.hpp"

namespace fs = std::filesystem;
using lockstep::test::keeps_promises;

namespace {

std::vector<std::string> corpus() {
  std::vector<std::string> texts;
  for (const auto& entry : fs::directory_iterator("fuzz/corpus/rule_parser")) {
    std::ifstream file(entry.path(), std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    texts.push_back(std::move(text).str());
  }
  return texts;
}

}  // namespace

TEST_CASE("the corpus of the rule parser's fuzzer keeps its promises", "[signatures][parser][fuzz]") {
  const auto texts = corpus();
  REQUIRE(texts.size() >= 5);
  for (const std::string& text : texts) CHECK(keeps_promises(text));
}

TEST_CASE("rules cut and mended at random keep the parser's promises",
          "[signatures][parser][fuzz][property]") {
  const auto texts = corpus();
  CHECK(rc::check([&] {
    std::string text = *rc::gen::elementOf(texts);
    const auto edits = *rc::gen::inRange(1, 8);
    for (int i = 0; i < edits && !text.empty(); ++i) {
      const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
      const auto length = *rc::gen::inRange<std::size_t>(0, 12);
      const std::string piece = *rc::gen::elementOf(std::vector<std::string>{
          "", ";", "\"", "\\", "|", ":", ",", "!", "(", ")", "[", "]", "\n", "$", "-", "9", "\xff"});
      text.replace(at, length, piece);
    }
    RC_ASSERT(keeps_promises(text));
  }));
}
