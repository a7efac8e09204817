// Matches the stream of one direction of one flow (one per reading where several stay open) as if it came a
// byte at a time:
//
// * A rule is evaluated on [max(S, E - W, begin), E) for each E. S is 0, or the end of the rule's last match
// in this
//   direction; W is RuleSet::window(); begin is the first offset of this scanner. It fires at the smallest E
//   > S at which all its options hold, then again from S = E. Offsets, depths and `^` count from stream
//   offset 0, not from the window; the cursor of relative options starts at offset 0.
// * A negated content without an end, and a negated pcre, are decided on the bytes before E. A negated
// content whose
//   window ends (depth, within) holds only once E reaches that end, `isdataat:!`, `endswith`, `$`, `\z` and
//   `\Z` only once the direction has ended, with E the end of the stream.
// * The end of the direction is a step of its own after the last byte: rules are asked once more, in order of
//   evaluation, at the same E (those that have not fired there).
// * For drop and reject rules the direction counts as ended, for that rule alone, at the end of each packet,
// once
//   everything else was judged there: the rule then fires there, flagged `early`. This is the one answer that
//   depends on how the stream was cut.
// * Flowbits and flowints that a rule writes at E count at E for every rule: at one E the rules are judged in
//   their order, again and again until none fires, each at most once. So a rule that waits for nothing but
//   such state fires at the E where it was written. State written elsewhere (by the other direction, by
//   packet rules, by time) is seen from the next byte on.
//
// * What the connection speaks counts from the byte on that decided it; a rule that matched before and asks
// for
//   it fires there, as one does that waits for a flowbit.
//
// The answer is the same for every cut of the same bytes, within these bounds, each with a counter in
// MatchCounters: one evaluation takes at most 3,000 steps and 1 MiB searched; a chunk takes at most max_work
// evaluations, and gives at most max_regex bytes to pcre, max_regex_of_rule for one rule; beyond that a rule
// is evaluated once more, at the end of the chunk; at most max_pending rules wait in one direction (rules
// evaluated last give way); one call reports at most max_matches.
//
// Memory: Hyperscan's stream state (52–130 bytes for literals) plus `sizeof`, and 72 bytes for each rule that
// waits. One thread at a time. The RuleSet of the group must outlive it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "signatures/flow_state.hpp"
#include "signatures/host_state.hpp"
#include "signatures/match.hpp"
#include "signatures/packet.hpp"
#include "signatures/protocol_detector.hpp"
#include "signatures/rule_set.hpp"
#include "signatures/scratch.hpp"

namespace lockstep::signatures {

// Around a chunk or packet: the packet that brought it (for a chunk: addresses, ports, state and counters,
// not its payload), and the state that rules read and write.
struct MatchContext {
  const PacketFields& packet;
  FlowState& flow;
  HostState* hosts = nullptr;                   // null: xbits are never set and setting them does nothing
  const ProtocolDetector* protocols = nullptr;  // null: nothing is known

  [[nodiscard]] SeenProtocols seen(Direction direction, std::uint64_t at = ProtocolDetector::never) const {
    return protocols != nullptr ? protocols->seen(direction, at) : SeenProtocols{};
  }
};

class StreamScanner {
 public:
  static constexpr std::size_t max_pending = 256;
  static constexpr std::size_t max_work = 2048;
  static constexpr std::uint64_t max_regex = 4 * 1024 * 1024;
  static constexpr std::uint64_t max_regex_of_rule = 1024 * 1024;
  static constexpr std::size_t max_matches = 4096;
  static constexpr std::size_t slice = 16 * 1024;  // longer chunks are taken in parts

  StreamScanner();  // of no group: scans nothing
  // `begin` is the offset of the first byte that will come. `absolute`: offset 0 is the byte after the SYN;
  // if not (a connection met in its middle), rules that name absolute positions do not match.
  StreamScanner(const RuleSet& set, const RuleGroup* group, std::uint64_t begin = 0, bool absolute = true);
  StreamScanner(const StreamScanner& other);  // when a reading forks
  StreamScanner& operator=(const StreamScanner& other);
  StreamScanner(StreamScanner&& other) noexcept;
  StreamScanner& operator=(StreamScanner&& other) noexcept;
  ~StreamScanner();

  // Appends to `matches`. The chunk starts where the last one ended. `history` gives at least the last
  // min(window, offset - begin) bytes before the chunk; where it gives less, rules see less.
  // `more_of_packet`: another chunk of the same packet follows, so nothing is decided early yet.
  void scan(const StreamChunk& chunk, const StreamHistory& history, const MatchContext& context,
            Scratch& scratch, std::vector<Match>& matches, bool more_of_packet = false);

  // After a reload, on a fresh scanner that begins at the tail's offset: takes up bytes that were forwarded
  // before. What matches within them is not reported and writes no state; what merely starts there can match
  // later.
  void prime(const StreamChunk& tail, const MatchContext& context, Scratch& scratch);

  // Across a gap: nothing matches across `offset`.
  void restart(std::uint64_t offset);

  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  [[nodiscard]] bool scans() const { return group_ != nullptr; }
  [[nodiscard]] std::size_t waiting() const;
  [[nodiscard]] std::size_t heap_bytes() const;

 private:
  struct State;
  struct Pending;
  class Pass;
  void run(const StreamChunk& chunk, const StreamHistory& history, const MatchContext& context,
           Scratch& scratch, std::vector<Match>* matches, bool more_of_packet);

  [[nodiscard]] bool decides_early() const;

  const RuleSet* set_ = nullptr;
  const RuleGroup* group_ = nullptr;
  std::uint64_t offset_ = 0;
  std::uint64_t begin_ = 0;
  bool absolute_ = true;
  std::unique_ptr<State> state_;
};

}  // namespace lockstep::signatures
