#include "engine/reload/rule_watch.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>
#include <fnmatch.h>
#include <glob.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace lockstep {
namespace {

namespace fs = std::filesystem;
using Wanted = std::map<std::string, std::set<std::string>>;

constexpr std::string_view wildcards = "*?[";
constexpr std::uint32_t changes = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE;

std::string directory_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path().string() : ".";
}

// A name that is no pattern, as one.
std::string literally(const std::string& name) {
  std::string pattern;
  for (const char c : name) {
    if (wildcards.find(c) != std::string_view::npos || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern;
}

void add_glob(Wanted& wanted, const fs::path& pattern) {
  glob_t found{};
  if (::glob(directory_of(pattern).c_str(), 0, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i)
      wanted[found.gl_pathv[i]].insert(pattern.filename().string());
  }
  ::globfree(&found);
}

// As rule_files.cpp finds them.
void add(Wanted& wanted, const std::string& name) {
  std::error_code ignored;
  if (name.empty()) return;
  if (fs::is_directory(name, ignored)) {
    wanted[name].insert("*.rules");
  } else if (name.find_first_of(wildcards) != std::string::npos && !fs::exists(name, ignored)) {
    add_glob(wanted, name);
  } else {
    wanted[directory_of(name)].insert(literally(fs::path(name).filename().string()));
  }
}

Wanted wanted_of(const RuleSettings& settings) {
  Wanted wanted;
  for (const std::string& name : settings.files) add(wanted, name);
  // Those that stand beside the first rule file.
  for (auto& [directory, patterns] : wanted) {
    if (settings.classification_file.empty()) patterns.insert("classification.config");
    if (settings.reference_config_file.empty()) patterns.insert("reference.config");
  }
  for (const std::string& name :
       {settings.classification_file, settings.reference_config_file, settings.threshold_file})
    add(wanted, name);
  return wanted;
}

}  // namespace

tl::expected<RuleWatch, std::string> RuleWatch::open() {
  Descriptor file(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!file)
    return tl::unexpected(
        fmt::format("rules.watch: the kernel has no watch left: {}; raise the sysctl "
                    "fs.inotify.max_user_instances",
                    std::strerror(errno)));  // NOLINT(concurrency-mt-unsafe)
  return RuleWatch(std::move(file));
}

void RuleWatch::aim(const RuleSettings& settings) {
  Wanted wanted = wanted_of(settings);
  std::erase_if(directories_, [&](const auto& entry) {
    if (wanted.contains(entry.first)) return false;
    ::inotify_rm_watch(file_.get(), entry.second.number);
    return true;
  });
  for (auto& [path, patterns] : wanted) {
    Directory& directory = directories_[path];
    directory.patterns = std::move(patterns);
    if (directory.number < 0) directory.number = ::inotify_add_watch(file_.get(), path.c_str(), changes);
  }
}

void RuleWatch::take(Time now) {
  alignas(inotify_event) std::array<char, 16'384> bytes{};
  for (;;) {
    const ssize_t count = ::read(file_.get(), bytes.data(), bytes.size());
    if (count <= 0) return;
    for (ssize_t at = 0; at < count;) {
      inotify_event event{};
      std::memcpy(&event, bytes.data() + at, sizeof event);
      const char* name = bytes.data() + at + sizeof event;
      at += static_cast<ssize_t>(sizeof event) + event.len;
      bool concerns = (event.mask & IN_Q_OVERFLOW) != 0;
      for (auto& [path, directory] : directories_) {
        if (directory.number != event.wd) continue;
        if ((event.mask & IN_IGNORED) != 0) directory.number = -1;
        concerns =
            concerns || (event.len > 0 && std::any_of(directory.patterns.begin(), directory.patterns.end(),
                                                      [&](const std::string& pattern) {
                                                        return ::fnmatch(pattern.c_str(), name, 0) == 0;
                                                      }));
      }
      if (!concerns) continue;
      if (!first_) first_ = now;
      last_ = now;
    }
  }
}

bool RuleWatch::changed(Time now) {
  take(now);
  if (!first_ || (now - last_ < quiet && now - *first_ < longest)) return false;
  first_.reset();
  return true;
}

}  // namespace lockstep
