// A real Linux TCP stack to play against, packet by packet: a network namespace of this process's own, a TUN
// device in it whose other end this object holds, and sockets behind it. A packet that is delivered has been
// worked off, answers included, when deliver() returns; only timers (200 ms and more) act by themselves.
// Everything is gone when the process ends. One object a process: the namespace is the process's. Not
// thread-safe.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace lockstep::oracle {

// What listens, and on which port.
// Fast Open with a cookie, or without asking for one.
enum class Service : std::uint16_t { plain = 80, small_window = 81, fast_open = 82, fast_open_cookie = 83 };

// Addresses as text; every other address of the two prefixes, 10.0.0.0/8 and fd00::/64, lies behind the
// device.
struct HostAddress {
  static constexpr const char* v4 = "10.0.0.2";
  static constexpr const char* v6 = "fd00::2";
};

// One socket of the host, and what its application read. Closed at once, by a RST, when it goes.
class HostSocket {
 public:
  HostSocket(int descriptor, std::string peer, std::uint16_t peer_port, std::uint16_t own_port)
      : descriptor_(descriptor), peer_(std::move(peer)), peer_port_(peer_port), own_port_(own_port) {}
  HostSocket(HostSocket&& other) noexcept;
  HostSocket& operator=(HostSocket&& other) = delete;
  ~HostSocket();

  // Takes everything that is there. False: there was nothing new.
  bool read();
  void write(std::string_view text);
  void half_close();
  void keep_urgent_in_line();
  // The application is done; the kernel goes through the closing states.
  void close();

  [[nodiscard]] const std::string& peer() const { return peer_; }
  [[nodiscard]] std::uint16_t peer_port() const { return peer_port_; }
  [[nodiscard]] std::uint16_t own_port() const { return own_port_; }
  [[nodiscard]] const std::string& text() const { return text_; }  // all that was read
  [[nodiscard]] bool ended() const { return ended_; }              // the peer's FIN was read
  [[nodiscard]] int error() const { return error_; }               // errno that ended it, 0: none
  [[nodiscard]] int state() const;                                 // TCP_ESTABLISHED …, 0 if closed
  // Its peer's RST closed it, though the application may not have been told yet.
  [[nodiscard]] bool was_reset() const;

 private:
  int descriptor_;
  std::string peer_;
  std::uint16_t peer_port_;
  std::uint16_t own_port_;
  std::string text_;
  bool ended_ = false;
  bool half_closed_ = false;
  int error_ = 0;
};

class KernelHost {
 public:
  // The error says what is missing: the privilege, or /dev/net/tun.
  [[nodiscard]] static tl::expected<std::unique_ptr<KernelHost>, std::string> make();
  ~KernelHost();
  KernelHost(const KernelHost&) = delete;
  KernelHost& operator=(const KernelHost&) = delete;

  // An IP packet comes in.
  void deliver(std::span<const std::uint8_t> packet);
  // The next packet that the host sent, empty if there is none. Valid until the next call.
  [[nodiscard]] std::span<std::uint8_t> next_packet();

  // Connections that were completed since the last call.
  [[nodiscard]] std::vector<HostSocket> accept();
  // Starts to connect: the SYN is the next packet. Port 0: any.
  [[nodiscard]] std::optional<HostSocket> connect(const std::string& peer, std::uint16_t peer_port,
                                                  bool small_window);

 private:
  KernelHost() = default;
  tl::expected<void, std::string> set_up();
  tl::expected<void, std::string> listen(Service service, bool v6);

  int tun_ = -1;
  std::vector<int> listeners_;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace lockstep::oracle
