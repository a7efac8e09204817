// What the kernel tells of one network interface through SIOCETHTOOL, and the features that it lets us set.
// Names are the kernel's own, as `ethtool -k` lists most of them: "rx-gro", "tx-tcp-segmentation". Works in
// the network namespace of the thread that opened it. An error is text for the user, and names the interface.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "engine/descriptor.hpp"

namespace lockstep {

struct Feature {
  std::string name;
  bool on = false;
  bool fixed = false;  // the driver does not let it be changed
};

struct Channels {
  std::uint32_t receive = 0;  // queues in use, combined ones included
  std::uint32_t transmit = 0;
  std::uint32_t most_receive = 0;  // what the driver could have
  std::uint32_t most_transmit = 0;
};

// How the NIC spreads flows over its queues.
struct ReceiveHash {
  std::vector<std::uint8_t> key;
  bool symmetric_xor = false;  // the kernel's "symmetric-xor" transformation (Linux 6.9)
  bool takes_ports = false;    // of TCP over IPv4: addresses and ports, not addresses alone

  // Both directions of a connection hash alike: by the transformation, or by a key that repeats every 16
  // bits.
  [[nodiscard]] bool symmetric() const;
};

class Ethtool {
 public:
  [[nodiscard]] static tl::expected<Ethtool, std::string> open(const std::string& interface);

  [[nodiscard]] const std::string& interface() const { return interface_; }
  [[nodiscard]] tl::expected<std::string, std::string> driver() const;
  [[nodiscard]] tl::expected<std::vector<Feature>, std::string> features() const;
  // Setting what is so already is no error; a fixed feature that is otherwise is one.
  [[nodiscard]] tl::expected<void, std::string> set(std::string_view feature, bool on) const;
  // None: the driver does not tell.
  [[nodiscard]] std::optional<Channels> channels() const;
  [[nodiscard]] std::optional<ReceiveHash> receive_hash() const;
  // Mbit/s; 0: the link is down, or has no speed of its own.
  [[nodiscard]] std::uint32_t speed() const;

 private:
  Ethtool(Descriptor socket, std::string interface)
      : socket_(std::move(socket)), interface_(std::move(interface)) {}
  // Returns errno, 0: done.
  [[nodiscard]] int ask(void* request) const;
  [[nodiscard]] tl::unexpected<std::string> refusal(std::string_view what, int error) const;
  [[nodiscard]] tl::expected<std::uint32_t, std::string> feature_count() const;
  [[nodiscard]] tl::expected<std::vector<std::string>, std::string> feature_names() const;

  Descriptor socket_;
  std::string interface_;
};

}  // namespace lockstep
