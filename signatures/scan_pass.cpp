#include "signatures/scan_pass.hpp"

#include <algorithm>
#include <bit>
#include <exception>
#include <functional>

#include "signatures/conditions.hpp"

namespace lockstep::signatures {
namespace {

int on_literal(unsigned id, unsigned long long /*from*/, unsigned long long to, unsigned /*flags*/,
               void* hits) {
  static_cast<HitList*>(hits)->add(id, to);
  return 0;
}

std::uint64_t content_size(const CompiledRule& rule) {
  return std::get<CompiledContent>(rule.options[rule.literal->option]).bytes.size();
}

}  // namespace

void StreamScanner::Pass::run(std::span<const std::uint8_t> bytes, const StreamChunk& chunk,
                              const StreamHistory& history, Ends ends) {
  bytes_ = bytes;
  chunk_ = &chunk;
  direction_ = chunk.direction;
  history_ = &history;
  ends_ = ends;
  start_ = scanner_.offset_;
  known_ = start_ + bytes.size();
  scanner_.offset_ = known_;
  if (!scanner_.state_) {
    if (bytes.empty()) return;
    scanner_.state_ = std::make_unique<State>();
    scanner_.state_->open(*scanner_.group_);
  }
  scratch_.counters.scanned_bytes += bytes.size();
  if (!bytes.empty()) find_literals();
  if (!scanner_.state_->always_taken) take_up_always();
  if (!scanner_.state_->pending.empty()) {
    schedule_all();
    take_turns();
    let_go();
  }
  for (HitList& hits : scratch_.hits) hits.clear();
}

// ---- what comes into question

void StreamScanner::Pass::find_literals() {
  for (std::size_t i = 0; i < RuleGroup::stream_sets; ++i) {
    const LiteralSet& set = scanner_.group_->stream[i];
    HitList& hits = scratch_.hits[i];
    if (set.empty()) continue;
    if (hs_scan_stream(scanner_.state_->streams[i], reinterpret_cast<const char*>(bytes_.data()),
                       static_cast<unsigned>(bytes_.size()), 0, scratch_.hyperscan, on_literal,
                       &hits) != HS_SUCCESS)
      std::terminate();
    for (const LiteralHit& hit : hits.hits())
      for (std::uint32_t use = set.first[hit.literal]; use < set.first[hit.literal + 1]; ++use)
        take_up(set.uses[use], hit);
  }
}

void StreamScanner::Pass::take_up(const LiteralUse& use, const LiteralHit& hit) {
  // Hyperscan counts from where its stream was opened.
  const std::uint64_t first = scanner_.begin_ + hit.first_end();
  const std::uint64_t last = scanner_.begin_ + hit.last_end;
  if (first > use.max_end || last < use.min_end) return;
  if (compiled_[use.rule].absolute && !scanner_.absolute_) return;
  if (!header_holds(set_.rule(use.rule), context_.packet) || speaks_otherwise(use.rule)) return;
  ++scratch_.counters.candidates;
  Pending* entry = entry_of(use.rule);
  if (entry == nullptr) {
    entry = new_entry(use.rule);
    if (entry == nullptr) return;
    entry->wake_at = never;
    entry->fresh = true;
    entry->unlisted_until = start_ + use.tail;
  }
  if (entry->dead) {
    entry->dead = false;
    entry->wake_at = never;
    entry->waits_for = 0;
  }
  entry->hit = &hit;
  entry->last_literal = std::max(entry->last_literal, last + use.tail);
  entry->wake_at = std::min(entry->wake_at, first + use.tail);
}

void StreamScanner::Pass::take_up_always() {
  scanner_.state_->always_taken = true;
  for (const std::uint32_t rule : scanner_.group_->stream_always) {
    if (compiled_[rule].absolute && !scanner_.absolute_) continue;
    if (!header_holds(set_.rule(rule), context_.packet)) continue;
    Pending* entry = new_entry(rule);
    if (entry == nullptr) continue;
    entry->last_literal = never;
    entry->wake_at = start_ + 1;
  }
}

StreamScanner::Pending* StreamScanner::Pass::entry_of(std::uint32_t rule) {
  for (Pending& entry : scanner_.state_->pending)
    if (entry.rule == rule) return &entry;
  return nullptr;
}

// Beyond the limit the rule that would be evaluated last gives way: drop rules come before alerts.
StreamScanner::Pending* StreamScanner::Pass::new_entry(std::uint32_t rule) {
  std::vector<Pending>& pending = scanner_.state_->pending;
  Pending entry;
  entry.rule = rule;
  entry.floor = scanner_.begin_;
  if (pending.size() < max_pending + scanner_.group_->stream_always.size())
    return &pending.emplace_back(entry);
  ++scratch_.counters.pending_limit;
  // Rules without a literal never give way: nothing would bring them back.
  const auto rank = [](const Pending& other) {
    return other.last_literal == never ? 0 : (other.dead ? never : std::uint64_t{other.rule} + 1);
  };
  Pending& last =
      *std::max_element(pending.begin(), pending.end(),
                        [&](const Pending& left, const Pending& right) { return rank(left) < rank(right); });
  if (rank(last) <= std::uint64_t{rule} + 1) return nullptr;
  return &(last = entry);
}

// ---- whose turn it is

void StreamScanner::Pass::schedule_all() {
  scratch_.due.clear();
  for (Pending& entry : scanner_.state_->pending) {
    if (entry.dead) continue;
    const std::uint64_t turn = first_turn(entry);
    if (turn <= known_) schedule(entry, turn);
  }
}

std::uint64_t StreamScanner::Pass::first_turn(Pending& entry) {
  if (entry.parked) {
    if (!conditions_hold(entry.rule, known_)) return never;
    entry.parked = false;
    return is_end() ? known_ : start_ + 1;
  }
  if (is_end()) return entry.waits_for_end && decides_now(compiled_[entry.rule]) ? known_ : never;
  const std::uint64_t turn = std::min(entry.wake_at, awaited(entry));
  // What was asked before is not asked again.
  return turn == never ? turn : std::max(turn, start_ + 1);
}

// The first offset within the new bytes at which a content ends that the rule waits for.
std::uint64_t StreamScanner::Pass::awaited(const Pending& entry) {
  std::uint64_t first = never;
  for (std::uint64_t waits = entry.waits_for; waits != 0; waits &= waits - 1) {
    const auto index = static_cast<std::size_t>(std::countr_zero(waits));
    if (index == 63) return std::min(first, start_ + 1);
    const auto& content = std::get<CompiledContent>(compiled_[entry.rule].options[index]);
    const std::uint64_t size = content.bytes.size();
    const std::uint64_t back = std::min(size - 1, start_ - scanner_.begin_);
    need(start_ - back);
    const std::uint64_t from = std::max(start_ - back, copied_from_);
    const Bytes haystack(at(from), std::min(known_, first) - from);
    const auto found = content.nocase ? find_folded(haystack, content.bytes, content.anchor)
                                      : find_exact(haystack, content.bytes);
    if (found) first = from + *found + size;
  }
  return first;
}

void StreamScanner::Pass::schedule(Pending& entry, std::uint64_t at, std::uint32_t round) {
  entry.wake_at = at;
  const auto index = static_cast<std::uint32_t>(&entry - scanner_.state_->pending.data());
  scratch_.due.push_back({at, round, entry.rule, index});
  std::push_heap(scratch_.due.begin(), scratch_.due.end(), std::greater<>());
}

void StreamScanner::Pass::take_turns() {
  std::vector<Due>& due = scratch_.due;
  while (!due.empty()) {
    std::pop_heap(due.begin(), due.end(), std::greater<>());
    const Due turn = due.back();
    due.pop_back();
    Pending& entry = scanner_.state_->pending[turn.pending];
    if (entry.wake_at != turn.at || entry.dead || entry.parked) continue;
    round_ = turn.round;
    if (may_work_on(entry) || turn.at == known_) {
      ++work_;
      ask(entry, turn.at);
    } else {
      ++scratch_.counters.work_limit;
      schedule(entry, known_);
    }
  }
}

bool StreamScanner::Pass::may_work_on(const Pending& entry) const {
  return work_ < max_work && regex_searched_ < max_regex && entry.regex_searched < max_regex_of_rule;
}

void StreamScanner::Pass::count_regex(Pending& entry, std::uint64_t searched) {
  regex_searched_ += searched;
  entry.regex_searched =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(entry.regex_searched + searched, max_regex_of_rule));
}

