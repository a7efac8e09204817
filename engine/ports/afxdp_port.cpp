#include "engine/ports/afxdp_port.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <net/if.h>
#include <poll.h>

namespace lockstep {
namespace {

using afxdp::Address;
using afxdp::Socket;

constexpr std::size_t largest_frame = 9 * 1024 + 256;  // MTU 9000, with tags
constexpr std::size_t joined_frames = 64;              // of several chunks, a batch
constexpr std::size_t reserve = 256;                   // egress descriptors for packets of our own
constexpr std::size_t most_pieces = 32;                // of a frame; Linux makes at most 18
constexpr std::size_t fill_at_once = 64;               // chunks, while a queue is not full

std::size_t side_of(std::uint16_t port) {
  return port & 1U;
}

}  // namespace

AfxdpPort::AfxdpPort(Parts parts)
    : parts_(std::move(parts)),
      memory_(*parts_.memory),
      exchange_(*parts_.exchange),
      watermark_(exchange_, parts_.number),
      backlog_(exchange_.workers()),
      joined_(joined_frames * largest_frame) {}

AfxdpPort::~AfxdpPort() = default;

tl::expected<std::unique_ptr<AfxdpPort>, std::string> AfxdpPort::make(Parts parts) {
  std::unique_ptr<AfxdpPort> port(new AfxdpPort(std::move(parts)));
  if (!port->wakeup_) return tl::unexpected(std::string("an eventfd can't be made"));
  const std::size_t own = port->parts_.chunks;
  port->free_.reserve(own);
  for (std::size_t i = 0; i < own; ++i)
    port->free_.push_back((port->parts_.number * own + i) * port->memory_.chunk());
  for (auto& backlog : port->backlog_) backlog.reserve(own);
  for (std::size_t side = 0; side < LS_SIDES; ++side) {
    for (auto& socket : port->parts_.sockets[side]) {
      port->watermark_.add(*socket, port->parts_.seat.queues[side * LS_MAX_QUEUES + socket->queue()]);
      if (port->egress_[side] == nullptr) port->egress_[side] = socket.get();
      port->ingresses_.push_back({std::move(socket), side, port->ingresses_.size(), {}});
    }
    port->watermark_.add_egress(*port->egress_[side]);
  }
  port->epoch_ = port->parts_.seat.config->ready;
  port->refill();
  port->beat();
  return port;
}

void AfxdpPort::beat() {
  now_ = std::chrono::steady_clock::now();
  std::atomic_ref(parts_.seat.worker->heartbeat)
      .store(static_cast<std::uint64_t>(now_.time_since_epoch().count()), std::memory_order_release);
}

bool AfxdpPort::take_gap() {
  const std::uint64_t epoch = parts_.gate->epoch();
  if (epoch == epoch_ || parts_.gate->closed()) return false;
  epoch_ = epoch;
  for (Ingress& ingress : ingresses_) discard(ingress);
  return true;
}

// Later packets of the same connections went past: these come too late.
void AfxdpPort::discard(Ingress& ingress) {
  while (const std::size_t count = ingress.socket->waiting(afxdp::ring_entries)) {
    std::uint64_t frames = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const xdp_desc& descriptor = ingress.socket->peek(i);
      const bool last = (descriptor.options & afxdp::continued) == 0;
      auto& lost = losses_.received[ingress.side][static_cast<std::size_t>(Reason::forwarded_past)];
      lost += {last ? 1U : 0U, descriptor.len};
      frames += last ? 1 : 0;
      give_back(memory_.chunk_of(descriptor.addr));
    }
    ingress.socket->take(count);
    watermark_.taken(ingress.mark, frames);
  }
}

// What was handed over is lost with its worker.
void AfxdpPort::discard_handed() {
  for (std::size_t other = 0; other < exchange_.workers(); ++other) {
    if (other == parts_.number) continue;
    exchange_.lane(other, parts_.number).frames.consume_all([this](const afxdp::Handed& handed) {
      auto& lost = losses_.received[handed.side][static_cast<std::size_t>(Reason::forwarded_past)];
      lost += {handed.pieces == 1 ? 1U : 0U, handed.descriptor.len};
    });
  }
}

