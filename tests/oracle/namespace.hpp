// A network namespace of this process's own, with one TUN device.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

namespace lockstep::oracle {

// What a namespace is to be. Settings are names below /proc/sys/net.
struct NamespaceConfig {
  using Settings = std::vector<std::pair<std::string, std::string>>;
  std::string v4, v6;         // the device's addresses, in 10.0.0.0/8 and fd00::/64
  Settings needed;            // without one of these there is no namespace
  Settings wished;            // some kernels lack some of these, and go by their default
  int queued_packets = 1000;  // that the device holds for its other end
};

// Leaves the process in a new namespace as described. Returns the descriptor of the device's other end
// (non-blocking, bare IP packets). The error says what is missing.
[[nodiscard]] tl::expected<int, std::string> enter_namespace(const NamespaceConfig& config);

// The stack of the thread's namespace answers every packet at once, as the hostile oracle needs it.
[[nodiscard]] tl::expected<void, std::string> answer_at_once();

// The hostile oracle's: the addresses of HostAddress, and a stack that answers every packet at once.
[[nodiscard]] tl::expected<int, std::string> enter_namespace();

}  // namespace lockstep::oracle
