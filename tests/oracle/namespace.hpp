// A network namespace of this process's own, with one TUN device.
#pragma once
#include <string>

#include <tl/expected.hpp>

namespace lockstep::oracle {

// Leaves the process in a new namespace, whose device has the addresses of HostAddress and whose settings
// make the stack answer every packet at once. Returns the descriptor of the device's other end (non-blocking,
// bare IP packets). The error says what is missing.
[[nodiscard]] tl::expected<int, std::string> enter_namespace();

}  // namespace lockstep::oracle
