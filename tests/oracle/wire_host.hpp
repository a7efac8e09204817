// The host of the oracle at the far end of a wire: packets go in and come back by an interface of another
// namespace, and whatever stands between the two interfaces is in their way. For conversations in
// Mode::direct.
//
// What was sent has been answered, and the answers are here, once an answer to a later packet is: a SYN to a
// closed port follows each lot of packets, and its RST is waited for. Nothing in between may let one packet
// overtake another.
#pragma once
#include "engine/descriptor.hpp"
#include "tests/oracle/kernel_host.hpp"

namespace lockstep::oracle {

struct WireEnds {
  std::string peer_namespace, host_namespace;  // as files: /proc/N/ns/net
  std::string peer_interface,
      host_interface;  // the latter has the addresses of HostAddress, and asks for none (NOARP)
};

class WireHost final : public KernelHost {
 public:
  // The process stays in the host's namespace. The error says what is missing.
  [[nodiscard]] static tl::expected<std::unique_ptr<WireHost>, std::string> make(const WireEnds& ends);

  void deliver(std::span<const std::uint8_t> packet) override;
  // Empty once all answers to what was delivered have come, or after a second without the fence's.
  [[nodiscard]] std::span<std::uint8_t> next_packet() override;
  // Fences that were not answered.
  [[nodiscard]] std::uint64_t lost_fences() const { return lost_fences_; }

 private:
  WireHost() = default;
  tl::expected<void, std::string> set_up(const WireEnds& ends);
  void send(std::span<const std::uint8_t> packet);
  void set_fence();
  [[nodiscard]] bool is_fence(std::span<const std::uint8_t> packet) const;
  [[nodiscard]] std::span<std::uint8_t> receive();

  Descriptor socket_;
  std::vector<std::uint8_t> header_;  // of Ethernet, without the type
  std::vector<std::uint8_t> buffer_;
  std::uint16_t fence_ = 1024;  // its port
  bool fenced_ = false;
  std::uint64_t lost_fences_ = 0;
};

}  // namespace lockstep::oracle
