// StreamChunk and packet → Match → Decision: asks the rules on behalf of the pipeline. One per worker and
// thread; its memory is reused, so that nothing is allocated per packet in steady state.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "engine/actions.hpp"
#include "engine/packet.hpp"
#include "engine/rule_generation.hpp"
#include "signatures/packet_matcher.hpp"
#include "signatures/scratch.hpp"

namespace lockstep {

class Inspector {
 public:
  // The error is text for the user. `hosts` must outlive the inspector.
  [[nodiscard]] static tl::expected<Inspector, std::string> make(
      std::shared_ptr<const RuleGeneration> rules, HostTable& hosts, ActionSettings settings,
      EncryptionHandling tls = EncryptionHandling::full);

  // Gives a flow scanners that start at what becomes readable next, if any rule can match it.
  void open(Flow& flow) const;

  // Takes another set up, between two packets: new flows are opened under it at once. An error (of memory)
  // changes nothing. The set must have the window of the one before. `ready` was made for this set elsewhere,
  // as that takes milliseconds; without it that is done here. No scanner of an earlier set is used any more.
  [[nodiscard]] tl::expected<void, std::string> adopt(std::shared_ptr<const RuleGeneration> rules,
                                                      std::optional<signatures::Scratch> ready = {});
  // Counts the sets taken up, modulo 2^16. A flow that carries another number was last opened under an
  // earlier set: renew() it before anything else is asked about it.
  [[nodiscard]] std::uint16_t epoch() const { return epoch_; }
  // Brings such a flow under the set in force. Its scanners begin with the tail of the stream that is kept,
  // at most window() bytes: what starts there can match from now on, what ends there was told by the set
  // before or came too early for this one. Flowbits stay; so do verdicts for the whole flow.
  void renew(Flow& flow, Timestamp now);
  // A flow that was just opened goes on with what the rules of addresses alone have told of its SYN.
  void resume(Flow& flow, const HalfOpenRecord& record);

  // A packet begins: forgets the matches of the one before.
  void begin(const Packet& packet);
  // Takes up what the session has ruled since.
  void describe(const Packet& packet);
  // Rules of headers and single payloads, on what the packet will leave as. A packet without a flow is asked
  // for itself alone. Rules that read flowbits and write none are judged in the second turn, behind the scan.
  using PacketTurn = signatures::PacketTurn;
  void match_packet(const Packet& packet, PacketTurn turn);
  // The next readable bytes of a direction, at their stream offset; `own` are the packet's bytes that are not
  // yet in the assembler. `last`: nothing more becomes readable by this packet. `ended`: nothing can follow
  // at all.
  struct Chunk {
    Direction direction = Direction::to_server;
    reassembly::StreamOffset offset = 0;
    std::span<const std::uint8_t> bytes;
    reassembly::StreamOffset own_offset = 0;
    std::span<const std::uint8_t> own;
    bool last = true;
    bool ended = false;
  };
  void scan(Flow& flow, const Chunk& chunk);
  // The same for another reading of the stream; what the first reading found at the same place is not told
  // twice, nor what ends at `told_to` or before.
  void scan(Flow& flow, OtherReading& reading, const Chunk& chunk, reassembly::StreamOffset told_to = 0);

  // No more bytes will come in this direction, and no FIN said so: asks the rules that wait for that. Matches
  // and decision are valid until the next call; those of the packet under way stay. Empty: nothing matched.
  [[nodiscard]] LateMatches end(Flow& flow, Direction direction, Timestamp now);

  // Whether anything of the flow is to be looked at any more; Release::none if so. Cheap unless something was
  // learnt since it was asked last.
  [[nodiscard]] Release outlook(Flow& flow) const;
  // From here on the flow's packets are judged one by one, and what they say of its streams is not believed.
  static void judge_packets_alone(Flow& flow);
  // The flow is not inspected any more: its scanners go.
  static void close(Flow& flow);

  // What the matches lead to, noted on the flow; valid until the next begin().
  [[nodiscard]] const Decision& decide(const Packet& packet, bool already_dropped);
  [[nodiscard]] const RuleGeneration& generation() const { return *rules_; }
  [[nodiscard]] std::span<const signatures::Match> matches() const { return matches_; }

  // Bytes of history that the scanners look back to.
  [[nodiscard]] std::uint32_t window() const { return rules_->set->window(); }
  [[nodiscard]] const signatures::MatchCounters& counters() const { return scratch_.counters(); }

 private:
  void match_without_flow(const Packet& packet, PacketTurn turn);
  void note_matched(Inspection& inspection, std::span<const signatures::Match> matches) const;
  struct Scan {
    const signatures::PacketFields& fields;
    std::vector<signatures::Match>& matches;
    reassembly::StreamOffset told_to = 0;  // what ends here or before was told
  };
  void scan_with(signatures::StreamScanner& scanner, const Flow& flow, const Chunk& chunk,
                 const signatures::StreamHistory& history, Scan to);
  void scan_reading(Flow& flow, OtherReading& reading, const Chunk& chunk, Scan to);
  [[nodiscard]] static signatures::FlowEndpoints ends(const Flow& flow);
  static void describe_flow(const Flow& flow, Timestamp now, signatures::PacketFields& fields);
  [[nodiscard]] static signatures::PacketFields stream_fields(const Flow& flow, Direction way, Timestamp now);
  // renewal.cpp
  void note_told(Flow& flow, Direction way, const RuleGeneration& before, Timestamp now);
  void forget_told(const Inspection& inspection, Direction direction, std::ptrdiff_t from);
  void take_up_tail(Flow& flow, Direction way, OtherReading* reading, Timestamp now);
  Inspector(std::shared_ptr<const RuleGeneration> rules, HostTable& hosts, ActionSettings settings,
            EncryptionHandling tls, signatures::Scratch&& scratch);

  std::shared_ptr<const RuleGeneration> rules_;
  HostTable* hosts_;
  ActionDecider decider_;
  EncryptionHandling tls_;
  signatures::Scratch scratch_;
  signatures::PacketFields fields_;
  bool first_ = false;              // the packet is its direction's first
  signatures::FlowState no_state_;  // of packets without a flow
  std::vector<signatures::Match> matches_;
  std::vector<signatures::Match> late_matches_;
  ActionDecider late_decider_;
  std::shared_ptr<const RuleGeneration> before_;  // the set that rules_ followed
  std::uint16_t epoch_ = 0;
  std::vector<std::uint8_t> tail_;
  reassembly::StreamOffset tail_from_ = 0;
};

}  // namespace lockstep
