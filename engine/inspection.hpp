// What the rules know of one flow. Absent where no rule can match the flow: nothing is scanned or kept for
// it.
#pragma once
#include <array>
#include <memory>
#include <span>
#include <vector>

#include "engine/rule_generation.hpp"
#include "reassembly/direction.hpp"
#include "reassembly/overlap.hpp"
#include "signatures/flow_state.hpp"
#include "signatures/protocol_detector.hpp"
#include "signatures/stream_scanner.hpp"
#include "signatures/tls_records.hpp"

namespace lockstep {

// Observing: another way in which the host may have read a stream of which copies differed. It has a scanner
// of its own until the difference lies farther back than any rule can look.
using reassembly::Direction;

struct OtherReading {
  struct Patch {
    reassembly::StreamOffset offset = 0;
    std::vector<std::uint8_t> bytes;
  };
  Direction direction = Direction::to_server;
  reassembly::ModelSet models = 0;  // the hosts that read it so
  signatures::StreamScanner scanner;
  std::vector<Patch> patches;  // what differs from the assembler's bytes, ascending
};

struct Inspection {
  std::shared_ptr<const RuleGeneration> rules;
  signatures::FlowRules groups;
  std::array<signatures::StreamScanner, 2> scanners;  // by Direction
  signatures::FlowState state;
  bool packets_alone = false;                 // MidstreamPolicy::ignore
  signatures::ProtocolDetector protocols;     // by the flow's own reading
  std::array<signatures::TlsRecords, 2> tls;  // with EncryptionHandling::bypass
  std::uint8_t asked_left = 0;                // the facts under which rules_left was asked last; 0: never
  bool none_left = false;                     // and its answer
  std::array<bool, 2>
      protocol_judged{};             // the direction's packet that decided was judged by app-layer-protocol
  std::vector<OtherReading> others;  // observing only, nearly always empty
  std::array<reassembly::ModelSet, 2> models{~0U, ~0U};  // hosts that read as the assembler has it
  struct Gap {
    reassembly::StreamOffset from = 0;
    reassembly::StreamOffset to = 0;
  };
  std::array<Gap, 2> gaps{};  // the last one of each direction, [from, to); empty: none
  std::array<bool, 2>
      packet_seen{};  // the direction's first packet was judged by the rules of addresses alone
  // After a reload: rules of addresses alone that the set before has told of this flow. Nearly always empty.
  struct Told {
    Direction direction = Direction::to_server;
    signatures::RuleId rule;
  };
  std::vector<Told> told;
  // The rules that have matched on the flow, shadows apart, each once, in the order of their first match; no
  // more than `most_matched` are noted. For who asks about the flow; nearly always empty.
  static constexpr std::size_t most_matched = 16;
  std::vector<signatures::RuleId> matched;
};

// Writes what the reading has in [from, from + bytes.size()) over `bytes`.
void patch(const OtherReading& reading, reassembly::StreamOffset from, std::span<std::uint8_t> bytes);

}  // namespace lockstep
