#include "engine/output/log_file.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

namespace lockstep {
namespace {

constexpr std::size_t large = 262'144;

}  // namespace

tl::expected<std::unique_ptr<LogFile>, std::string> LogFile::create(const std::string& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (file < 0) {
    return tl::unexpected(fmt::format("{}: can't be written: {}; check the log directory and its permissions",
                                      path, std::strerror(errno)));
  }
  return std::unique_ptr<LogFile>(new LogFile(path, file));
}

LogFile::LogFile(std::string path, int file) : path_(std::move(path)), file_(file) {
  buffer_.reserve(large + 65'536);
}

LogFile::~LogFile() {
  if (file_ >= 0) static_cast<void>(finish());
}

void LogFile::written(EventType) {
  if (buffer_.size() >= large) flush();
}

bool LogFile::finish() {
  flush();
  if (file_ >= 0 && ::close(file_) != 0) fail(errno);
  file_ = -1;
  return !failed_;
}

void LogFile::flush() {
  std::string_view rest = buffer_;
  while (!rest.empty() && !failed_) {
    const ssize_t count = ::write(file_, rest.data(), rest.size());
    if (count > 0) {
      rest.remove_prefix(static_cast<std::size_t>(count));
    } else if (count < 0 && errno != EINTR) {
      fail(errno);
    }
  }
  buffer_.clear();
}

void LogFile::fail(int error) {
  if (failed_) return;
  failed_ = true;
  spdlog::error(fmt::format("{}: can't be written: {}; later events are lost", path_, std::strerror(error)));
}

}  // namespace lockstep
