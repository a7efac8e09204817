// Files that people write, read whole.
#pragma once
#include <string>

#include <tl/expected.hpp>

namespace lockstep {

// The content of a regular file or pipe of at most 1 GiB. The error names the file, what is wrong and the
// remedy.
[[nodiscard]] tl::expected<std::string, std::string> read_text(const std::string& path);

// `path` as seen from the directory of `file`; absolute paths stay.
[[nodiscard]] std::string beside(const std::string& file, const std::string& path);

}  // namespace lockstep
