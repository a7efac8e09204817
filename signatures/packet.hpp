// What this folder takes of a packet and of a stream: plain values, filled by the caller.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "signatures/address_set.hpp"

namespace lockstep::signatures {

using Timestamp = std::chrono::sys_time<std::chrono::nanoseconds>;

enum class Direction : std::uint8_t { to_server, to_client };

// Bit numbers of stream events (StreamEvent::name), given by the caller's table at compile time of the rule
// set.
using StreamEvents = std::uint64_t;

struct PacketFields {
  Timestamp time{};
  Address source, destination;
  std::uint16_t source_port = 0, destination_port = 0;
  std::uint8_t ip_version = 4;
  std::uint8_t protocol = 6;  // IP protocol number
  std::uint8_t ttl = 0, tos = 0;
  std::uint16_t ip_id = 0;
  std::uint16_t fragment_offset = 0;
  bool more_fragments = false, dont_fragment = false, reserved_bit = false;
  bool reassembled = false;      // from IP fragments
  std::uint32_t ip_options = 0;  // 1 << (kind & 31) for each IPv4 option present
  std::uint8_t tcp_flags = 0;    // header bits, FIN = 1 … CWR = 128
  std::uint32_t seq = 0, ack = 0;
  std::uint16_t window = 0;
  std::optional<std::uint16_t> mss;
  std::optional<std::uint8_t> window_scale;
  std::uint8_t icmp_type = 0, icmp_code = 0;
  std::optional<std::uint16_t> icmp_id, icmp_sequence;
  bool ip_checksum_valid = true, checksum_valid = true;
  std::span<const std::uint8_t> payload;
  std::span<const std::uint8_t> tcp_header;  // with its options; empty where there is none

  bool has_flow = false;     // a flow exists for it
  bool established = false;  // three-way handshake complete, or adopted
  bool in_stream = false;    // its payload entered the stream and is scanned there too
  Direction direction = Direction::to_server;
  bool decides_protocol = false;  // the first of its direction since the direction's protocol is decided
  StreamEvents events = 0;
  std::uint64_t stream_size_client = 0,
                stream_size_server = 0;  // next_seq - ISN of each side, so 1 after the SYN
  std::chrono::seconds flow_age{0};
  std::uint64_t flow_packets_to_server = 0, flow_packets_to_client = 0;
  std::uint64_t flow_bytes_to_server = 0, flow_bytes_to_client = 0;
};

// The next bytes of one direction, in order: `offset` is the end of what came before.
struct StreamChunk {
  Direction direction = Direction::to_server;
  std::uint64_t offset = 0;  // of bytes[0]; 0 is the first byte after the SYN
  std::span<const std::uint8_t> bytes;
  bool end_of_stream = false;  // nothing can follow in this direction
};

// The bytes just before a chunk, kept by the caller. Valid during the call that takes it.
class StreamHistory {
 public:
  virtual ~StreamHistory() = default;
  // First offset still kept; offsets from here to the chunk's offset can be read.
  [[nodiscard]] virtual std::uint64_t begin() const = 0;
  // Copies the bytes [from, from + to.size()), all of them kept, into `to`.
  virtual void copy(std::uint64_t from, std::span<std::uint8_t> to) const = 0;
};

}  // namespace lockstep::signatures
