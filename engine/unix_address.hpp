// The address of a Unix socket in the file system (unix(7)).
#pragma once
#include <algorithm>
#include <optional>
#include <string_view>

#include <sys/socket.h>
#include <sys/un.h>

namespace lockstep {

// Nothing: the path is longer than an address holds.
[[nodiscard]] inline std::optional<sockaddr_un> unix_address(std::string_view path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return std::nullopt;
  std::copy(path.begin(), path.end(), address.sun_path);
  return address;
}

// What bind(2) and connect(2) want to see.
[[nodiscard]] inline const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace lockstep
