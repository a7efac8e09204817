// The tests of the tree that carry a row's id as a tag, [H31]: what no conversation with one host
// shows.
#pragma once
#include <map>
#include <string>
#include <vector>

namespace lockstep::evasions {

struct TaggedTest {
  std::string name;
  std::string file;  // relative to the tests
};
using TaggedTests = std::map<std::string, std::vector<TaggedTest>>;  // by id

// Looks into every *.cpp below `directory`.
[[nodiscard]] TaggedTests find_tagged_tests(const std::string& directory);

}  // namespace lockstep::evasions
