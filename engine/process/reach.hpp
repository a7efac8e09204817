// What of the file system a run needs once it is set up: the directories of what its settings name.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "engine/process/landlock.hpp"
#include "engine/settings.hpp"

namespace lockstep {

// A file, directory or glob that the settings name under `key`.
struct NamedPath {
  std::string_view key;
  std::string path;
};

// What a reload reads, as the settings name it.
[[nodiscard]] std::vector<NamedPath> read_by_reload(const Settings& settings);

// What has to be granted so that `name` can be read, also after another file has taken its place by a rename:
// its directory, and where links lead to. Of a file that stands right in a directory of the system (/etc,
// /var) itself alone, and then not one in its place.
[[nodiscard]] std::vector<std::string> directories_of(const std::string& name);

// Directories that the settings name and that are written to; logs, caches and records are made in them.
[[nodiscard]] std::vector<PathGrant> written_by_run(const Settings& settings);

// What `names`, by directories_of(), and nothing in `granted` holds.
[[nodiscard]] std::vector<NamedPath> beyond(const std::vector<std::string>& granted,
                                            const std::vector<NamedPath>& names);

}  // namespace lockstep
