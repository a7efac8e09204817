#include "engine/control/control_server.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <list>
#include <vector>

#include <fmt/format.h>
#include <grp.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/control/client.hpp"
#include "engine/descriptor.hpp"
#include "engine/unix_address.hpp"
#include "engine/wakeup.hpp"

namespace lockstep {
namespace {

using Steady = std::chrono::steady_clock;

std::string trouble(const std::string& path, const std::string& what) {
  return fmt::format("{}: the control socket can't be made: {}", path, what);
}

tl::expected<gid_t, std::string> group_of(const std::string& name) {
  if (name.empty()) return getegid();
  std::array<char, 16'384> memory{};
  group entry{};
  group* found = nullptr;
  if (getgrnam_r(name.c_str(), &entry, memory.data(), memory.size(), &found) != 0 || found == nullptr)
    return tl::unexpected(fmt::format("there is no group {}", name));
  return entry.gr_gid;
}

Descriptor stream_socket() {
  return Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

// A listening socket, or an error.
tl::expected<Descriptor, std::string> listen_at(const std::string& path, gid_t group) {
  const auto failed = [](const std::string& why) { return tl::unexpected(why); };
  const auto address = unix_address(path);
  if (path.empty() || !address) return failed("its path is empty or too long");
  Descriptor socket = stream_socket();
  if (!socket) return failed(std::strerror(errno));
  struct stat there {};
  if (::lstat(path.c_str(), &there) == 0) {
    if (!S_ISSOCK(there.st_mode)) return failed("something else is there");
    const Descriptor probe = stream_socket();
    const bool served = ::connect(probe.get(), generic(*address), sizeof *address) == 0 || errno == EAGAIN;
    if (served) return failed("another engine serves it; name another path by control.socket");
    ::unlink(path.c_str());
  }
  // The mode that it is born with, so that there is no moment in which others get in.
  if (::fchmod(socket.get(), 0660) != 0 || ::bind(socket.get(), generic(*address), sizeof *address) != 0 ||
      ::chmod(path.c_str(), 0660) != 0 || ::chown(path.c_str(), static_cast<uid_t>(-1), group) != 0 ||
      ::listen(socket.get(), 16) != 0)
    return failed(std::strerror(errno));
  return socket;
}

class Peer {
 public:
  explicit Peer(int file) : file_(file) {
    socklen_t size = sizeof credentials_;
    known_ = ::getsockopt(file, SOL_SOCKET, SO_PEERCRED, &credentials_, &size) == 0;
  }
  [[nodiscard]] bool may(gid_t group) const {
    if (!known_) return false;
    if (credentials_.uid == 0 || credentials_.uid == geteuid() || credentials_.gid == group) return true;
    std::array<gid_t, 1024> groups{};
    socklen_t size = sizeof groups;
    if (::getsockopt(file_, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) return false;
    const auto end = groups.begin() + static_cast<std::ptrdiff_t>(size / sizeof(gid_t));
    return std::find(groups.begin(), end, group) != end;
  }
  [[nodiscard]] std::string text() const {
    return fmt::format("uid {}, pid {}", credentials_.uid, credentials_.pid);
  }

 private:
  int file_;
  ucred credentials_{};
  bool known_ = false;
};

}  // namespace

class ControlServer::Loop {
 public:
  Loop(ControlSocket socket, ControlTarget& target, std::chrono::milliseconds patience)
      : socket_(std::move(socket)), target_(&target), patience_(patience) {}

  void run() {
    while (!ending_.load()) turn();
  }
  void end() {
    ending_.store(true);
    wake_.wake();
  }

 private:
  struct Connection {
    Descriptor file;
    ControlClient client;
    Steady::time_point since = Steady::now();
    bool gone = false;
  };

  void turn() {
    std::vector<pollfd> files{wake_.file()};
    const bool room = connections_.size() < most_clients;
    files.push_back({room ? socket_.file() : -1, POLLIN, 0});
    bool busy = false;
    for (Connection& connection : connections_) {
      short events = connection.client.busy() || connection.client.finished() ? 0 : POLLIN;
      if (!connection.client.out().empty()) events |= POLLOUT;
      files.push_back({connection.file.get(), events, 0});
      busy = busy || connection.client.busy();
    }
    constexpr int look_again = 20, idle = 1000;  // milliseconds
    if (::poll(files.data(), files.size(), busy ? look_again : idle) < 0) return;
    std::size_t at = 2;
    for (Connection& connection : connections_) serve(connection, files[at++].revents);
    if ((files[1].revents & POLLIN) != 0) accept();
    connections_.remove_if([](const Connection& connection) { return connection.gone; });
  }

  void serve(Connection& connection, short events) {
    ControlClient& client = connection.client;
    if ((events & POLLIN) != 0) {
      std::array<char, 16'384> bytes{};
      const ssize_t count = ::recv(connection.file.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
      if (count > 0) client.feed({bytes.data(), static_cast<std::size_t>(count)});
      connection.gone = count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR);
    } else if ((events & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
      connection.gone = true;
    }
    if (connection.gone) return;
    client.work();
    std::string& out = client.out();
    if (!out.empty()) {
      const ssize_t count =
          ::send(connection.file.get(), out.data(), out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count > 0) out.erase(0, static_cast<std::size_t>(count));
      if (count < 0 && errno != EAGAIN && errno != EINTR) connection.gone = true;
    }
    const bool silent = !client.greeted() && Steady::now() - connection.since > patience_;
    if ((client.finished() && out.empty()) || out.size() > most_unsent || silent) connection.gone = true;
  }

  void accept() {
    Descriptor file(::accept4(socket_.file(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!file) return;
    const Peer peer(file.get());
    if (!peer.may(socket_.group())) {
      spdlog::warn(fmt::format("control: {}: refused", peer.text()));
      return;
    }
    connections_.push_back({std::move(file), ControlClient(*target_, peer.text())});
  }

  ControlSocket socket_;
  Wakeup wake_;
  ControlTarget* target_;
  std::chrono::milliseconds patience_;
  std::list<Connection> connections_;
  std::atomic<bool> ending_{false};
};

tl::expected<ControlSocket, std::string> ControlSocket::make(const ControlSettings& settings) {
  const auto group = group_of(settings.group);
  if (!group) return tl::unexpected(trouble(settings.socket, group.error()));
  auto listening = listen_at(settings.socket, *group);
  if (!listening) return tl::unexpected(trouble(settings.socket, listening.error()));
  return ControlSocket(settings.socket, *group, std::move(*listening));
}

ControlSocket::~ControlSocket() {
  if (file_) ::unlink(path_.c_str());
}

ControlServer::ControlServer(ControlSocket socket, ControlTarget& target, std::chrono::milliseconds patience)
    : loop_(std::make_unique<Loop>(std::move(socket), target, patience)), thread_([this] { loop_->run(); }) {}

ControlServer::~ControlServer() {
  loop_->end();
  thread_.join();
}

}  // namespace lockstep
