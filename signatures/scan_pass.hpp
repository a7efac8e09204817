// One pass of a StreamScanner over one contiguous run of new bytes: literals first, then the rules whose turn
// it is, in order of the offsets at which their answer can change.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include <hs/hs.h>

#include "signatures/rule_set_parts.hpp"
#include "signatures/scratch_parts.hpp"
#include "signatures/stream_scanner.hpp"

namespace lockstep::signatures {

// A rule that may still match with what was seen, or that matched so lately that its last match bounds the
// next.
struct StreamScanner::Pending {
  std::uint32_t rule = 0;
  bool dead = false;                 // kept for `floor` alone
  bool parked = false;               // its flow or state options did not hold; the payload was not asked
  bool waits_for_end = false;        // Answer
  bool fresh = false;                // taken up in this pass
  bool regex_asked = false;          // CompiledRule::needed_regex, in this pass
  std::uint32_t regex_searched = 0;  // bytes given to its pcre in this pass
  std::uint64_t floor = 0;           // end of its last match
  std::uint64_t last_literal =
      0;  // end of the last occurrence of its literal's content; `never`: has no literal
  std::uint64_t wake_at = 0;
  std::uint64_t waits_for = 0;        // Answer
  std::uint64_t no_regex_before = 0;  // no match of needed_regex starts before it, whatever follows
  const LiteralHit* hit = nullptr;    // of its literal in this pass
  std::uint64_t unlisted_until = 0;   // end of the last occurrence that is not among `hit`'s
};

struct StreamScanner::State {
  std::array<hs_stream_t*, RuleGroup::stream_sets> streams{};
  std::vector<Pending> pending;
  bool always_taken = false;

  State() = default;
  State(const State& other);
  State& operator=(const State&) = delete;
  ~State();
  void open(const RuleGroup& group);
};

class StreamScanner::Pass {
 public:
  // What a pass without bytes stands for.
  struct Ends {
    bool of_stream;
    bool of_packet;
  };

  Pass(StreamScanner& scanner, const MatchContext& context, Scratch::Parts& scratch,
       std::vector<Match>* matches, std::size_t already)
      : scanner_(scanner),
        set_(*scanner.set_),
        compiled_(set_.parts().compiled),
        context_(context),
        scratch_(scratch),
        matches_(matches),
        already_(already) {}

  void run(std::span<const std::uint8_t> bytes, const StreamChunk& chunk, const StreamHistory& history,
           Ends ends);

 private:
  void find_literals();
  void take_up(const LiteralUse& use, const LiteralHit& hit);
  void take_up_always();
  Pending* entry_of(std::uint32_t rule);
  Pending* new_entry(std::uint32_t rule);

  void schedule_all();
  [[nodiscard]] std::uint64_t first_turn(Pending& entry);
  [[nodiscard]] std::uint64_t awaited(const Pending& entry);
  void schedule(Pending& entry, std::uint64_t at, std::uint32_t round = 0);
  void take_turns();
  void ask(Pending& entry, std::uint64_t at);
  [[nodiscard]] bool lacks_regex(Pending& entry);
  void settle(Pending& entry, const Answer& answer);
  void fire(Pending& entry, std::uint64_t at, std::uint64_t from, bool early);
  [[nodiscard]] std::uint64_t next_after_match(const Pending& entry) const;
  [[nodiscard]] Occurrences occurrences_of(const Pending& entry) const;
  void wake_parked(const Pending& writer, std::uint64_t at);
  [[nodiscard]] bool may_work_on(const Pending& entry) const;
  void count_regex(Pending& entry, std::uint64_t searched);
  Answer evaluate(Pending& entry, std::uint64_t at, bool closed);
  void let_go();

  // A pass without bytes is the end of a packet or of the direction.
  [[nodiscard]] bool is_end() const { return bytes_.empty(); }
  // What waits for the end of the direction is decided now.
  [[nodiscard]] bool decides_now(const CompiledRule& rule) const {
    return ends_.of_stream || (rule.early && ends_.of_packet);
  }
  [[nodiscard]] bool conditions_hold(std::uint32_t rule, std::uint64_t at) const;
  [[nodiscard]] bool speaks_otherwise(std::uint32_t rule) const;
  [[nodiscard]] std::uint64_t protocol_after(std::uint64_t at) const;
  void need(std::uint64_t from);
  [[nodiscard]] const std::uint8_t* at(std::uint64_t offset) const {
    return scratch_.bytes.data() + (set_.window() - (start_ - offset));
  }

  StreamScanner& scanner_;
  const RuleSet& set_;
  const std::vector<CompiledRule>& compiled_;
  const MatchContext& context_;
  Scratch::Parts& scratch_;
  std::vector<Match>* matches_;  // null: nothing is reported and no state is written
  std::size_t already_;

  std::span<const std::uint8_t> bytes_;
  Direction direction_ = Direction::to_server;
  const StreamHistory* history_ = nullptr;
  const StreamChunk* chunk_ = nullptr;
  Ends ends_{};
  std::uint64_t start_ = 0;  // of the new bytes
  std::uint64_t known_ = 0;  // their end
  std::uint64_t copied_from_ = 0;
  bool copied_ = false;
  std::size_t work_ = 0;
  std::uint64_t regex_searched_ = 0;
  std::uint32_t round_ = 0;
};

}  // namespace lockstep::signatures
