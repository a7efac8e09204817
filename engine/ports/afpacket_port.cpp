#include "engine/ports/afpacket_port.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <vector>

#include <fmt/format.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/descriptor.hpp"
#include "engine/interface/link.hpp"

namespace lockstep {
namespace {

constexpr std::size_t ring_bytes = 32U << 20;
constexpr std::size_t block_bytes = 1U << 18;
constexpr std::size_t vlan_tag = 4;
constexpr std::size_t batch_frames = 256;                  // that wait to be sent
constexpr std::size_t own_bytes = 256U << 10;              // room for packets of our own, a batch
constexpr auto patience = std::chrono::milliseconds(100);  // with an egress that takes nothing

std::string problem(const std::string& interface, std::string_view what) {
  return fmt::format("{}: {}: {}", interface, what, std::strerror(errno));  // NOLINT(concurrency-mt-unsafe)
}

}  // namespace

// One interface: its socket, the ring of what comes in, the list of what leaves.
class AfpacketPort::End {
 public:
  End(std::string interface, std::uint16_t port) : interface_(std::move(interface)), port_(port) {
    own_.reserve(own_bytes);
  }
  ~End() {
    if (ring_ != nullptr) ::munmap(ring_, ring_bytes);
  }
  End(const End&) = delete;
  End& operator=(const End&) = delete;

  [[nodiscard]] tl::expected<void, std::string> open();
  [[nodiscard]] int socket() const { return socket_.get(); }
  // Frames that came in, into the front of the batch.
  [[nodiscard]] std::size_t receive(std::span<Frame> batch, Timestamp now, std::uint64_t& number,
                                    PortLosses& losses);
  [[nodiscard]] bool waiting() const { return (status_of(next_) & TP_STATUS_USER) != 0; }
  void release();

  void queue(std::span<const std::uint8_t> bytes, bool made);
  void queue_copy(std::span<const std::uint8_t> bytes, bool made);
  [[nodiscard]] bool full() const { return leaving_.size() == batch_frames; }
  [[nodiscard]] bool room(std::size_t bytes) const { return own_.size() + bytes <= own_bytes; }
  void send(PortLosses& losses);
  void count_kernel_losses(PortLosses& losses);
  // After an error of the socket: whether the interface is still there.
  [[nodiscard]] tl::expected<void, std::string> check();

 private:
  [[nodiscard]] std::size_t side() const { return port_ & 1U; }
  [[nodiscard]] tpacket2_hdr& slot(std::size_t index) const {
    const std::size_t block = index / slots_a_block_;
    return *reinterpret_cast<tpacket2_hdr*>(ring_ + block * block_bytes +
                                            (index % slots_a_block_) * slot_bytes_);
  }
  [[nodiscard]] std::uint32_t status_of(std::size_t index) const {
    return std::atomic_ref(slot(index).tp_status).load(std::memory_order_acquire);
  }
  void warn_of_checksums();
  static std::span<std::uint8_t> put_tag_back(tpacket2_hdr& header);

