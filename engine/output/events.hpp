// What the engine has to report, as plain values; the outputs decide how it is written. Spans, views and
// pointers are valid during the call that takes the event.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/counters.hpp"
#include "engine/gauges.hpp"
#include "engine/reason.hpp"
#include "engine/rule_generation.hpp"
#include "engine/verdict.hpp"
#include "reassembly/direction.hpp"
#include "reassembly/frame.hpp"
#include "reassembly/segment.hpp"
#include "reassembly/tcp_state.hpp"
#include "signatures/rule.hpp"

namespace lockstep {

using reassembly::Direction;
using reassembly::Endpoint;
using reassembly::Timestamp;

// As users of Suricata know it: 19 bits of the start in seconds and microseconds over 32 bits of the keyed
// hash, 51 bits in all, so that it survives a double.
[[nodiscard]] std::uint64_t flow_id(Timestamp start, std::uint32_t hash);

// Where the bytes came from that an event is about.
enum class PacketSource : std::uint8_t { wire, defragmented, stream_timeout, shutdown };
[[nodiscard]] std::string_view name(PacketSource source);  // "wire/pcap", "defrag", ...

struct EventHeader {
  Timestamp time{};
  std::uint64_t flow_id = 0;        // 0: no flow
  std::uint64_t packet_number = 0;  // from 1; 0: not about one packet
  std::string_view interface = {};  // by which it came; empty: none
  reassembly::VlanStack vlan;
  bool addressed = true;  // false: the addresses could not be read
  Endpoint source;        // of the packet; of the client for a flow
  Endpoint destination;
  std::uint8_t protocol = 6;  // IP protocol number
  std::uint8_t icmp_type = 0, icmp_code = 0;
  std::optional<PacketSource> packet_source = PacketSource::wire;
};

// Our own part of an event: the object `lockstep`. Only what is set is written.
struct OwnFields {
  Reason reason = Reason::none;  // in alerts and drops the verdict's stands in its place
  struct Interval {
    std::uint64_t from = 0, to = 0;  // half-open
  };
  std::optional<Interval> offset;    // in the stream, of the bytes that the event is about
  std::optional<Interval> expected;  // sequence numbers that would have been taken
  std::optional<std::uint32_t> got;  // the sequence number that came
  std::uint64_t generation = 0;      // of the rule set; 0: none
  std::string_view state;            // of the connection, in RFC 9293's words
  std::uint32_t rule = 0;            // the sid that dropped the flow, for the packets after it
  bool adopted = false;              // the connection was in progress when it was first seen
  bool early = false;                // fired before its window was complete (drop and reject rules)
  bool would = false;                // observing: what enforcing would have done
  bool shadow = false;               // an alert of a shadow rule
  bool kernel = false;               // decided there, and this is a sample of what was
};

struct FlowAmounts {
  Amount to_server;
  Amount to_client;
};

// What the connection speaks; nothing is written of what is unknown.
struct AppProtoFields {
  signatures::AppProtocol flow = signatures::AppProtocol::unknown;
  signatures::AppProtocol to_server = signatures::AppProtocol::unknown;
  signatures::AppProtocol to_client = signatures::AppProtocol::unknown;
};

// What alerts and drops tell of the flow.
struct FlowFields {
  FlowAmounts amounts;
  Timestamp start{};
  Endpoint client;
  Endpoint server;
};

struct AlertEvent {
  EventHeader header;
  OwnFields own;
  const signatures::Rule* rule = nullptr;  // never null
  signatures::Action action =
      signatures::Action::alert;  // the rule's, or what --drop or a rate_filter made of it
  bool blocked = false;           // the action took place: enforcing, and drop or reject
  std::optional<Direction> direction;
  std::optional<FlowFields> flow;
  AppProtoFields app_proto;
  std::span<const std::uint8_t> payload;  // what was matched against; of the packet or of the stream
  bool stream = false;                    // the payload is reassembled data
  std::span<const std::uint8_t> packet;   // the whole frame
  reassembly::LinkType link = reassembly::LinkType::ethernet;
  Verdict verdict;  // of the packet, final
};

struct DropEvent {
  EventHeader header;
  OwnFields own;
  std::optional<Direction> direction;
  const reassembly::Segment* segment = nullptr;  // null if the packet is no TCP segment
  Verdict verdict{Action::drop, Reason::none};   // with the reason
  bool repeated = false;  // not the first packet of its direction since its flow was dropped as a whole
  const AlertEvent* alert = nullptr;  // the alert that caused it, if it came with this packet
};

enum class FlowState : std::uint8_t { fresh, established, closed, bypassed };
enum class FlowAction : std::uint8_t { none, drop, pass };

struct TcpSide {
  std::uint8_t flags = 0;  // all that were seen, TcpFlag bits
  bool gap = false;
  std::uint32_t max_regions = 0;  // runs of bytes held at one time, at most
};

struct FlowEvent {
  EventHeader header;
  OwnFields own;
  AppProtoFields app_proto;
  FlowAmounts amounts;
  FlowAmounts bypassed;
  Timestamp start{};
  Timestamp end{};
  FlowState state = FlowState::fresh;
  std::string_view end_reason = "timeout";  // or forced, shutdown, tcp_reuse
  bool alerted = false;
  FlowAction action = FlowAction::none;
  std::string_view midstream_policy = {};  // that was applied; empty: none
  bool diverged = false;
  bool capture_gap = false;
  bool tcp = true;
  TcpSide to_server;  // what the client sent
  TcpSide to_client;
  reassembly::TcpState tcp_state = reassembly::TcpState::closed;
};

struct AnomalyEvent {
  enum class Type : std::uint8_t { decode, stream };
  EventHeader header;
  OwnFields own;
  Type type = Type::stream;
  std::string_view event;  // "stream.est_packet_out_of_window", "decoder.ipv4.trunc_pkt", "stream.ambiguous"
};

struct StatsEvent {
  Timestamp time{};
  std::uint64_t uptime = 0;            // seconds
  const Counters* counters = nullptr;  // never null
  RuleCounts rules;
  std::uint64_t generation = 0;          // of the rule set in force; 0: none
  std::optional<Timestamp> last_reload;  // when it took another's place
  Gauges gauges;
};

}  // namespace lockstep