void AfxdpPort::close() {
  for (Ingress& ingress : ingresses_) discard(ingress);
  discard_handed();
}

tl::expected<std::size_t, std::string> AfxdpPort::receive(std::span<Frame> batch) {
  beat();
  if (std::exchange(suspicious_, false)) {
    if (auto alive = check(); !alive) return tl::unexpected(alive.error());
  }
  reclaim();
  refill();
  joined_used_ = 0;
  time_ = clock_.now();
  std::size_t count = receive_handed(batch.first(batch.size() / 2));
  first_ = first_ + 1 == ingresses_.size() ? 0 : first_ + 1;
  for (std::size_t i = 0; i < ingresses_.size() && count < batch.size(); ++i) {
    Ingress& ingress = ingresses_[(first_ + i) % ingresses_.size()];
    // An even share of what is left, so that no queue starves another.
    const std::size_t share = (batch.size() - count) / (ingresses_.size() - i);
    count += receive_from(ingress, batch.subspan(count, share));
  }
  return count;
}

Frame AfxdpPort::frame(std::span<std::uint8_t> bytes, std::size_t side) {
  Frame frame{};
  frame.bytes = bytes;
  frame.wire_length = static_cast<std::uint32_t>(bytes.size());
  frame.time = time_;
  frame.number = ++number_;
  frame.port = static_cast<std::uint16_t>(parts_.port + side);
  return frame;
}

std::size_t AfxdpPort::room_towards(std::size_t side) {
  const std::size_t room = egress_[side]->transmit_room();
  return room > reserve ? room - reserve : 0;
}

template <class DescriptorAt>
std::span<std::uint8_t> AfxdpPort::join(std::size_t pieces, const DescriptorAt& at) {
  std::uint8_t* begin = joined_.data() + joined_used_++ * largest_frame;
  std::size_t size = 0;
  for (std::size_t i = 0; i < pieces; ++i) {
    const xdp_desc& descriptor = at(i);
    const std::size_t part = std::min<std::size_t>(descriptor.len, largest_frame - size);
    std::memcpy(begin + size, memory_.at(descriptor.addr), part);
    size += part;
    give_back(memory_.chunk_of(descriptor.addr));
  }
  return {begin, size};
}

std::size_t AfxdpPort::receive_from(Ingress& ingress, std::span<Frame> batch) {
  Socket& socket = *ingress.socket;
  const std::size_t waiting = socket.waiting(std::min(room_towards(ingress.side ^ 1U), batch.size() * 8));
  std::size_t count = 0, at = 0;
  std::uint64_t frames = 0;
  while (count < batch.size()) {
    std::size_t end = at;
    while (end < waiting && (socket.peek(end).options & afxdp::continued) != 0) ++end;
    if (end >= waiting || (end > at && joined_used_ == joined_frames)) break;
    const auto descriptor = [&](std::size_t n) -> const xdp_desc& { return socket.peek(at + n); };
    const std::size_t pieces = end + 1 - at;
    const std::span<std::uint8_t> bytes(memory_.at(descriptor(0).addr), descriptor(0).len);
    const std::size_t owner = exchange_.workers() == 1 ? parts_.number : exchange_.owner(bytes);
    if (owner != parts_.number)
      hand_over(owner, ingress.side, pieces, descriptor);
    else
      batch[count++] = frame(pieces == 1 ? bytes : join(pieces, descriptor), ingress.side);
    ++frames;
    at = end + 1;
  }
  if (at > 0) socket.take(at);
  watermark_.taken(ingress.mark, frames);
  return count;
}

