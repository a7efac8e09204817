// Memory that the kernel and every AF_XDP socket of a pair share, in chunks of one size; and the sockets, one
// for each queue of each interface. What stands here owns descriptors and memory and knows nothing of
// packets.
//
// A chunk is with exactly one of: a worker's free list, a fill ring, the kernel, a received ring, a worker's
// batch, a transmit ring, a completion ring, an exchange between workers. Each worker owns a run of chunks,
// and whoever has done with one gives it back to its owner. Setting up allocates; nothing else does.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include <tl/expected.hpp>
#include <xdp/xsk.h>

#include "engine/descriptor.hpp"

namespace lockstep::afxdp {

// Debian 12's headers are older than frames of several chunks.
inline constexpr std::uint16_t use_sg = 1U << 4U;        // bind flag XDP_USE_SG, Linux 6.6
inline constexpr std::uint32_t continued = 1U << 0U;     // XDP_PKT_CONTD in xdp_desc.options
inline constexpr int max_tx_budget = 9;                  // socket option XDP_MAX_TX_SKB_BUDGET, Linux 6.18
inline constexpr std::uint32_t ring_entries = 16'384;    // received and fill: a worker may sleep for a while
inline constexpr std::uint32_t transmit_entries = 4096;  // and completions
// Of a chunk of 2,048 bytes the kernel keeps 256 in front of the frame.
inline constexpr std::uint32_t most_mtu_of_half_page = 1700;

using Address = std::uint64_t;  // of a byte, from the start of the memory

struct BindWish {
  bool zero_copy = false;
  bool frags = false;
};

class Memory {
 public:
  // `chunks` of `chunk` bytes (2048 or 4096).
  [[nodiscard]] static tl::expected<std::shared_ptr<Memory>, std::string> make(std::size_t chunks,
                                                                               std::uint32_t chunk);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  [[nodiscard]] std::uint8_t* at(Address address) const { return bytes_ + address; }
  [[nodiscard]] bool contains(const std::uint8_t* byte) const {
    return byte >= bytes_ && byte < bytes_ + size_;
  }
  [[nodiscard]] Address address_of(const std::uint8_t* byte) const {
    return static_cast<Address>(byte - bytes_);
  }
  [[nodiscard]] Address chunk_of(Address address) const { return address & ~Address{chunk_ - 1}; }
  [[nodiscard]] std::uint32_t chunk() const { return chunk_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  friend class Socket;
  Memory(std::uint8_t* bytes, std::size_t size, std::uint32_t chunk)
      : bytes_(bytes), size_(size), chunk_(chunk) {}

  std::uint8_t* bytes_;
  std::size_t size_;
  std::uint32_t chunk_;
  xsk_umem* registered_ = nullptr;  // by the first socket
};

// What the kernel dropped at a socket since it was made.
struct SocketLosses {
  std::uint64_t ring_full = 0;  // the received ring, or no chunk in the fill ring
  std::uint64_t invalid = 0;    // transmit descriptors that it refused
};

// The rings of one queue of one interface. One thread.
class Socket {
 public:
  // The first socket of a memory registers it. The error names the interface and the queue.
  [[nodiscard]] static tl::expected<std::unique_ptr<Socket>, std::string> open(std::shared_ptr<Memory> memory,
                                                                               const std::string& interface,
                                                                               std::uint32_t queue,
                                                                               const BindWish& wish);
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  [[nodiscard]] int descriptor() const { return xsk_socket__fd(socket_); }
  [[nodiscard]] std::uint32_t queue() const { return queue_; }
  [[nodiscard]] const std::string& interface() const { return interface_; }
  [[nodiscard]] bool zero_copy() const;
  [[nodiscard]] SocketLosses losses() const;

  // Chunks for frames to come; the front of `chunks` that found room.
  std::size_t fill(std::span<const Address> chunks);
  [[nodiscard]] std::size_t fill_room() { return xsk_prod_nb_free(&fill_, ring_entries); }
  // Received descriptors that may be looked at, at most `most`; take() moves past one.
  [[nodiscard]] std::size_t waiting(std::size_t most) {
    return xsk_cons_nb_avail(&received_, static_cast<std::uint32_t>(most));
  }
  // The `n`-th of them, from 0.
  [[nodiscard]] const xdp_desc& peek(std::size_t n) const {
    return *xsk_ring_cons__rx_desc(&received_, received_.cached_cons + static_cast<std::uint32_t>(n));
  }
  void take(std::size_t count);

  [[nodiscard]] std::size_t transmit_room() { return xsk_prod_nb_free(&transmit_, transmit_entries); }
  // There is room for it.
  void transmit(const xdp_desc& descriptor);
  // What transmit() was given goes to the kernel. False: it did not take all of it yet.
  bool kick();
  // Chunks that the kernel has sent, into the front of `chunks`.
  std::size_t completed(std::span<Address> chunks);
  [[nodiscard]] std::uint64_t transmitted() const { return transmitted_; }
  [[nodiscard]] std::uint64_t done() const { return done_; }

 private:
  Socket(std::shared_ptr<Memory> memory, std::string interface, std::uint32_t queue)
      : memory_(std::move(memory)), interface_(std::move(interface)), queue_(queue) {}
  [[nodiscard]] tl::expected<void, std::string> bind(const BindWish& wish);

  std::shared_ptr<Memory> memory_;
  std::string interface_;
  std::uint32_t queue_;
  // Zeroed: libxdp 1.3.1 leaves the cached positions as they are.
  xsk_ring_prod fill_{}, transmit_{};
  xsk_ring_cons received_{}, completions_{};
  xsk_socket* socket_ = nullptr;
  std::uint32_t queued_ = 0;  // given to transmit(), not submitted
  std::uint64_t transmitted_ = 0, done_ = 0;
};

}  // namespace lockstep::afxdp