bool StreamScanner::Pass::conditions_hold(std::uint32_t rule, std::uint64_t at) const {
  return flow_holds(set_.rule(rule), context_.packet, MatchOn::stream) &&
         state_holds(set_.rule(rule), context_) &&
         (!compiled_[rule].asks_for_protocol ||
          protocols_hold(set_.rule(rule), context_.seen(direction_, at), direction_));
}

// Nothing more can be learnt of what the connection speaks, and the rule asks for something else.
bool StreamScanner::Pass::speaks_otherwise(std::uint32_t rule) const {
  const auto& asked = set_.rule(rule).protocols;
  // What was unknown before is no answer to wait for.
  const bool before = std::any_of(asked.begin(), asked.end(), [](const AppLayerProtocol& option) {
    return option.protocols.contains(AppProtocol::unknown);
  });
  return compiled_[rule].asks_for_protocol && context_.protocols != nullptr &&
         context_.protocols->complete() && !before &&
         !protocols_hold(set_.rule(rule), context_.seen(direction_), direction_);
}

// Where the protocol of this direction is decided, if rules that were asked at `at` are to be asked again
// there.
std::uint64_t StreamScanner::Pass::protocol_after(std::uint64_t at) const {
  if (context_.protocols == nullptr) return never;
  const std::uint64_t decided = context_.protocols->decided_at(direction_);
  return decided > at && decided <= known_ ? decided : never;
}

