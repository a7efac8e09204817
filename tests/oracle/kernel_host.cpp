#include "tests/oracle/kernel_host.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/oracle/namespace.hpp"
#include "tests/oracle/socket_name.hpp"

namespace lockstep::oracle {
namespace {

constexpr int small_buffer = 4096;

void set(int descriptor, int level, int option, int value) {
  ::setsockopt(descriptor, level, option, &value, sizeof value);
}

// Closing such a socket resets it and forgets it.
void abort_on_close(int descriptor) {
  const linger hard{1, 0};
  ::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

}  // namespace

HostSocket::HostSocket(HostSocket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      peer_(std::move(other.peer_)),
      peer_port_(other.peer_port_),
      own_port_(other.own_port_),
      text_(std::move(other.text_)),
      ended_(other.ended_),
      half_closed_(other.half_closed_),
      error_(other.error_) {}

HostSocket::~HostSocket() {
  if (descriptor_ < 0) return;
  abort_on_close(descriptor_);
  ::close(descriptor_);
}

bool HostSocket::read() {
  if (descriptor_ < 0 || ended_ || error_ != 0) return false;
  std::array<char, 65536> buffer;
  bool any = false;
  while (true) {
    const ssize_t count = ::recv(descriptor_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count > 0) {
      text_.append(buffer.data(), static_cast<std::size_t>(count));
      any = true;
      continue;
    }
    if (count == 0) ended_ = true;
    if (count < 0 && errno != EAGAIN) error_ = errno;
    return any;
  }
}

void HostSocket::write(std::string_view text) {
  if (descriptor_ >= 0)
    static_cast<void>(::send(descriptor_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
}

void HostSocket::half_close() {
  // In SYN-SENT it would be an abort.
  if (descriptor_ < 0 || state() == TCP_SYN_SENT) return;
  ::shutdown(descriptor_, SHUT_WR);
  half_closed_ = true;
}

void HostSocket::keep_urgent_in_line() {
  if (descriptor_ >= 0) set(descriptor_, SOL_SOCKET, SO_OOBINLINE, 1);
}

void HostSocket::close() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

int HostSocket::state() const {
  tcp_info info{};
  socklen_t length = sizeof info;
  if (descriptor_ < 0 || ::getsockopt(descriptor_, IPPROTO_TCP, TCP_INFO, &info, &length) < 0) return 0;
  return info.tcpi_state;
}

// A socket whose application did not end its stream is closed by nothing else. (After a FIN recv() tells of
// its end and not of the RST.)
bool HostSocket::was_reset() const {
  return descriptor_ >= 0 && !half_closed_ && error_ != ECONNREFUSED && state() == TCP_CLOSE;
}

tl::expected<std::unique_ptr<KernelHost>, std::string> KernelHost::make() {
  std::unique_ptr<KernelHost> host(new KernelHost);
  if (auto done = host->set_up(); !done) return tl::unexpected(done.error());
  return host;
}

tl::expected<void, std::string> KernelHost::set_up() {
  auto tun = enter_namespace();
  if (!tun) return tl::unexpected(tun.error());
  tun_ = *tun;
  buffer_.resize(1U << 16U);
  for (const bool v6 : {false, true}) {
    for (const Service service :
         {Service::plain, Service::small_window, Service::fast_open, Service::fast_open_cookie}) {
      if (auto done = listen(service, v6); !done) return done;
    }
  }
  return {};
}

tl::expected<void, std::string> KernelHost::listen(Service service, bool v6) {
  const int descriptor = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  listeners_.push_back(descriptor);
  set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
  if (v6) set(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (service == Service::small_window) set(descriptor, SOL_SOCKET, SO_RCVBUF, small_buffer);
  const bool fast_open = service == Service::fast_open || service == Service::fast_open_cookie;
  if (fast_open) set(descriptor, IPPROTO_TCP, TCP_FASTOPEN, 4096);
  if (service == Service::fast_open) set(descriptor, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1);
  SocketName name =
      SocketName::of(v6 ? HostAddress::v6 : HostAddress::v4, static_cast<std::uint16_t>(service));
  // The kernel takes an IPv6 address up a moment after it was told.
  int bound = ::bind(descriptor, name.raw(), name.length);
  for (int i = 0; i < 2000 && bound < 0 && errno == EADDRNOTAVAIL; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    bound = ::bind(descriptor, name.raw(), name.length);
  }
  if (bound < 0 || ::listen(descriptor, 65536) < 0) {
    return tl::unexpected(std::string("listening: ") +
                          std::strerror(errno));  // NOLINT(concurrency-mt-unsafe)
  }
  return {};
}

KernelHost::~KernelHost() {
  for (const int descriptor : listeners_) ::close(descriptor);
  if (tun_ >= 0) ::close(tun_);
}

void KernelHost::deliver(std::span<const std::uint8_t> packet) {
  // The device refuses what is no IP packet at all; so would the host.
  static_cast<void>(::write(tun_, packet.data(), packet.size()));
}

std::span<std::uint8_t> KernelHost::next_packet() {
  const ssize_t length = ::read(tun_, buffer_.data(), buffer_.size());
  return std::span(buffer_).first(length > 0 ? static_cast<std::size_t>(length) : 0);
}

std::vector<HostSocket> KernelHost::accept() {
  std::vector<HostSocket> out;
  for (const int listener : listeners_) {
    while (true) {
      SocketName peer;
      const int descriptor = ::accept4(listener, peer.raw(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (descriptor < 0) break;
      SocketName own;
      ::getsockname(descriptor, own.raw(), &own.length);
      out.emplace_back(descriptor, peer.address(), peer.port(), own.port());
    }
  }
  return out;
}

std::optional<HostSocket> KernelHost::connect(const std::string& peer, std::uint16_t peer_port,
                                              bool small_window) {
  const bool v6 = peer.find(':') != std::string::npos;
  const int descriptor = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return std::nullopt;
  if (small_window) set(descriptor, SOL_SOCKET, SO_RCVBUF, small_buffer);
  SocketName name = SocketName::of(peer, peer_port);
  if (::connect(descriptor, name.raw(), name.length) < 0 && errno != EINPROGRESS) {
    ::close(descriptor);
    return std::nullopt;
  }
  SocketName own;
  ::getsockname(descriptor, own.raw(), &own.length);
  return HostSocket(descriptor, peer, peer_port, own.port());
}

}  // namespace lockstep::oracle
