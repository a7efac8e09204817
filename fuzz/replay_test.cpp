// Replays a fuzz target's committed corpus through the target's own function.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "tests/support/catch.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

TEST_CASE("the corpus of the " LOCKSTEP_FUZZER " fuzzer replays without harm", "[fuzz]") {
  std::vector<std::filesystem::path> inputs;
  for (const auto& entry : std::filesystem::directory_iterator("fuzz/corpus/" LOCKSTEP_FUZZER)) {
    inputs.push_back(entry.path());
  }
  REQUIRE_FALSE(inputs.empty());
  std::sort(inputs.begin(), inputs.end());
  for (const auto& input : inputs) {
    INFO(input);
    std::ifstream file(input, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    CHECK(LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()) == 0);
  }
}
