#include "engine/ports/afxdp/socket.hpp"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/socket.h>

namespace lockstep::afxdp {
namespace {

std::string reason(int error) {
  return std::strerror(error);  // NOLINT(concurrency-mt-unsafe)
}

}  // namespace

tl::expected<std::shared_ptr<Memory>, std::string> Memory::make(std::size_t chunks, std::uint32_t chunk) {
  const std::size_t size = chunks * chunk;
  void* bytes = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (bytes == MAP_FAILED)
    return tl::unexpected(fmt::format("{} MiB for packets: {}", size >> 20U, reason(errno)));
  return std::shared_ptr<Memory>(new Memory(static_cast<std::uint8_t*>(bytes), size, chunk));
}

Memory::~Memory() {
  if (registered_ != nullptr) xsk_umem__delete(registered_);
  ::munmap(bytes_, size_);
}

tl::expected<std::unique_ptr<Socket>, std::string> Socket::open(std::shared_ptr<Memory> memory,
                                                                const std::string& interface,
                                                                std::uint32_t queue, const BindWish& wish) {
  std::unique_ptr<Socket> socket(new Socket(std::move(memory), interface, queue));
  if (auto bound = socket->bind(wish); !bound) return tl::unexpected(bound.error());
  return socket;
}

tl::expected<void, std::string> Socket::bind(const BindWish& wish) {
  if (memory_->registered_ == nullptr) {
    const xsk_umem_config config{.fill_size = ring_entries,
                                 .comp_size = transmit_entries,
                                 .frame_size = memory_->chunk_,
                                 .frame_headroom = 0,
                                 .flags = 0};
    const int error = xsk_umem__create(&memory_->registered_, memory_->bytes_, memory_->size_, &fill_,
                                       &completions_, &config);
    if (error != 0)
      return tl::unexpected(
          fmt::format("{} MiB shared with the kernel: {}", memory_->size_ >> 20U, reason(-error)));
  }
  xsk_socket_config config{};
  config.rx_size = ring_entries;
  config.tx_size = transmit_entries;
  config.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD;
  config.bind_flags = static_cast<std::uint16_t>(
      XDP_USE_NEED_WAKEUP | (wish.zero_copy ? XDP_ZEROCOPY : XDP_COPY) | (wish.frags ? use_sg : 0));
  const int error = xsk_socket__create_shared(&socket_, interface_.c_str(), queue_, memory_->registered_,
                                              &received_, &transmit_, &fill_, &completions_, &config);
  if (error != 0)
    return tl::unexpected(
        fmt::format("{}, queue {}: an AF_XDP socket: {}", interface_, queue_, reason(-error)));
  // More packets a system call; older kernels send 32.
  const int budget = 256;
  static_cast<void>(::setsockopt(descriptor(), SOL_XDP, max_tx_budget, &budget, sizeof budget));
  return {};
}

Socket::~Socket() {
  if (socket_ != nullptr) xsk_socket__delete(socket_);
}

bool Socket::zero_copy() const {
  xdp_options options{};
  socklen_t size = sizeof options;
  return ::getsockopt(descriptor(), SOL_XDP, XDP_OPTIONS, &options, &size) == 0 &&
         (options.flags & XDP_OPTIONS_ZEROCOPY) != 0;
}

SocketLosses Socket::losses() const {
  xdp_statistics statistics{};
  socklen_t size = sizeof statistics;
  if (::getsockopt(descriptor(), SOL_XDP, XDP_STATISTICS, &statistics, &size) != 0) return {};
  return {.ring_full = statistics.rx_dropped + statistics.rx_ring_full,
          .invalid = statistics.tx_invalid_descs};
}

std::size_t Socket::fill(std::span<const Address> chunks) {
  const auto count = static_cast<std::uint32_t>(std::min(chunks.size(), fill_room()));
  std::uint32_t at = 0;
  if (count == 0 || xsk_ring_prod__reserve(&fill_, count, &at) != count) return 0;
  for (std::uint32_t i = 0; i < count; ++i) *xsk_ring_prod__fill_addr(&fill_, at + i) = chunks[i];
  xsk_ring_prod__submit(&fill_, count);
  // A driver that found the ring empty waits to be told, in zero-copy mode.
  if (xsk_ring_prod__needs_wakeup(&fill_) != 0)
    static_cast<void>(::recvfrom(descriptor(), nullptr, 0, MSG_DONTWAIT, nullptr, nullptr));
  return count;
}

void Socket::take(std::size_t count) {
  received_.cached_cons += static_cast<std::uint32_t>(count);
  xsk_ring_cons__release(&received_, static_cast<std::uint32_t>(count));
}

void Socket::transmit(const xdp_desc& descriptor) {
  std::uint32_t at = 0;
  if (xsk_ring_prod__reserve(&transmit_, 1, &at) != 1) return;
  *xsk_ring_prod__tx_desc(&transmit_, at) = descriptor;
  ++queued_;
}

bool Socket::kick() {
  if (queued_ > 0) {
    xsk_ring_prod__submit(&transmit_, queued_);
    transmitted_ += std::exchange(queued_, 0);
  }
  const auto left = [this] {
    return *transmit_.producer - __atomic_load_n(transmit_.consumer, __ATOMIC_ACQUIRE);
  };
  // In copy mode a call sends a budget of packets, while the interface takes them; in zero-copy mode it wakes
  // the driver.
  std::uint32_t before = left() + 1;
  for (std::uint32_t now = left(); now != 0 && now != before && xsk_ring_prod__needs_wakeup(&transmit_) != 0;
       now = left()) {
    before = now;
    static_cast<void>(::sendto(descriptor(), nullptr, 0, MSG_DONTWAIT, nullptr, 0));
  }
  return left() == 0;
}

std::size_t Socket::completed(std::span<Address> chunks) {
  std::uint32_t at = 0;
  const std::uint32_t count =
      xsk_ring_cons__peek(&completions_, static_cast<std::uint32_t>(chunks.size()), &at);
  if (count == 0) return 0;
  for (std::uint32_t i = 0; i < count; ++i)
    chunks[i] = memory_->chunk_of(*xsk_ring_cons__comp_addr(&completions_, at + i));
  xsk_ring_cons__release(&completions_, count);
  done_ += count;
  return count;
}

}  // namespace lockstep::afxdp
