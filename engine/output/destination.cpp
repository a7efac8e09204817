#include "engine/output/destination.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/unix_address.hpp"

namespace lockstep {
namespace {

std::uint64_t count_lines(std::string_view text) {
  return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

class File final : public Destination {
 public:
  explicit File(std::string path) : Destination(std::move(path), true) {}
  int connect() override {
    file_ = Descriptor(::open(name().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
    return file_ ? 0 : errno;
  }

 private:
  std::int64_t put(std::string_view lines) override {
    const ssize_t count = ::write(file_.get(), lines.data(), lines.size());
    return count < 0 ? -errno : count;
  }
};

int connect_to(const std::string& path, int type, Descriptor& file) {
  const auto address = unix_address(path);
  if (!address) return ENAMETOOLONG;
  Descriptor socket(::socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket || ::connect(socket.get(), generic(*address), sizeof *address) != 0) return errno;
  file = std::move(socket);
  return 0;
}

class Stream final : public Destination {
 public:
  explicit Stream(std::string path) : Destination(std::move(path), false) {}

 private:
  int connect() override { return connect_to(name(), SOCK_STREAM, file_); }
  std::int64_t put(std::string_view lines) override {
    const ssize_t count = ::send(file_.get(), lines.data(), lines.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return count < 0 ? -errno : count;
  }
};

// A datagram a line, with `prefix` before it.
class Datagrams final : public Destination {
 public:
  Datagrams(std::string path, std::string prefix)
      : Destination(std::move(path), false), prefix_(std::move(prefix)) {}

 private:
  int connect() override { return connect_to(name(), SOCK_DGRAM, file_); }
  std::int64_t put(std::string_view lines) override {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    text_ = prefix_;
    text_ += line;
    if (::send(file_.get(), text_.data(), text_.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
      return static_cast<std::int64_t>(line.size() + 1);
    if (errno != EMSGSIZE) return -errno;
    lose_line();  // it will never go
    return static_cast<std::int64_t>(line.size() + 1);
  }
  std::string prefix_, text_;
};

}  // namespace

tl::expected<std::unique_ptr<Destination>, std::string> Destination::open(FileType type,
                                                                          const std::string& name) {
  constexpr int local5_info = 21 * 8 + 6;  // RFC 3164 §4.1.1
  std::unique_ptr<Destination> destination;
  switch (type) {
    case FileType::regular: {
      auto file = std::make_unique<File>(name);
      if (const int error = file->connect(); error != 0) {
        return tl::unexpected(
            fmt::format("{}: can't be written: {}; check the log directory and its permissions", name,
                        std::strerror(error)));
      }
      return file;
    }
    case FileType::unix_stream:
      return std::make_unique<Stream>(name);
    case FileType::unix_dgram:
      return std::make_unique<Datagrams>(name, "");
    case FileType::syslog:
      return std::make_unique<Datagrams>(name, fmt::format("<{}>lockstep[{}]: ", local5_info, getpid()));
  }
  return destination;
}

void Destination::reopen() {
  flush();
  if (inside_line_) {  // its beginning stands in what is left behind
    const auto end = backlog_.find('\n');
    backlog_.erase(0, end + 1);
    inside_line_ = false;
    ++lost_;
  }
  file_ = {};
  next_try_ = {};
  // A file is there from now on, also when no line comes for a while.
  if (const int error = at_once_ ? connect() : 0; error != 0) fail(error);
  flush();
}

void Destination::write(std::string_view lines) {
  while (!lines.empty()) {
    const std::size_t room = most_waiting - std::min(most_waiting, backlog_.size());
    if (room == 0) break;
    const std::string_view part = lines.substr(0, lines.find('\n', std::min(room, lines.size()) - 1) + 1);
    backlog_ += part;
    lines.remove_prefix(part.size());
    flush();
  }
  lost_ += count_lines(lines);
  flush();
}

void Destination::flush() {
  if (backlog_.empty() || (failed_ && !at_once_ && std::chrono::steady_clock::now() < next_try_)) return;
  if (!file_) {
    if (const int error = connect(); error != 0) return fail(error);
  }
  std::size_t done = 0;
  while (done < backlog_.size()) {
    const std::int64_t count = put(std::string_view(backlog_).substr(done));
    if (count == -EINTR) continue;
    if (count < 0) {
      backlog_.erase(0, done);
      if (count != -EAGAIN) fail(static_cast<int>(-count));
      return;
    }
    done += static_cast<std::size_t>(count);
    written_ += static_cast<std::uint64_t>(count);
    inside_line_ = done > 0 && backlog_[done - 1] != '\n';
  }
  backlog_.clear();
  if (failed_)
    spdlog::warn(fmt::format("{}: is written again; {} lines were lost", name_, lost_ - lost_before_));
  failed_ = false;
}

void Destination::fail(int error) {
  if (!at_once_) {
    file_ = {};
    if (inside_line_) {  // the next reader begins with a whole line
      backlog_.erase(0, backlog_.find('\n') + 1);
      inside_line_ = false;
      ++lost_;
    }
    next_try_ = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  }
  if (failed_) return;
  failed_ = true;
  lost_before_ = lost_;
  spdlog::error(fmt::format("{}: can't be written: {}; it is tried again", name_, std::strerror(error)));
}

}  // namespace lockstep
