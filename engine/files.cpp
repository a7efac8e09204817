#include "engine/files.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <sys/stat.h>

namespace lockstep {
namespace {

std::string remedy(int error) {
  switch (error) {
    case ENOENT:
      return "; check the path";
    case EACCES:
      return "; check the permissions of the file and its directories";
    case EISDIR:
      return "; name a file in it";
    default:
      return {};
  }
}

auto failure(const std::string& path, int error) {
  return tl::unexpected(fmt::format("{}: can't be read: {}{}", path, std::strerror(error), remedy(error)));
}

}  // namespace

tl::expected<std::string, std::string> read_text(const std::string& path) {
  constexpr std::size_t limit = 1ULL << 30;
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return failure(path, errno);
  if (S_ISDIR(status.st_mode)) return failure(path, EISDIR);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), std::fclose);
  if (!file) return failure(path, errno);
  std::string text;
  if (status.st_size > 0 && static_cast<std::size_t>(status.st_size) <= limit) {
    text.reserve(static_cast<std::size_t>(status.st_size));
  }
  std::array<char, 65'536> block;
  for (;;) {
    const std::size_t got = std::fread(block.data(), 1, block.size(), file.get());
    if (got == 0) break;
    if (text.size() + got > limit)
      return tl::unexpected(fmt::format("{}: is larger than 1 GiB; split it", path));
    text.append(block.data(), got);
  }
  if (std::ferror(file.get()) != 0) return failure(path, errno);
  return text;
}

std::string beside(const std::string& file, const std::string& path) {
  const std::filesystem::path target(path);
  if (path.empty() || target.is_absolute()) return path;
  return (std::filesystem::path(file).parent_path() / target).lexically_normal().string();
}

}  // namespace lockstep
