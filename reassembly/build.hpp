// Packets of our own: resets and bare ACKs, in the name of either end of a connection. They have no options
// and no payload, and travel in the framing of a packet that was seen (MAC addresses, VLAN tags, PPPoE
// session).
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "reassembly/frame.hpp"
#include "reassembly/segment.hpp"

namespace lockstep::reassembly {

// The bytes in front of an IP header, kept by value so that a flow can be reset when no packet of it is at
// hand.
struct Framing {
  // Ethernet 14 or cooked 20, three tags of 4, PPPoE and PPP 8.
  static constexpr std::size_t capacity = 40;
  std::array<std::uint8_t, capacity> bytes{};
  std::uint8_t length = 0;
  std::uint8_t pppoe = 0;  // as in Layout
  LinkType link = LinkType::ethernet;

  // The same for the opposite direction: MAC addresses swapped; other links have nothing to swap.
  [[nodiscard]] Framing reversed() const;
};

[[nodiscard]] Framing framing_of(const Frame& frame, const Segment& segment);

struct BareSegment {
  Endpoint source;  // in whose name it is sent
  Endpoint destination;
  Seq seq;
  Seq ack;  // written as given; 0 if the flags lack ACK
  TcpFlags flags;
  std::uint16_t window = 0;
  std::uint8_t ttl = 64;
  std::uint8_t tos = 0;
  std::uint32_t flow_label = 0;  // IPv6
};

// Longest that build() writes: framing, IPv6 and TCP headers.
inline constexpr std::size_t max_bare_frame = Framing::capacity + 40 + 20;

// Writes the frame to the start of `out`, padded to Ethernet's minimum, and returns its length; 0 if `out` is
// too small (max_bare_frame always does). IPv4: DF set, identification 0 (RFC 6864 §4.1).
[[nodiscard]] std::size_t build(std::span<std::uint8_t> out, const Framing& framing,
                                const BareSegment& segment);

enum class Toward : std::uint8_t { receiver, sender };  // of the packet that serves as a template

// A reset, sent in the template's direction or back to its sender. `ack` empty: RST alone (RFC 9293 §3.5.2,
// the number alone decides); else RST|ACK.
[[nodiscard]] std::size_t build_reset(std::span<std::uint8_t> out, const Frame& frame, const Segment& segment,
                                      Toward toward, Seq seq, std::optional<Seq> ack);

// A zero-length ACK, likewise.
[[nodiscard]] std::size_t build_ack(std::span<std::uint8_t> out, const Frame& frame, const Segment& segment,
                                    Toward toward, Seq seq, Seq ack, std::uint16_t window);

}  // namespace lockstep::reassembly
