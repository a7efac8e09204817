// Two Linux hosts that have nothing in common but a wire: two network namespaces, a TUN device in each, whose
// other ends this object holds, and sockets in either. Everything is gone when the object is, at the latest
// with the process. One thread, whose own namespace is any of those after a call.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace lockstep::honest {

enum class End : std::uint8_t { client, server };
[[nodiscard]] constexpr End other(End end) {
  return end == End::client ? End::server : End::client;
}
[[nodiscard]] constexpr std::size_t index(End end) {
  return static_cast<std::size_t>(end);
}

// Options that the stacks of a pair offer in their SYNs.
struct Profile {
  std::string_view name;
  bool timestamps, sack, scaling;
  bool cookies;  // TCP Fast Open with cookies, else without
};
inline constexpr std::array profiles{
    Profile{"all options", true, true, true, true},
    Profile{"no timestamps", false, true, true, false},
    Profile{"no SACK, no scaling", true, false, false, true},
    Profile{"no options", false, false, false, false},
};

class KernelPair {
 public:
  // The error says what is missing.
  [[nodiscard]] static tl::expected<std::unique_ptr<KernelPair>, std::string> make(const Profile& profile);
  ~KernelPair();
  KernelPair(const KernelPair&) = delete;
  KernelPair& operator=(const KernelPair&) = delete;

  // A stream socket of that host, non-blocking; -1 and errno if there is none. The caller closes it.
  [[nodiscard]] int open_socket(End end, bool ipv6, bool multipath) const;
  [[nodiscard]] int tun(End end) const { return hosts_[index(end)].tun; }
  [[nodiscard]] static const char* address(End end, bool ipv6);

 private:
  struct Host {
    int space = -1;  // the namespace
    int tun = -1;
  };
  KernelPair() = default;
  tl::expected<void, std::string> set_up(End end, const Profile& profile);
  [[nodiscard]] bool takes_addresses(End end) const;

  std::array<Host, 2> hosts_;
};

}  // namespace lockstep::honest
