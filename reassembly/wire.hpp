// Frame → Segment. The one place where lengths, checksums and options of a frame are checked; what comes out
// may be trusted to lie within the frame's bytes. Pure: no state, no clock, nothing allocated, nothing
// thrown.
//
// The answer is one of four. A Segment (TCP, whole and well formed). A Fragment of a datagram that is or may
// be TCP, for the FragmentTable. Passed: nothing this engine inspects; forwarded as it is and counted by
// kind. Malformed: dropped with its reason.
//
// What is checked, in this order: link and IP headers (of every IP packet), whether the frame holds all that
// the IP header announces, the TCP header, its checksum, its flags, its options. Bytes behind the IP packet
// are link padding and ignored. Accepted on purpose: any other combination of flags, reserved bits, any TTL;
// the session judges those. Tunnels but PPPoE are not unwrapped (EVASIONS I09).
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "reassembly/frame.hpp"
#include "reassembly/inside_prefixes.hpp"
#include "reassembly/reason.hpp"
#include "reassembly/segment.hpp"

namespace lockstep::reassembly {

struct WireConfig {
  bool verify_checksums = true;  // IPv4 header and TCP
  bool sides = false;            // Frame::port tells the side: even outside, odd inside
  // Else the addresses do, if this is set.
  std::shared_ptr<const InsidePrefixes> inside = {};
  // Observing: what Linux takes is taken, though other hosts may refuse it: options that do not parse to
  // their end, a first fragment without the whole TCP header, a fragment within what is held.
  bool as_linux = false;
};

// Every IPv4 fragment of TCP (or of an authentication header), and every IPv6 fragment: there the next header
// of the first one alone counts and the key that hosts use holds no protocol (RFC 8200 §4.5), so a piece that
// claims to be UDP may end up within a TCP datagram.
struct Fragment {
  Address source;
  Address destination;
  VlanStack vlan;
  IpFields ip;
  std::uint32_t id = 0;
  std::uint8_t protocol = 0;  // IPv4: of the datagram; IPv6: next header of the fragment header
  std::uint32_t offset = 0;   // of `payload` within the datagram's payload, bytes
  bool more = false;          // not the last one
  std::span<std::uint8_t> payload;
  std::uint32_t ip_header = 0;        // where these stand in the frame
  std::uint32_t fragment_header = 0;  // IPv6 only
  std::uint32_t next_header = 0;      // IPv6 only: the byte that announces the fragment header
  std::uint32_t payload_start = 0;
  std::uint32_t pppoe = 0;  // as in Layout
};

enum class PassKind : std::uint8_t { arp, neighbour_discovery, icmp, udp, sctp, tunnel, other_ip, non_ip };
inline constexpr std::size_t pass_kind_count = 8;
[[nodiscard]] std::string_view name(PassKind kind);

struct Passed {
  PassKind kind = PassKind::non_ip;
};

struct Malformed {
  Reason reason = Reason::truncated_frame;
  // As far as they were read, for the log: `addressed` if the addresses are set; a port is 0 if unknown.
  bool addressed = false;
  Endpoint source;
  Endpoint destination;
  VlanStack vlan;
  // What the headers of a TCP packet say all the same, where they can be read to their end: for rules of
  // headers. Nothing of it may be believed.
  std::optional<Segment> segment;
};

using Decoded = std::variant<Segment, Fragment, Passed, Malformed>;

[[nodiscard]] Decoded decode(const Frame& frame, const WireConfig& config);

}  // namespace lockstep::reassembly
