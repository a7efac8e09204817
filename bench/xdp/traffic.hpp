// The traffic of traffic.bpf.c and the bare programs beside it, loaded: what is measured is compared with
// them. Throws std::runtime_error. One thread.
#pragma once
#include <array>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "tests/support/packet_builder.hpp"

struct traffic_bpf;

namespace lockstep::bench {

using Address = std::array<std::uint8_t, 16>;  // IPv4: the first four bytes

inline void must(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

class Traffic {
 public:
  static constexpr std::size_t most_sources = 131'072;

  Traffic();
  ~Traffic();
  Traffic(const Traffic&) = delete;
  Traffic& operator=(const Traffic&) = delete;

  // Descriptors of the bare programs.
  [[nodiscard]] int drop() const;
  [[nodiscard]] int redirect() const;   // to the egress
  [[nodiscard]] int to_socket() const;  // to the socket
  [[nodiscard]] int leave() const;      // back out
  void set_egress(std::uint32_t interface) const;
  void set_socket(int socket) const;

  // Sources that take turns at random (of IPv6 the first half of each), none: the frame's own; and how many
  // source ports take turns, 1: the frame's own. Checksums stay as they are.
  void set(const std::vector<Address>& sources, std::uint32_t flows);
  // ns a run of `program` behind the traffic, as frames that come in by `interface`. The last one must end
  // as `action`.
  [[nodiscard]] double cost(int program, const test::Bytes& frame, std::uint32_t interface,
                            std::uint32_t action, int runs) const;
  // So many frames leave by `interface`, as fast as the kernel makes them.
  void send(const test::Bytes& frame, std::uint32_t interface, std::uint32_t frames) const;

 private:
  void go_on_to(int program) const;

  traffic_bpf* skeleton_;
};

// In a frame of 64 bytes at least.
[[nodiscard]] test::Bytes small(const test::PacketSpec& spec);

}  // namespace lockstep::bench