template <class DescriptorAt>
void AfxdpPort::hand_over(std::size_t owner, std::size_t side, std::size_t pieces, const DescriptorAt& at) {
  afxdp::Lane& lane = exchange_.lane(parts_.number, owner);
  if (lane.frames.write_available() < pieces) {
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < pieces; ++i) {
      bytes += at(i).len;
      give_back(memory_.chunk_of(at(i).addr));
    }
    return lose(losses_.received[side], Reason::handover_full, bytes);
  }
  for (std::size_t i = 0; i < pieces; ++i)
    lane.frames.push({at(i), static_cast<std::uint8_t>(side), static_cast<std::uint8_t>(pieces - i)});
  lane.pushed.fetch_add(pieces, std::memory_order_release);
}

std::size_t AfxdpPort::receive_handed(std::span<Frame> batch) {
  std::size_t count = 0;
  for (std::size_t other = 0; other < exchange_.workers(); ++other) {
    if (other == parts_.number) continue;
    auto& frames = exchange_.lane(other, parts_.number).frames;
    while (count < batch.size() && joined_used_ < joined_frames && frames.read_available() > 0) {
      const afxdp::Handed first = frames.front();
      if (frames.read_available() < first.pieces || room_towards(first.side ^ 1U) < first.pieces) break;
      std::array<afxdp::Handed, most_pieces> pieces;
      frames.pop(pieces.data(), first.pieces);
      const auto descriptor = [&](std::size_t n) -> const xdp_desc& { return pieces[n].descriptor; };
      const std::span<std::uint8_t> bytes(memory_.at(descriptor(0).addr), descriptor(0).len);
      batch[count++] = frame(first.pieces == 1 ? bytes : join(first.pieces, descriptor), first.side);
      watermark_.taken_from(other, first.pieces);
    }
  }
  return count;
}

void AfxdpPort::finish(const Frame& frame, std::span<const std::uint8_t> leaving) {
  const std::size_t egress = side_of(frame.port) ^ 1U;
  const bool shared = memory_.contains(frame.bytes.data());
  const bool in_place = shared && leaving.data() >= frame.bytes.data() &&
                        leaving.data() < frame.bytes.data() + frame.bytes.size();
  if (in_place && egress_[egress]->transmit_room() > 0)
    return egress_[egress]->transmit(
        {memory_.address_of(leaving.data()), static_cast<std::uint32_t>(leaving.size()), 0});
  if (in_place) lose(losses_.leaving, Reason::egress_refused, leaving.size());
  if (!in_place && !leaving.empty()) transmit_copy(egress, leaving, false);
  if (shared) give_back(memory_.chunk_of(memory_.address_of(frame.bytes.data())));
}

void AfxdpPort::send(const Departure& departure) {
  transmit_copy(side_of(departure.port), departure.bytes, departure.made);
}

void AfxdpPort::transmit_copy(std::size_t side, std::span<const std::uint8_t> bytes, bool made) {
  const std::size_t pieces = (bytes.size() + memory_.chunk() - 1) / memory_.chunk();
  if (egress_[side]->transmit_room() < pieces || free_.size() < pieces)
    return lose(made ? losses_.made : losses_.leaving, Reason::egress_refused, bytes.size());
  for (std::size_t i = 0; i < pieces; ++i) {
    const auto part = bytes.subspan(
        i * memory_.chunk(), std::min<std::size_t>(memory_.chunk(), bytes.size() - i * memory_.chunk()));
    std::memcpy(memory_.at(free_.back()), part.data(), part.size());
    egress_[side]->transmit(
        {free_.back(), static_cast<std::uint32_t>(part.size()), i + 1 < pieces ? afxdp::continued : 0});
    free_.pop_back();
  }
}

void AfxdpPort::lose(PortLosses::ByReason& list, Reason reason, std::uint64_t bytes) {
  list[static_cast<std::size_t>(reason)] += {1, bytes};
}

