#include "engine/rule_files.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>
#include <glob.h>

#include "engine/files.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;
using Paths = tl::expected<std::vector<std::string>, std::string>;

Paths in_directory(const std::string& path) {
  std::vector<std::string> found;
  std::error_code error;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().extension() == ".rules") found.push_back(entry->path().string());
  }
  if (error) return tl::unexpected(fmt::format("{}: can't be read: {}", path, error.message()));
  if (found.empty())
    return tl::unexpected(fmt::format("{}: no *.rules in this directory; check the path", path));
  std::sort(found.begin(), found.end());
  return found;
}

Paths matching(const std::string& pattern) {
  glob_t result{};
  const int code = glob(pattern.c_str(), 0, nullptr, &result);
  std::vector<std::string> found;
  for (std::size_t i = 0; code == 0 && i < result.gl_pathc; ++i) {
    const fs::path path(result.gl_pathv[i]);
    std::error_code ignored;
    if (!fs::is_directory(path, ignored)) found.push_back(path.string());
  }
  globfree(&result);
  if (found.empty()) return tl::unexpected(fmt::format("{}: no file matches; check the path", pattern));
  return found;
}

Paths find(const std::string& name) {
  std::error_code ignored;
  if (fs::is_directory(name, ignored)) return in_directory(name);
  // A file whose very name has a bracket or star in it is meant as it stands.
  if (name.find_first_of("*?[") != std::string::npos && !fs::exists(name, ignored)) return matching(name);
  return std::vector<std::string>{name};
}

class Collector {
 public:
  void add_rules(const std::string& name) {
    const Paths paths = find(name);
    if (!paths) return errors.push_back(paths.error());
    for (const std::string& path : *paths) {
      std::error_code error;
      const fs::path canonical = fs::canonical(path, error);
      if (!error && !seen_.insert(canonical.string()).second) continue;
      if (auto file = read(path)) files.rules.push_back(std::move(*file));
    }
  }

  std::optional<TextFile> read(const std::string& path) {
    auto text = read_text(path);
    if (text) return TextFile{path, std::move(*text)};
    errors.push_back(text.error());
    return std::nullopt;
  }

  // The file that the settings name, or else `standard` beside the first rule file.
  std::optional<TextFile> companion(const std::string& named, const std::string& standard) {
    if (!named.empty()) return read(named);
    if (standard.empty() || files.rules.empty()) return std::nullopt;
    const std::string path = beside(files.rules.front().path, standard);
    std::error_code ignored;
    return fs::exists(path, ignored) ? read(path) : std::nullopt;
  }

  RuleFiles files;
  std::vector<std::string> errors;

 private:
  std::set<std::string> seen_;
};

}  // namespace

tl::expected<RuleFiles, std::vector<std::string>> read_rule_files(const RuleSettings& settings) {
  Collector collector;
  for (const std::string& name : settings.files) collector.add_rules(name);
  RuleFiles& files = collector.files;
  files.classification = collector.companion(settings.classification_file, "classification.config");
  files.reference = collector.companion(settings.reference_config_file, "reference.config");
  files.threshold = collector.companion(settings.threshold_file, {});
  if (!collector.errors.empty()) return tl::unexpected(std::move(collector.errors));
  return std::move(files);
}

}  // namespace lockstep