  std::string interface_;
  std::uint16_t port_;
  unsigned index_ = 0;
  Descriptor socket_;
  std::uint8_t* ring_ = nullptr;
  std::size_t slot_bytes_ = 0, slots_a_block_ = 0, slots_ = 0;
  std::size_t next_ = 0;      // the slot that the kernel fills next
  std::size_t released_ = 0;  // slots up to here are the kernel's again
  std::vector<iovec> leaving_;
  std::vector<bool> made_;
  std::vector<mmsghdr> messages_;
  std::vector<std::uint8_t> own_;  // never grows: leaving_ points into it
  bool warned_ = false;
};

tl::expected<void, std::string> AfpacketPort::End::open() {
  const auto link = read_link(interface_);
  if (!link) return tl::unexpected(link.error());
  index_ = link->index;
  socket_ = Descriptor(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_) return tl::unexpected(problem(interface_, "an AF_PACKET socket"));
  const auto option = [&](int name, int value) {
    return ::setsockopt(socket_.get(), SOL_PACKET, name, &value, sizeof value) == 0;
  };
  if (!option(PACKET_VERSION, TPACKET_V2) || !option(PACKET_RESERVE, vlan_tag) ||
      !option(PACKET_IGNORE_OUTGOING, 1))
    return tl::unexpected(problem(interface_, "AF_PACKET options"));
  slot_bytes_ = std::bit_ceil(TPACKET2_HDRLEN + 32 + vlan_tag + ETH_HLEN + 2 * vlan_tag + link->mtu);
  slots_a_block_ = block_bytes / slot_bytes_;
  slots_ = slots_a_block_ * (ring_bytes / block_bytes);
  tpacket_req request{};
  request.tp_block_size = block_bytes;
  request.tp_block_nr = ring_bytes / block_bytes;
  request.tp_frame_size = static_cast<unsigned>(slot_bytes_);
  request.tp_frame_nr = static_cast<unsigned>(slots_);
  if (::setsockopt(socket_.get(), SOL_PACKET, PACKET_RX_RING, &request, sizeof request) < 0)
    return tl::unexpected(problem(interface_, "a ring of 32 MiB"));
  void* ring = ::mmap(nullptr, ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, socket_.get(), 0);
  if (ring == MAP_FAILED) return tl::unexpected(problem(interface_, "the ring"));
  ring_ = static_cast<std::uint8_t*>(ring);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = __builtin_bswap16(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(index_);
  if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0)
    return tl::unexpected(problem(interface_, "bind"));
  leaving_.reserve(batch_frames);
  made_.reserve(batch_frames);
  messages_.resize(batch_frames);
  return {};
}

// The kernel took the outermost tag out of the frame and left room in front of it.
std::span<std::uint8_t> AfpacketPort::End::put_tag_back(tpacket2_hdr& header) {
  auto* frame = reinterpret_cast<std::uint8_t*>(&header) + header.tp_mac;
  if ((header.tp_status & TP_STATUS_VLAN_VALID) == 0) return {frame, header.tp_snaplen};
  constexpr std::size_t addresses = 2 * ETH_ALEN;
  const std::uint16_t protocol =
      (header.tp_status & TP_STATUS_VLAN_TPID_VALID) != 0 ? header.tp_vlan_tpid : ETH_P_8021Q;
  std::memmove(frame - vlan_tag, frame, addresses);
  frame -= vlan_tag;
  frame[addresses] = static_cast<std::uint8_t>(protocol >> 8U);
  frame[addresses + 1] = static_cast<std::uint8_t>(protocol);
  frame[addresses + 2] = static_cast<std::uint8_t>(header.tp_vlan_tci >> 8U);
  frame[addresses + 3] = static_cast<std::uint8_t>(header.tp_vlan_tci);
  return {frame, header.tp_snaplen + vlan_tag};
}

std::size_t AfpacketPort::End::receive(std::span<Frame> batch, Timestamp now, std::uint64_t& number,
                                       PortLosses& losses) {
  std::size_t count = 0;
  while (count < batch.size()) {
    const std::uint32_t status = status_of(next_);
    if ((status & TP_STATUS_USER) == 0) break;
    tpacket2_hdr& header = slot(next_);
    next_ = next_ + 1 == slots_ ? 0 : next_ + 1;
    if (header.tp_snaplen < header.tp_len) {
      losses.received[side()][static_cast<std::size_t>(Reason::frame_too_long)] += {1, header.tp_len};
      continue;
    }
    if ((status & TP_STATUS_CSUMNOTREADY) != 0) warn_of_checksums();
    Frame& frame = batch[count++];
    frame = {};
    frame.bytes = put_tag_back(header);
    frame.wire_length = static_cast<std::uint32_t>(frame.bytes.size());
    frame.time = now;
    frame.number = ++number;
    frame.port = port_;
  }
  return count;
}

void AfpacketPort::End::release() {
  for (; released_ != next_; released_ = released_ + 1 == slots_ ? 0 : released_ + 1)
    std::atomic_ref(slot(released_).tp_status).store(TP_STATUS_KERNEL, std::memory_order_release);
}

void AfpacketPort::End::warn_of_checksums() {
  if (std::exchange(warned_, true)) return;
  spdlog::warn(fmt::format(
      "{}: frames arrive with unfinished checksums and are dropped: ethtool -K PEER tx off, at its other end",
      interface_));
}

void AfpacketPort::End::queue(std::span<const std::uint8_t> bytes, bool made) {
  leaving_.push_back({const_cast<std::uint8_t*>(bytes.data()), bytes.size()});
  made_.push_back(made);
}

void AfpacketPort::End::queue_copy(std::span<const std::uint8_t> bytes, bool made) {
  const std::size_t at = own_.size();
  own_.insert(own_.end(), bytes.begin(), bytes.end());
  queue({own_.data() + at, bytes.size()}, made);
}

void AfpacketPort::End::send(PortLosses& losses) {
  for (std::size_t i = 0; i < leaving_.size(); ++i) {
    messages_[i] = {};
    messages_[i].msg_hdr.msg_iov = &leaving_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
  }
  const auto until = std::chrono::steady_clock::now() + patience;
  std::size_t sent = 0;
  while (sent < leaving_.size()) {
    const int done = ::sendmmsg(socket_.get(), messages_.data() + sent,
                                static_cast<unsigned>(leaving_.size() - sent), MSG_DONTWAIT);
    if (done > 0) {
      sent += static_cast<std::size_t>(done);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN && std::chrono::steady_clock::now() < until) {
      pollfd socket{socket_.get(), POLLOUT, 0};
      static_cast<void>(::poll(&socket, 1, 10));
      continue;
    }
    auto& list = made_[sent] ? losses.made : losses.leaving;
    list[static_cast<std::size_t>(Reason::egress_refused)] += {1, leaving_[sent].iov_len};
    ++sent;
  }
  leaving_.clear();
  made_.clear();
  own_.clear();
}

void AfpacketPort::End::count_kernel_losses(PortLosses& losses) {
  tpacket_stats stats{};
  socklen_t size = sizeof stats;
  if (::getsockopt(socket_.get(), SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0)
    losses.received[side()][static_cast<std::size_t>(Reason::socket_queue_full)] += {stats.tp_drops, 0};
}

tl::expected<void, std::string> AfpacketPort::End::check() {
  int error = 0;
  socklen_t size = sizeof error;
  // Reading it clears it: an interface that is down comes back by itself.
  static_cast<void>(::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size));
  sockaddr_ll address{};
  size = sizeof address;
  if (::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
      address.sll_ifindex == static_cast<int>(index_))
    return {};
  return tl::unexpected(fmt::format("{}: the interface is gone", interface_));
}

AfpacketPort::AfpacketPort() = default;
AfpacketPort::~AfpacketPort() = default;

tl::expected<std::unique_ptr<AfpacketPort>, std::string> AfpacketPort::open(const std::string& outside,
                                                                            const std::string& inside,
                                                                            std::uint16_t port_number) {
  std::unique_ptr<AfpacketPort> port(new AfpacketPort);
  if (!port->wakeup_) return tl::unexpected(problem(outside, "an eventfd"));
  port->ends_ = {std::make_unique<End>(outside, port_number),
                 std::make_unique<End>(inside, static_cast<std::uint16_t>(port_number + 1))};
  for (const auto& end : port->ends_) {
    if (auto opened = end->open(); !opened) return tl::unexpected(opened.error());
  }
  return port;
}

tl::expected<std::size_t, std::string> AfpacketPort::receive(std::span<Frame> batch) {
  if (std::exchange(suspicious_, false)) {
    for (const auto& end : ends_) {
      if (auto alive = end->check(); !alive) return tl::unexpected(alive.error());
    }
  }
  const Timestamp now = clock_.now();
  End& first = *ends_[first_];
  first_ ^= 1U;
  End& second = *ends_[first_];
  // Half of the batch at most for each end while the other one waits.
  std::size_t count = first.receive(batch.first(batch.size() / 2), now, number_, losses_);
  count += second.receive(batch.subspan(count), now, number_, losses_);
  return count;
}

void AfpacketPort::finish(const Frame& frame, std::span<const std::uint8_t> leaving) {
  if (leaving.empty()) return;
  End& egress = *ends_[(frame.port & 1U) ^ 1U];
  const bool in_place =
      leaving.data() >= frame.bytes.data() && leaving.data() < frame.bytes.data() + frame.bytes.size();
  if (egress.full() || (!in_place && !egress.room(leaving.size()))) egress.send(losses_);
  if (in_place)
    egress.queue(leaving, false);
  else
    egress.queue_copy(leaving, false);
}

void AfpacketPort::send(const Departure& departure) {
  End& egress = *ends_[departure.port & 1U];
  if (egress.full() || !egress.room(departure.bytes.size())) egress.send(losses_);
  egress.queue_copy(departure.bytes, departure.made);
}

void AfpacketPort::flush() {
  for (const auto& end : ends_) end->send(losses_);
  for (const auto& end : ends_) end->release();
}

void AfpacketPort::wait(std::chrono::milliseconds longest) {
  if (ends_[0]->waiting() || ends_[1]->waiting()) return;
  std::array<pollfd, 3> ready{
      {{ends_[0]->socket(), POLLIN, 0}, {ends_[1]->socket(), POLLIN, 0}, wakeup_.file()}};
  static_cast<void>(::poll(ready.data(), ready.size(), static_cast<int>(longest.count())));
  if (((ready[0].revents | ready[1].revents) & (POLLERR | POLLHUP | POLLNVAL)) != 0) suspicious_ = true;
  wakeup_.clear(ready[2]);
}

PortLosses AfpacketPort::take_losses() {
  for (const auto& end : ends_) end->count_kernel_losses(losses_);
  suspicious_ = true;  // the socket of an interface that went down and then away does not tell of the latter
  return std::exchange(losses_, {});
}

}  // namespace lockstep