void StreamScanner::Pass::ask(Pending& entry, std::uint64_t at) {
  entry.wake_at = never;
  if (!conditions_hold(entry.rule, at)) {
    const std::uint64_t later = compiled_[entry.rule].asks_for_protocol ? protocol_after(at) : never;
    entry.parked = later == never;
    if (!entry.parked) schedule(entry, later);
    return;
  }
  if (at <= entry.floor) {
    entry.wake_at = at + 1;
    if (at < known_) schedule(entry, at + 1);
    return;
  }
  if (lacks_regex(entry)) {
    Answer not_yet;
    not_yet.retry_at = known_ + 1;
    return settle(entry, not_yet);
  }
  const bool early = ends_.of_packet && compiled_[entry.rule].early;
  const bool closed = is_end() && (ends_.of_stream || early);
  const Answer answer = evaluate(entry, at, closed);
  const Answer& open = closed && !ends_.of_stream ? evaluate(entry, at, false) : answer;
  if (answer.holds) return fire(entry, at, answer.from, early && !open.holds);
  settle(entry, open);
}

// Whether no offset of this pass can do, for want of a pcre that the rule needs. Searches each byte once,
// unless a match that begins there is under way, where an evaluation would search the window again and again.
bool StreamScanner::Pass::lacks_regex(Pending& entry) {
  const auto& needed = compiled_[entry.rule].needed_regex;
  if (!needed || entry.regex_asked || is_end()) return false;
  entry.regex_asked = true;
  const std::uint64_t bottom = start_ + 1 > set_.window() ? start_ + 1 - set_.window() : 0;
  const std::uint64_t first = std::max({entry.no_regex_before, entry.floor, bottom});
  // A `^` reads the byte before.
  const std::uint64_t before = first > std::max(entry.floor, bottom) ? first - 1 : first;
  need(before);
  const std::uint64_t from = std::min(std::max(before, copied_from_), known_);
  Regex::Subject subject;
  subject.bytes = Bytes(at(from), known_ - from);
  subject.start = std::max(first, from) - from;
  subject.first_line = from == 0;
  const auto& regex = std::get<CompiledPcre>(compiled_[entry.rule].options[*needed]).regex;
  count_regex(entry, subject.bytes.size() - subject.start);
  const Regex::Ahead ahead = regex.search_ahead(subject, scratch_.regex);
  if (ahead.status != Regex::Status::absent) return false;
  entry.no_regex_before = from + ahead.none_before;
  return true;
}

void StreamScanner::Pass::settle(Pending& entry, const Answer& answer) {
  entry.dead = answer.dead();
  entry.waits_for = answer.waits_for;
  entry.waits_for_end = answer.waits_for_end;
  entry.wake_at = answer.retry_at;
  if (entry.dead) return;
  if (answer.retry_at <= known_) schedule(entry, answer.retry_at);
}

void StreamScanner::Pass::fire(Pending& entry, std::uint64_t at, std::uint64_t from, bool early) {
  const Rule& rule = set_.rule(entry.rule);
  entry.floor = at;
  entry.waits_for = 0;
  entry.waits_for_end = false;
  entry.wake_at = next_after_match(entry);
  entry.dead = entry.wake_at == never;
  if (entry.wake_at <= known_) schedule(entry, entry.wake_at);
  if (matches_ == nullptr) return;
  ++scratch_.counters.matches;
  if (matches_->size() - already_ < max_matches) {
    matches_->push_back({entry.rule, rule.id, MatchOn::stream, direction_, early, from, at});
  } else {
    ++scratch_.counters.match_limit;
  }
  if (compiled_[entry.rule].writes_state && write_state(rule, context_)) wake_parked(entry, at);
}

// The first offset at which the rule can match again: where its literal's content ends next, behind the
// match. `never`: nowhere in what is known.
std::uint64_t StreamScanner::Pass::next_after_match(const Pending& entry) const {
  if (entry.last_literal == never) return entry.floor + 1;
  const std::uint64_t first = entry.floor + content_size(compiled_[entry.rule]);
  if (entry.last_literal < first) return never;
  const Occurrences occurrences = occurrences_of(entry);
  if (occurrences.unlisted_until >= first) return first;
  for (const std::uint64_t end : occurrences.ends)
    if (end + occurrences.shift >= first) return end + occurrences.shift;
  return first;
}

