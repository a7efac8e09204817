// What is known of the machine and of both interfaces of a pair before inline use: plain values, gathered
// from the kernel or written down in a test.
#pragma once
#include <string>
#include <vector>

#include "engine/interface/ethtool.hpp"
#include "engine/interface/link.hpp"

namespace lockstep {

struct HostFacts {
  std::string kernel;   // its release
  bool xdp = false;     // a program can be loaded, by this process
  bool af_xdp = false;  // a socket can be made
  bool af_packet = false;
  bool bpf_mounted = false;                       // where programs and maps are pinned
  std::string pins;                               // that directory
  std::vector<std::string> missing_capabilities;  // "CAP_NET_ADMIN"
};

struct PortFacts {
  Link link;
  std::string driver;  // empty: it does not tell
  std::vector<Feature> features;
  std::optional<Channels> channels;
  std::optional<ReceiveHash> hash;
  std::uint32_t speed = 0;  // Mbit/s, 0: it does not tell

  [[nodiscard]] const Feature* feature(std::string_view name) const;
};

struct PairFacts {
  PortFacts outside;
  PortFacts inside;
};

// Asks the kernel; makes and closes sockets and a trivial program to learn what works, and changes nothing.
[[nodiscard]] HostFacts gather_host(const std::string& pins);
[[nodiscard]] tl::expected<PortFacts, std::string> gather_port(const std::string& interface);
[[nodiscard]] tl::expected<PairFacts, std::string> gather_pair(const std::string& outside,
                                                               const std::string& inside);

}  // namespace lockstep
