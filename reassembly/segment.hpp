// A TCP segment as the wire carried it: the decoder's answer, all lengths checked, numbers in host byte
// order. Spans and positions point into the Frame (or the datagram put together from fragments) and share its
// lifetime.
#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "reassembly/seq.hpp"
#include "reassembly/time.hpp"

namespace lockstep::reassembly {

// An IPv4 address fills the first four bytes, the rest is zero.
struct Address {
  std::array<std::uint8_t, 16> bytes{};
  std::uint8_t version = 4;  // 4 or 6

  auto operator<=>(const Address&) const = default;  // NOLINT(modernize-use-nullptr)
};

struct Endpoint {
  Address address;
  std::uint16_t port = 0;

  auto operator<=>(const Endpoint&) const = default;
};

// VLAN ids outermost first; VID 0 (priority tag) counts as untagged and is left out.
struct VlanStack {
  std::array<std::uint16_t, 3> ids{};
  std::uint8_t count = 0;

  auto operator<=>(const VlanStack&) const = default;
};

// Flag bits as in the TCP header (RFC 9293 §3.1); `reserved` holds the four bits beside them.
enum TcpFlag : std::uint8_t { fin = 1, syn = 2, rst = 4, psh = 8, ack = 16, urg = 32, ece = 64, cwr = 128 };

struct TcpFlags {
  std::uint8_t bits = 0;

  [[nodiscard]] constexpr bool has(TcpFlag flag) const { return (bits & flag) != 0; }
  constexpr bool operator==(const TcpFlags&) const = default;
};

struct TimestampOption {
  std::uint32_t value = 0;  // TSval
  std::uint32_t echo = 0;   // TSecr
};

struct SackBlock {
  Seq left;
  Seq right;
};

// The options as found. A list that does not parse cleanly to its end never gets this far (EVASIONS D12).
struct TcpOptions {
  std::optional<std::uint16_t> mss;
  std::optional<std::uint8_t> window_scale;  // as sent; more than 14 counts as 14 (RFC 7323 §2.3)
  std::optional<TimestampOption> timestamps;
  std::array<SackBlock, 4> sack{};
  std::uint8_t sack_count = 0;
  bool sack_permitted = false;
  bool md5 = false;         // kind 19, RFC 2385
  bool ao = false;          // kind 29, RFC 5925
  bool fast_open = false;   // kind 34 or the experimental 254 with magic 0xF989, RFC 7413
  bool mp_capable = false;  // kind 30, RFC 8684: subtype 0
  bool mp_join = false;     // subtype 1
  bool unknown = false;     // a well-formed option of a kind not named here (EOL and NOP apart)
};

struct IpFields {
  std::uint8_t version = 4;
  std::uint8_t ttl = 0;          // hop limit
  std::uint8_t tos = 0;          // traffic class
  std::uint16_t id = 0;          // IPv4 only
  std::uint32_t flow_label = 0;  // IPv6 only
  bool dont_fragment = false;
  bool more_fragments = false;
  bool reserved_bit = false;
  std::uint16_t total_length = 0;  // IPv4 total length, IPv6 payload length
  std::uint32_t options = 0;       // IPv4 options present, one bit a kind: 1 << (kind & 31)
  bool reassembled = false;        // put together from fragments
};

// Where the headers stand in the buffer that holds the segment.
struct Layout {
  std::uint32_t ip = 0;       // start of the innermost IP header
  std::uint32_t tcp = 0;      // start of the TCP header
  std::uint32_t payload = 0;  // start of the TCP payload
  std::uint32_t end = 0;      // one past the payload; what follows is link padding
  std::uint32_t pppoe = 0;    // start of the PPPoE header (RFC 2516), 0 if there is none
};

// The sides of a pair of ports, as far as the input tells them apart.
enum class Side : std::uint8_t { outside, inside, unknown };

struct Segment {
  Endpoint source;
  Endpoint destination;
  VlanStack vlan;
  Seq seq;
  Seq ack;
  TcpFlags flags;
  std::uint8_t reserved = 0;
  std::uint16_t window = 0;  // as in the header, unscaled
  std::uint16_t urgent = 0;
  TcpOptions options;
  IpFields ip;
  Layout layout;
  std::span<std::uint8_t> payload;
  Timestamp time{};
  Side side = Side::unknown;  // where it came in

  [[nodiscard]] bool has(TcpFlag flag) const { return flags.has(flag); }
  // Sequence space that the segment takes (RFC 9293 §3.4: SYN and FIN count one each).
  [[nodiscard]] std::uint32_t sequence_length() const {
    return static_cast<std::uint32_t>(payload.size()) + (has(TcpFlag::syn) ? 1U : 0U) +
           (has(TcpFlag::fin) ? 1U : 0U);
  }
};

[[nodiscard]] std::string to_string(const Address& address);  // RFC 5952 for IPv6
[[nodiscard]] std::string to_string(TcpFlags flags);          // e.g. "SA", "FPA"; "." for none

}  // namespace lockstep::reassembly
