#include "engine/ports/afxdp/exchange.hpp"

#include <algorithm>
#include <cstring>

#include <net/ethernet.h>

namespace lockstep::afxdp {
namespace {

std::uint16_t read16(std::span<const std::uint8_t> bytes, std::size_t at) {
  return at + 2 <= bytes.size() ? static_cast<std::uint16_t>(bytes[at] << 8U | bytes[at + 1]) : 0;
}

// Where the IP header begins, behind tags and PPPoE; the size of the frame if there is none.
std::size_t find_ip(std::span<const std::uint8_t> frame, std::uint16_t& protocol) {
  constexpr std::uint16_t pppoe_session = 0x8864, ppp_ip = 0x0021, ppp_ip6 = 0x0057, old_qinq = 0x9100;
  std::size_t at = 2 * ETHER_ADDR_LEN;
  protocol = read16(frame, at);
  at += 2;
  for (int tags = 0; tags < 3 && (protocol == ETHERTYPE_VLAN || protocol == 0x88a8 || protocol == old_qinq);
       ++tags) {
    protocol = read16(frame, at + 2);
    at += 4;
  }
  if (protocol == pppoe_session) {
    const std::uint16_t inner = read16(frame, at + 6);
    protocol = inner == ppp_ip ? ETHERTYPE_IP : inner == ppp_ip6 ? ETHERTYPE_IPV6 : 0;
    at += 8;
  }
  return std::min(at, frame.size());
}

}  // namespace

Exchange::Exchange(std::size_t workers, std::size_t chunks_a_worker, HashSeed seed)
    : workers_(workers), seed_(seed) {
  for (std::size_t i = 0; i < workers * workers; ++i)
    lanes_.push_back(workers == 1 ? nullptr : std::make_unique<Lane>(chunks_a_worker));
}

std::size_t Exchange::owner(std::span<const std::uint8_t> frame) const {
  std::uint16_t protocol = 0;
  const std::size_t ip = find_ip(frame, protocol);
  const std::size_t length = protocol == ETHERTYPE_IP ? 4 : protocol == ETHERTYPE_IPV6 ? 16 : 0;
  const std::size_t source = ip + (length == 4 ? 12 : 8);
  if (length == 0 || source + 2 * length > frame.size()) return 0;
  std::array<std::uint8_t, 32> both{};
  const std::uint8_t* low = frame.data() + source;
  const std::uint8_t* high = low + length;
  if (std::memcmp(low, high, length) > 0) std::swap(low, high);
  std::memcpy(both.data(), low, length);
  std::memcpy(both.data() + length, high, length);
  return keyed_hash(std::span(both).first(2 * length), seed_) % workers_;
}

}  // namespace lockstep::afxdp
