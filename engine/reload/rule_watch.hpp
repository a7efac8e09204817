// Tells when rule files change: inotify on the directories in which they stand, so that a file that is
// written anew, renamed into its place, added or removed is seen. One thread.
//
//   auto watch = RuleWatch::open();
//   watch->aim(settings.rules);
//   poll(watch->file()) ...; if (watch->changed(now)) reload();
#pragma once
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>

#include <tl/expected.hpp>

#include "engine/descriptor.hpp"
#include "engine/settings.hpp"

namespace lockstep {

class RuleWatch {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // Changes that follow each other closely are one; so many that go on for long are told all the same.
  static constexpr std::chrono::milliseconds quiet{300}, longest{3000};

  [[nodiscard]] static tl::expected<RuleWatch, std::string> open();

  // What is watched from now on: the rule files, and those read beside them. Directories that are not there
  // are passed over; call it again now and then.
  void aim(const RuleSettings& settings);
  [[nodiscard]] int file() const { return file_.get(); }
  // Takes what the kernel has told. True, once: something has changed, and it is quiet now.
  [[nodiscard]] bool changed(Time now);
  // A change was seen, and changed() is to be asked again soon.
  [[nodiscard]] bool waiting() const { return first_.has_value(); }

 private:
  explicit RuleWatch(Descriptor file) : file_(std::move(file)) {}
  void take(Time now);

  using Patterns = std::set<std::string>;  // of names
  struct Directory {
    int number = -1;  // the kernel's
    Patterns patterns;
  };
  Descriptor file_;
  std::map<std::string, Directory> directories_;
  std::optional<Time> first_;
  Time last_{};
};

}  // namespace lockstep
