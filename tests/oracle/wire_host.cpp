#include "tests/oracle/wire_host.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/oracle/namespace.hpp"
#include "tests/support/packet_builder.hpp"

namespace lockstep::oracle {
namespace {

using Result = tl::expected<void, std::string>;
using std::chrono::steady_clock;

constexpr const char* fence_address = "10.0.255.254";
constexpr std::array<std::uint8_t, 4> fence_bytes{10, 0, 255, 254};
constexpr std::uint16_t closed_port = 9;
constexpr auto patience = std::chrono::seconds(1);

tl::unexpected<std::string> failed(const std::string& what) {
  return tl::unexpected(what + ": " + std::strerror(errno));  // NOLINT(concurrency-mt-unsafe)
}

Result enter(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0 || ::setns(file.get(), CLONE_NEWNET) < 0) return failed(path);
  return {};
}

tl::expected<std::array<std::uint8_t, ETH_ALEN>, std::string> mac_of(const std::string& interface) {
  const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq asked{};
  std::strncpy(asked.ifr_name, interface.c_str(), IFNAMSIZ - 1);
  if (::ioctl(socket.get(), SIOCGIFHWADDR, &asked) < 0) return failed(interface);
  std::array<std::uint8_t, ETH_ALEN> mac{};
  std::memcpy(mac.data(), asked.ifr_hwaddr.sa_data, mac.size());
  return mac;
}

tl::expected<Descriptor, std::string> open_tap(const std::string& interface) {
  Descriptor socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL)));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
  const int on = 1, room = 1 << 24;
  static_cast<void>(::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room));
  if (socket.get() < 0 ||
      ::setsockopt(socket.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) < 0 ||
      ::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0)
    return failed(interface);
  return socket;
}

}  // namespace

tl::expected<std::unique_ptr<WireHost>, std::string> WireHost::make(const WireEnds& ends) {
  std::unique_ptr<WireHost> host(new WireHost);
  if (auto done = host->set_up(ends); !done) return tl::unexpected(done.error());
  return host;
}

Result WireHost::set_up(const WireEnds& ends) {
  buffer_.resize(1U << 17U);
  if (auto entered = enter(ends.peer_namespace); !entered) return entered;
  auto tap = open_tap(ends.peer_interface);
  if (!tap) return tl::unexpected(tap.error());
  socket_ = std::move(*tap);
  const auto own = mac_of(ends.peer_interface);
  if (!own) return tl::unexpected(own.error());
  if (auto entered = enter(ends.host_namespace); !entered) return entered;
  const auto other = mac_of(ends.host_interface);
  if (!other) return tl::unexpected(other.error());
  header_.assign(other->begin(), other->end());
  header_.insert(header_.end(), own->begin(), own->end());
  if (auto done = answer_at_once(); !done) return done;
  return listen_to_all();
}

void WireHost::send(std::span<const std::uint8_t> packet) {
  if (packet.empty()) return;
  const unsigned version = packet[0] >> 4U;
  if (version != 4 && version != 6) return;  // a TUN device refuses it too
  std::vector<std::uint8_t> frame = header_;
  frame.insert(frame.end(), {static_cast<std::uint8_t>(version == 4 ? 0x08 : 0x86),
                             static_cast<std::uint8_t>(version == 4 ? 0x00 : 0xdd)});
  frame.insert(frame.end(), packet.begin(), packet.end());
  static_cast<void>(::send(socket_.get(), frame.data(), frame.size(), 0));
}

void WireHost::deliver(std::span<const std::uint8_t> packet) {
  send(packet);
  fenced_ = false;
}

void WireHost::set_fence() {
  fence_ = fence_ == 65535 ? 1024 : static_cast<std::uint16_t>(fence_ + 1);
  test::PacketSpec spec;
  spec.link = reassembly::LinkType::raw_ip;
  spec.source = fence_address;
  spec.destination = HostAddress::v4;
  spec.source_port = fence_;
  spec.destination_port = closed_port;
  spec.flags = reassembly::TcpFlag::syn;
  send(test::build_packet(spec));
  fenced_ = true;
}

bool WireHost::is_fence(std::span<const std::uint8_t> packet) const {
  constexpr std::size_t addresses = 16, ports = 20;
  return packet.size() >= ports + 4 && packet[0] == 0x45 &&
         std::memcmp(packet.data() + addresses, fence_bytes.data(), fence_bytes.size()) == 0 &&
         (packet[ports + 2] << 8U | packet[ports + 3]) == fence_;
}

// Whatever IP packet is there.
std::span<std::uint8_t> WireHost::receive() {
  while (true) {
    const ssize_t size = ::recv(socket_.get(), buffer_.data(), buffer_.size(), 0);
    if (size < 0) return {};
    if (size <= ETH_HLEN) continue;
    const unsigned type = static_cast<unsigned>(buffer_[12] << 8U | buffer_[13]);
    if (type != ETH_P_IP && type != ETH_P_IPV6) continue;
    return std::span(buffer_).subspan(ETH_HLEN, static_cast<std::size_t>(size) - ETH_HLEN);
  }
}

std::span<std::uint8_t> WireHost::next_packet() {
  if (!fenced_) set_fence();
  const auto until = steady_clock::now() + patience;
  while (steady_clock::now() < until) {
    const auto packet = receive();
    if (packet.empty()) {
      pollfd ready{socket_.get(), POLLIN, 0};
      static_cast<void>(::poll(&ready, 1, 10));
      continue;
    }
    if (!is_fence(packet)) return packet;
    fenced_ = false;
    return {};
  }
  ++lost_fences_;
  fenced_ = false;
  return {};
}

}  // namespace lockstep::oracle
