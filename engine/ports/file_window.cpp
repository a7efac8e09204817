#include "engine/ports/file_window.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lockstep {

FileWindow::FileWindow(FileWindow&& other) noexcept {
  *this = std::move(other);
}

FileWindow& FileWindow::operator=(FileWindow&& other) noexcept {
  std::swap(buffer_, other.buffer_);
  std::swap(file_, other.file_);
  begin_ = other.begin_;
  end_ = other.end_;
  read_ = other.read_;
  return *this;
}

FileWindow::~FileWindow() {
  if (file_ >= 0) ::close(file_);
}

std::optional<FileWindow> FileWindow::open(const std::string& path, std::vector<std::uint8_t> buffer) {
  FileWindow window;
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  window.file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (window.file_ < 0) return std::nullopt;
  window.buffer_ = std::move(buffer);
  window.buffer_.resize(size);
  if (!window.refill()) return std::nullopt;
  return window;
}

bool FileWindow::refill() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  // So little that it is still in a core's second-level cache when it is looked at.
  constexpr std::size_t piece = size / 4;
  const std::size_t before = end_;
  const std::size_t wanted = std::min(before + piece, buffer_.size());
  while (end_ < wanted) {
    const ssize_t got = ::read(file_, buffer_.data() + end_, wanted - end_);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    end_ += static_cast<std::size_t>(got);
    read_ += static_cast<std::uint64_t>(got);
  }
  return end_ > before;
}

}  // namespace lockstep
