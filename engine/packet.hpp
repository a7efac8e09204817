// One packet on its way through the pipeline, and what observers are told of it when the way has ended.
// Pointers and spans are valid during the call that hands it over.
#pragma once
#include <cstdint>
#include <span>

#include "engine/actions.hpp"
#include "engine/flow.hpp"
#include "engine/half_open_table.hpp"
#include "engine/verdict.hpp"
#include "reassembly/frame.hpp"
#include "reassembly/ruling.hpp"
#include "reassembly/segment.hpp"
#include "reassembly/wire.hpp"

namespace lockstep {

struct Packet {
  enum class Kind : std::uint8_t { segment, fragment, passed, malformed };

  reassembly::Frame* frame = nullptr;            // as it came, or the datagram put together from fragments
  const reassembly::Segment* segment = nullptr;  // Kind::segment only
  Kind kind = Kind::passed;
  reassembly::PassKind passed = reassembly::PassKind::non_ip;
  Flow* flow = nullptr;  // null: no connection is known, or it is half open
  Direction direction = Direction::to_server;
  bool half_open = false;
  HalfOpenRecord* record = nullptr;  // of a half-open connection, if it has one and keeps it
  bool new_flow = false;             // this packet created the flow
  bool allowed = false;              // an operator lets an address of it pass without inspection
  bool hairpin = false;              // it left here before, and a router sent it back
  reassembly::Ruling ruling;
  Verdict verdict;
  bool datagram = false;    // put together from fragments, which are told one by one besides
  std::uint64_t bytes = 0;  // on the wire
  std::span<const signatures::Match> matches;  // of rules, in the order in which they fired
  const Decision* decision = nullptr;          // what they lead to; null if there are none
  const RuleGeneration* rules = nullptr;       // the set that the matches number
  std::uint32_t dropped_by = 0;                // sid of the rule that decided a drop or reject
};

// Rules that waited for the end of a direction which ends without a FIN.
struct LateMatches {
  const Flow* flow = nullptr;
  Direction direction = Direction::to_server;
  Timestamp time{};
  std::span<const signatures::Match> matches;  // never empty
  const Decision* decision = nullptr;          // of which the alerts count: there is no packet to drop
  const RuleGeneration* rules = nullptr;
};

// Why a flow's record ended; Suricata's words (EVE flow.reason).
enum class FlowEnd : std::uint8_t { timeout, forced, shutdown, tcp_reuse };

[[nodiscard]] constexpr std::string_view name(FlowEnd end) {
  switch (end) {
    case FlowEnd::timeout:
      return "timeout";
    case FlowEnd::forced:
      return "forced";
    case FlowEnd::shutdown:
      return "shutdown";
    case FlowEnd::tcp_reuse:
      return "tcp_reuse";
  }
  return "timeout";
}

// Told of everything that happens, in order. Must not call the pipeline.
class Observer {
 public:
  Observer() = default;
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;
  virtual ~Observer() = default;

  // A segment came: its direction and flow are known, its bytes are as they came.
  virtual void on_arrival(const Packet&) {}
  // The packet's way has ended; a segment's payload may have been rewritten since it came.
  virtual void on_packet(const Packet& packet) = 0;
  // Bytes became readable to the receiver, in order: `offset` continues the last chunk but after a gap.
  virtual void on_chunk(const Flow&, Direction, reassembly::StreamOffset, std::span<const std::uint8_t>) {}
  // Bytes [from, to) of a direction will never be seen.
  virtual void on_gap(const Flow&, Direction, reassembly::StreamOffset, reassembly::StreamOffset) {}
  // Another rule set is in force, for the packets behind this.
  virtual void on_reload(const RuleGeneration&, Timestamp) {}
  // Comes before its flow's end.
  virtual void on_late_matches(const LateMatches&) {}
  virtual void on_flow_end(const Flow&, FlowEnd, Timestamp) {}
  // A connection of which only SYNs were seen is forgotten.
  virtual void on_half_open_end(const HalfOpenRecord&, FlowEnd, Timestamp) {}
  // The kernel's verdict on this flow no longer holds; null: none does.
  virtual void on_recall(const Flow*) {}
  // A packet of our own went out, of so many bytes.
  virtual void on_made(Direction, reassembly::TcpFlags, std::size_t) {}
};

}  // namespace lockstep
