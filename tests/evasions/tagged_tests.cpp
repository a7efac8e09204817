#include "tests/evasions/tagged_tests.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/evasions/row.hpp"

namespace lockstep::evasions {
namespace {

// The next string literal from `at`, or an empty one; `at` moves behind it.
std::string literal(const std::string& text, std::size_t& at) {
  const std::size_t begin = text.find('"', at);
  const std::size_t end = begin == std::string::npos ? begin : text.find('"', begin + 1);
  if (end == std::string::npos) return {};
  at = end + 1;
  return text.substr(begin + 1, end - begin - 1);
}

void look_into(const std::string& text, const std::string& file, TaggedTests& found) {
  static const std::string opening = "TEST_CASE(";
  for (std::size_t at = text.find(opening); at != std::string::npos; at = text.find(opening, at)) {
    at += opening.size();
    const std::string name = literal(text, at);
    const std::string tags = literal(text, at);
    for (std::size_t in = tags.find('['); in != std::string::npos; in = tags.find('[', in + 1)) {
      const std::string tag = tags.substr(in + 1, tags.find(']', in) - in - 1);
      if (is_id(tag)) found[tag].push_back({name, file});
    }
  }
}

}  // namespace

TaggedTests find_tagged_tests(const std::string& directory) {
  TaggedTests found;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.path().extension() == ".cpp") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const auto& path : files) {
    std::ifstream in(path);
    std::stringstream text;
    text << in.rdbuf();
    look_into(text.str(), std::filesystem::relative(path, directory).string(), found);
  }
  return found;
}

}  // namespace lockstep::evasions
