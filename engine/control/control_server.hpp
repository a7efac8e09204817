// The control socket: a thread of its own that serves clients by poll() and waits for none of them. The
// protocol is that of Suricata's command socket: JSON objects, the first of which names the protocol's
// version.
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

namespace lockstep {

class ControlServer {
 public:
  static constexpr std::size_t most_clients = 32;
  static constexpr std::size_t most_unsent = 16U << 20U;

  // Makes the socket, in place of one that nobody serves any more. The error says what is wrong and the
  // remedy. The target must outlive the server.
  [[nodiscard]] static tl::expected<std::unique_ptr<ControlServer>, std::string> open(
      const ControlSettings& settings, ControlTarget& target,
      std::chrono::milliseconds patience = std::chrono::seconds(10));
  // Whether open() could make the socket; it is made and removed. The error is that of open().
  [[nodiscard]] static tl::expected<void, std::string> check(const ControlSettings& settings);
  // Removes the socket; answers under way are lost.
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  class Loop;
  explicit ControlServer(std::unique_ptr<Loop> loop);
  std::unique_ptr<Loop> loop_;
  std::thread thread_;
};

}  // namespace lockstep