void AfxdpPort::give_back(Address chunk) {
  const std::size_t owner = chunk / memory_.chunk() / parts_.chunks;
  if (owner == parts_.number)
    free_.push_back(chunk);
  else
    backlog_[owner].push_back(chunk);
}

void AfxdpPort::reclaim() {
  std::array<Address, 256> chunks;
  for (Socket* egress : egress_) {
    while (const std::size_t count = egress->completed(chunks))
      for (const Address chunk : std::span(chunks).first(count)) give_back(chunk);
  }
  for (std::size_t other = 0; other < exchange_.workers(); ++other) {
    if (other == parts_.number) continue;
    exchange_.lane(other, parts_.number).chunks_back.consume_all([this](Address chunk) {
      free_.push_back(chunk);
    });
    auto& backlog = backlog_[other];
    if (backlog.empty()) continue;
    exchange_.lane(parts_.number, other).chunks_back.push(backlog.data(), backlog.size());
    backlog.clear();
  }
}

// Every queue as full as chunks allow, but for what copies need.
void AfxdpPort::refill() {
  std::size_t queues_left = ingresses_.size();
  for (Ingress& ingress : ingresses_) {
    const std::size_t spare = free_.size() > reserve ? free_.size() - reserve : 0;
    const std::size_t count = std::min(ingress.socket->fill_room(), spare / queues_left--);
    if (count < fill_at_once && count < ingress.socket->fill_room()) continue;
    if (count == 0) continue;
    const std::size_t filled = ingress.socket->fill(std::span(free_).last(count));
    free_.resize(free_.size() - filled);
  }
}

void AfxdpPort::flush() {
  unsent_ = false;
  for (Socket* egress : egress_)
    if (!egress->kick()) unsent_ = true;
  reclaim();
  watermark_.advance(now_, [this](std::size_t mark, std::uint64_t lost) {
    const std::size_t side = ingresses_[mark].side;
    losses_.received[side][static_cast<std::size_t>(Reason::socket_queue_full)] += {lost, 0};
  });
}

void AfxdpPort::wait(std::chrono::milliseconds longest) {
  std::array<pollfd, 2 * LS_MAX_QUEUES + 1> ready;
  nfds_t count = 0;
  ready[count++] = wakeup_.file();
  for (Ingress& ingress : ingresses_) {
    const bool takes = room_towards(ingress.side ^ 1U) > 0;
    if (takes && ingress.socket->waiting(1) > 0) return;
    ready[count++] = {ingress.socket->descriptor(), static_cast<short>(takes ? POLLIN : 0), 0};
  }
  // poll() sends in copy mode what an egress did not take; how it goes on is seen by asking.
  const auto most = unsent_ ? std::chrono::milliseconds(1) : longest;
  static_cast<void>(::poll(ready.data(), count, static_cast<int>(most.count())));
  for (const pollfd& one : std::span(ready).subspan(1, count - 1))
    if ((one.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) suspicious_ = true;
  wakeup_.clear(ready[0]);
}

PortLosses AfxdpPort::take_losses() {
  for (Ingress& ingress : ingresses_) {
    const afxdp::SocketLosses now = ingress.socket->losses();
    losses_.received[ingress.side][static_cast<std::size_t>(Reason::socket_queue_full)] +=
        {now.ring_full - ingress.losses.ring_full, 0};
    losses_.leaving[static_cast<std::size_t>(Reason::egress_refused)] +=
        {now.invalid - ingress.losses.invalid, 0};
    ingress.losses = now;
  }
  suspicious_ = true;  // the socket of an interface that went down and then away does not tell of the latter
  return std::exchange(losses_, {});
}

tl::expected<void, std::string> AfxdpPort::check() const {
  for (std::size_t side = 0; side < LS_SIDES; ++side) {
    const std::string& name = egress_[side]->interface();
    if (::if_nametoindex(name.c_str()) != parts_.seat.config->ifindex[side])
      return tl::unexpected(fmt::format("{}: the interface is gone", name));
  }
  return {};
}

}  // namespace lockstep
