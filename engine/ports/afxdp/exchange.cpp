#include "engine/ports/afxdp/exchange.hpp"

#include <algorithm>
#include <cstring>

#include "reassembly/link.hpp"

namespace lockstep::afxdp {

Exchange::Exchange(std::size_t workers, std::size_t chunks_a_worker, HashSeed seed)
    : workers_(workers), seed_(seed) {
  for (std::size_t i = 0; i < workers * workers; ++i)
    lanes_.push_back(workers == 1 ? nullptr : std::make_unique<Lane>(chunks_a_worker));
}

std::size_t Exchange::owner(std::span<std::uint8_t> bytes) const {
  using reassembly::ethertype::ipv4, reassembly::ethertype::ipv6;
  reassembly::Frame frame;
  frame.bytes = bytes;
  frame.wire_length = UINT32_MAX;  // these may be the first piece of it
  reassembly::Link link;
  if (unwrap_link(frame, link) != reassembly::Reason::none) return 0;
  const std::size_t length = link.type == ipv4 ? 4 : link.type == ipv6 ? 16 : 0;
  const std::size_t source = link.network + (length == 4 ? 12U : 8U);
  if (length == 0 || source + 2 * length > bytes.size()) return 0;
  std::array<std::uint8_t, 32> both{};
  const std::uint8_t* low = bytes.data() + source;
  const std::uint8_t* high = low + length;
  if (std::memcmp(low, high, length) > 0) std::swap(low, high);
  std::memcpy(both.data(), low, length);
  std::memcpy(both.data() + length, high, length);
  return keyed_hash(std::span(both).first(2 * length), seed_) % workers_;
}

}  // namespace lockstep::afxdp
