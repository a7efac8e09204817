// The control socket: a thread of its own that serves clients by poll() and waits for none of them. The
// protocol is that of Suricata's command socket: JSON objects, the first of which names the protocol's
// version.
//
//   auto socket = ControlSocket::make(settings.control);
//   ControlServer server(std::move(*socket), target);
//
//   {"version":"0.2"}                                   -> {"return":"OK"}
//   {"command":"iface-stat","arguments":{"iface":"a"}}  -> {"message":{...},"return":"OK"}
//
// Bounds: `most_clients` at once, MessageReader::longest bytes a message, `most_unsent` bytes of answers that
// a client has not read; one command of a client at a time. A client that goes beyond one of these, or sends
// what is no message, is cut off; so is one that has not finished its first message within `patience`. The
// socket has mode 0660, and a client must be root, or run as we do, or be of the group that is named.
#pragma once
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include <tl/expected.hpp>

#include "engine/control/control_target.hpp"
#include "engine/descriptor.hpp"

namespace lockstep {

// The socket, before there is an engine that answers: who connects waits. Move-only; removed with its owner.
class ControlSocket {
 public:
  // In place of one that nobody serves any more. The error says what is wrong and the remedy.
  [[nodiscard]] static tl::expected<ControlSocket, std::string> make(const ControlSettings& settings);
  ControlSocket(ControlSocket&& other) noexcept = default;
  ControlSocket& operator=(ControlSocket&&) = delete;
  ~ControlSocket();

  [[nodiscard]] int file() const { return file_.get(); }
  [[nodiscard]] unsigned group() const { return group_; }

 private:
  ControlSocket(std::string path, unsigned group, Descriptor file)
      : path_(std::move(path)), group_(group), file_(std::move(file)) {}

  std::string path_;
  unsigned group_;
  Descriptor file_;
};

class ControlServer {
 public:
  static constexpr std::size_t most_clients = 32;
  static constexpr std::size_t most_unsent = 16U << 20U;

  // The target must outlive the server.
  ControlServer(ControlSocket socket, ControlTarget& target,
                std::chrono::milliseconds patience = std::chrono::seconds(10));
  // Removes the socket; answers under way are lost.
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
  std::thread thread_;
};

}  // namespace lockstep