// The content of a literal has ended where the scan of this pass told, or up to where it had when the pass
// began. (Hits that the rule's literal may not use are left out: its content may not either.)
Occurrences StreamScanner::Pass::occurrences_of(const Pending& entry) const {
  Occurrences occurrences;
  if (entry.last_literal == never) return occurrences;
  occurrences.unlisted_until = entry.unlisted_until;
  if (entry.hit == nullptr) return occurrences;
  occurrences.ends = entry.hit->ends();
  occurrences.shift = scanner_.begin_ + compiled_[entry.rule].literal->tail;
  if (occurrences.ends.back() != entry.hit->last_end)
    occurrences.listed_until = occurrences.ends.back() + occurrences.shift;
  return occurrences;
}

// State written at an offset counts there for every rule: later ones in this round, earlier ones in a further
// one.
void StreamScanner::Pass::wake_parked(const Pending& writer, std::uint64_t at) {
  for (Pending& entry : scanner_.state_->pending) {
    if (!entry.parked || entry.dead || entry.floor == at) continue;
    entry.parked = false;
    schedule(entry, at, entry.rule > writer.rule ? round_ : round_ + 1);
  }
}

// ---- the bytes to look at

// Makes the bytes from `from` (or the first that is kept) to the end of the pass contiguous.
void StreamScanner::Pass::need(std::uint64_t from) {
  from = std::max({from, history_->begin(), scanner_.begin_});
  // A pass that is not the first over a long chunk has the bytes before it in the chunk itself.
  const std::uint64_t bottom = start_ > set_.window() ? start_ - set_.window() : 0;
  from = std::min(std::max(from, bottom), start_);
  if (!copied_) {
    std::copy(bytes_.begin(), bytes_.end(), scratch_.bytes.begin() + set_.window());
    copied_from_ = start_;
    copied_ = true;
  }
  if (from >= copied_from_) return;
  std::uint8_t* to = scratch_.bytes.data() + (set_.window() - (start_ - from));
  const std::span<std::uint8_t> wanted(to, copied_from_ - from);
  const std::uint64_t from_history =
      from < chunk_->offset ? std::min(chunk_->offset, copied_from_) - from : 0;
  if (from_history > 0) history_->copy(from, wanted.first(from_history));
  if (const auto rest = wanted.subspan(from_history); !rest.empty()) {
    const auto first =
        chunk_->bytes.begin() + static_cast<std::ptrdiff_t>(from + from_history - chunk_->offset);
    std::copy(first, first + static_cast<std::ptrdiff_t>(rest.size()), rest.begin());
  }
  copied_from_ = from;
}

Answer StreamScanner::Pass::evaluate(Pending& entry, std::uint64_t at_offset, bool closed) {
  const CompiledRule& rule = compiled_[entry.rule];
  std::uint64_t from = std::max(entry.floor, at_offset > set_.window() ? at_offset - set_.window() : 0);
  // Taken up in this pass, all that the rule can use lies behind the first byte of its literal.
  if (entry.fresh && rule.lookback <= start_) from = std::max(from, start_ + 1 - rule.lookback);
  need(from);
  from = std::max(from, copied_from_);
  ++scratch_.counters.evaluations;
  // `at` of a place in the new bytes is fine too: they follow the window in the buffer.
  const Answer answer = scratch_.evaluator.evaluate({rule, at(std::min(from, known_)), std::min(from, known_),
                                                     known_, entry.floor, set_.window(), at_offset, closed,
                                                     entry.last_literal, occurrences_of(entry)});
  count_regex(entry, answer.regex_searched);
  scratch_.counters.recursion_limit += answer.recursion_limit ? 1U : 0U;
  scratch_.counters.pcre_limit += answer.pcre_limit ? 1U : 0U;
  return answer;
}

// Forgets rules that can match no more without a new occurrence of their literal.
void StreamScanner::Pass::let_go() {
  // The end of the stream may yet be asked about at the same offset.
  const std::uint64_t bottom = known_ > set_.window() ? known_ - set_.window() : 0;
  auto& pending = scanner_.state_->pending;
  const auto done = [&](Pending& entry) {
    entry.fresh = false;
    entry.regex_asked = false;
    entry.regex_searched = 0;
    entry.hit = nullptr;
    entry.unlisted_until = entry.last_literal;
    if (entry.last_literal != never && entry.last_literal < bottom + content_size(compiled_[entry.rule]))
      entry.dead = true;
    return entry.dead && (entry.floor <= bottom || entry.floor == scanner_.begin_);
  };
  pending.erase(std::remove_if(pending.begin(), pending.end(), done), pending.end());
  if (pending.empty() && pending.capacity() > 16) std::vector<Pending>().swap(pending);
}

}  // namespace lockstep::signatures
