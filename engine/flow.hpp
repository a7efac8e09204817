// One TCP connection in the flow table: both mirrors, counts, and what was decided for good. The whole of an
// idle established flow, asserted below; bytes held and scanner state are apart.
#pragma once
#include <array>
#include <cstdint>
#include <memory>

#include "engine/flow_node.hpp"
#include "engine/framing_table.hpp"
#include "engine/inspection.hpp"
#include "engine/reason.hpp"
#include "engine/sides.hpp"
#include "engine/verdict.hpp"
#include "reassembly/session.hpp"

namespace lockstep {

using reassembly::Direction;
using reassembly::reverse;

struct Flow final : FlowNode {
  Flow(const FlowKey& flow_key, Timestamp now, reassembly::Session&& tracked, bool client_low)
      : FlowNode(flow_key, now), session(std::move(tracked)), start(now), client_is_low(client_low) {}

  reassembly::Session session;
  std::unique_ptr<Inspection> inspection;  // null: no rule can match
  std::uint64_t number = 0;                // no other flow of the run has it
  Timestamp start;
  std::array<std::uint64_t, 2> bytes{};  // of frames, by Direction
  std::array<std::uint32_t, 2> packets{};
  std::uint64_t events_told = 0;                     // stream events that were logged once already
  std::uint32_t dropped_by = 0;                      // sid of the rule that dropped or rejected it, 0: none
  FramingTable::Index framing = FramingTable::none;  // towards the server
  std::array<std::uint8_t, 2> flags_seen{};
  Final final_verdict = Final::none;
  Reason final_reason = Reason::none;
  MidstreamPolicy midstream = MidstreamPolicy::adopt;
  Release release = Release::none;  // with Final::passed and bypassed
  // By the direction of our reset: 0, there was none; else one more than the repeats that may follow.
  std::array<std::uint8_t, 2> resets_left{};
  Sides sides;
  bool client_is_low : 1 = false;
  bool alerted : 1 = false;
  bool in_kernel : 1 = false;  // the kernel decides its packets alone; what still comes here passes likewise
  bool stale : 1 = false;      // the kernel did, and the session is from before that
  reassembly::DirectionSet drop_told;  // the direction's first drop after the flow's verdict was logged
  reassembly::DirectionSet gap;
  std::array<std::uint8_t, 2> most_regions{1, 1};  // runs of bytes held at one time; 255: or more
  std::uint16_t rules_epoch = 0;  // Inspector::epoch() when the rules were last asked what they can match
  // When out-of-order data began to wait, or a hole before it was filled last; seconds, by Direction.
  std::array<std::uint32_t, 2> hole_since{};

  [[nodiscard]] Direction direction(bool packet_from_low) const {
    return packet_from_low == client_is_low ? Direction::to_server : Direction::to_client;
  }
  [[nodiscard]] bool has_gap() const { return gap.any(); }
  [[nodiscard]] reassembly::Endpoint client() const { return client_is_low ? key.low() : key.high(); }
  [[nodiscard]] reassembly::Endpoint server() const { return client_is_low ? key.high() : key.low(); }
};
static_assert(sizeof(Flow) <= 512);

}  // namespace lockstep
