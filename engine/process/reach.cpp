#include "engine/process/reach.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

namespace lockstep {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 7> of_the_system{"/",    "/etc", "/root", "/home",
                                                        "/usr", "/var", "/run"};

bool is_of_the_system(const fs::path& directory) {
  return std::find(of_the_system.begin(), of_the_system.end(), directory.string()) != of_the_system.end();
}

bool is_pattern(const std::string& name) {
  return name.find_first_of("*?[") != std::string::npos;
}

fs::path real_path(const fs::path& path) {
  std::error_code error;
  return fs::weakly_canonical(fs::absolute(path, error), error);
}

void add_file(const fs::path& path, std::vector<std::string>& out) {
  const auto add = [&](const fs::path& file) {
    out.push_back((is_of_the_system(file.parent_path()) ? file : file.parent_path()).string());
  };
  std::error_code error;
  const fs::path target = real_path(path);
  const fs::path beside = real_path(path.parent_path().empty() ? "." : path.parent_path());
  add(target);
  if (target.parent_path() != beside) add(beside / path.filename());
}

void add_directory(const fs::path& path, std::vector<std::string>& out) {
  out.push_back(real_path(path).string());
  std::error_code error;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_symlink(ignored)) add_file(entry->path(), out);
  }
}

// The part of a glob that has no wildcards.
fs::path fixed_part(const fs::path& pattern) {
  fs::path fixed;
  for (const fs::path& part : pattern.parent_path()) {
    if (is_pattern(part.string())) break;
    fixed /= part;
  }
  return fixed.empty() ? "." : fixed;
}

bool holds(const fs::path& directory, const fs::path& path) {
  return std::mismatch(directory.begin(), directory.end(), path.begin(), path.end()).first == directory.end();
}

// Names of logs may be paths, out of the log directory too.
std::vector<std::string> log_directories(const OutputSettings& outputs) {
  if (outputs.log_dir.empty()) return {};
  std::vector<std::string> directories{outputs.log_dir};
  for (const std::string& name : {outputs.eve.filename, outputs.fast.filename})
    directories.push_back((fs::path(outputs.log_dir) / name).parent_path().string());
  return directories;
}

void add_all(std::string_view key, const std::vector<std::string>& names, std::vector<NamedPath>& out) {
  for (const std::string& name : names)
    if (!name.empty()) out.push_back({key, name});
}

}  // namespace

std::vector<NamedPath> read_by_reload(const Settings& settings) {
  std::vector<NamedPath> names;
  add_all("rules.files", settings.rules.files, names);
  add_all("rules.classification-file", {settings.rules.classification_file}, names);
  add_all("rules.reference-config-file", {settings.rules.reference_config_file}, names);
  add_all("rules.threshold-file", {settings.rules.threshold_file}, names);
  add_all("wire.block-files", settings.wire.block_files, names);
  add_all("wire.allow-files", settings.wire.allow_files, names);
  return names;
}

std::vector<std::string> directories_of(const std::string& name) {
  std::vector<std::string> out;
  std::error_code ignored;
  if (fs::is_directory(name, ignored)) {
    add_directory(name, out);
  } else if (is_pattern(name) && !fs::exists(name, ignored)) {
    add_directory(fixed_part(name), out);
  } else {
    add_file(name, out);
  }
  return out;
}

std::vector<PathGrant> written_by_run(const Settings& settings) {
  using Access = PathGrant::Access;
  std::vector<PathGrant> grants{{settings.wire.run_dir, Access::write},
                                {settings.wire.pin_dir, Access::remove}};
  if (!settings.rules.cache.empty()) grants.push_back({settings.rules.cache, Access::write});
  for (const std::string& directory : log_directories(settings.outputs))
    grants.push_back({directory, Access::write});
  if (!settings.control.socket.empty())
    grants.push_back({real_path(settings.control.socket).parent_path().string(), Access::remove});
  return grants;
}

std::vector<NamedPath> beyond(const std::vector<std::string>& granted, const std::vector<NamedPath>& names) {
  std::vector<NamedPath> out;
  for (const NamedPath& name : names) {
    const auto needed = directories_of(name.path);
    const bool held = std::all_of(needed.begin(), needed.end(), [&](const std::string& path) {
      return std::any_of(granted.begin(), granted.end(),
                         [&](const std::string& directory) { return holds(directory, path); });
    });
    if (!held) out.push_back(name);
  }
  return out;
}

}  // namespace lockstep
