#include "signatures/evaluator.hpp"

#include <algorithm>

namespace lockstep::signatures {

Answer Evaluator::evaluate(const Question& question) {
  question_ = &question;
  answer_ = {};
  end_ = question.end;
  begin_ = std::max(question.floor, question.end > question.window ? question.end - question.window : 0);
  begin_ = std::max(begin_, question.base);
  steps_ = 0;
  searched_ = 0;
  explored_ = 0;
  std::fill_n(missing_.begin(), std::min(remembered, question.rule.options.size()), Missing{});
  discontinue_ = false;
  std::fill_n(variables_.begin(), question.rule.variables, 0);
  // Nothing is seen of an empty range, but it may be asked about: a rule of negations alone.
  begin_ = std::min(begin_, end_);
  answer_.from = never;
  answer_.holds = next(0, 0);
  if (!answer_.holds || answer_.from == never) answer_.from = begin_;
  return answer_;
}

bool Evaluator::next(std::size_t index, std::uint64_t cursor) {
  if (index == question_->rule.options.size()) return true;
  if (++steps_ > max_steps) return give_up();
  return std::visit([&](const auto& option) { return step(option, index, cursor); },
                    question_->rule.options[index]);
}

bool Evaluator::give_up() {
  discontinue_ = true;
  answer_.recursion_limit = true;
  return false;
}

void Evaluator::retry(std::uint64_t offset) {
  if (offset > end_) answer_.retry_at = std::min(answer_.retry_at, offset);
}

// Looking ahead is bounded too; beyond the bound the next question is asked where nothing is known yet.
bool Evaluator::may_explore() {
  if (explored_ <= max_searched) return true;
  answer_.recursion_limit = true;
  retry(question_->known + 1);
  return false;
}

bool Evaluator::known_missing(std::size_t index, std::uint64_t lo, std::uint64_t hi) const {
  return index < remembered && lo >= missing_[index].lo && hi <= missing_[index].hi;
}

void Evaluator::remember_missing(std::size_t index, std::uint64_t lo, std::uint64_t hi) {
  if (index < remembered) missing_[index] = {lo, hi};
}

// What starts at `start` leaves the window when the offset asked about is one window further, plus one.
void Evaluator::retry_when_dropped(std::uint64_t start) {
  if (start >= question_->floor) retry(start + question_->window + 1);
}

// Beyond every stream, and far from overflow in sums.
constexpr std::int64_t far_away = std::int64_t{1} << 56;

std::uint64_t Evaluator::number(const Operand& operand) const {
  return operand.is_variable() ? variables_[static_cast<std::size_t>(operand.variable) & 255]
                               : static_cast<std::uint64_t>(operand.value);
}

std::int64_t Evaluator::position(const Operand& operand) const {
  if (!operand.is_variable()) return operand.value;
  return static_cast<std::int64_t>(std::min(number(operand), static_cast<std::uint64_t>(far_away)));
}

Evaluator::Window Evaluator::window_of(const CompiledContent& content, std::uint64_t cursor) const {
  const auto given = [&](const std::optional<Operand>& operand) { return operand ? position(*operand) : 0; };
  if (!content.relative) {
    const std::uint64_t lo = moved(0, given(content.offset));
    return {lo, content.depth ? moved(lo, given(content.depth)) : never};
  }
  // Before the first byte the start is clamped, the end is not.
  const std::int64_t distance = given(content.distance);
  Window window{moved(cursor, distance), never};
  if (content.within) window.hi = moved(cursor, distance + given(content.within));
  if (content.offset) window.lo = std::max(window.lo, moved(0, given(content.offset)));
  if (content.depth) window.hi = std::min(window.hi, moved(cursor, given(content.depth)));
  return window;
}

namespace {
bool equal(const CompiledContent& content, const std::uint8_t* bytes) {
  return content.nocase ? equal_folded(bytes, content.bytes)
                        : std::equal(content.bytes.begin(), content.bytes.end(), bytes);
}
}  // namespace

// Start of the first occurrence within [lo, hi), or `never`; `bytes` is the byte at lo.
std::uint64_t Evaluator::find(const CompiledContent& content, const std::uint8_t* bytes, std::uint64_t lo,
                              std::uint64_t hi) {
  const Bytes haystack(bytes, hi - lo);
  const auto found = content.nocase ? find_folded(haystack, content.bytes, content.anchor)
                                    : find_exact(haystack, content.bytes);
  return found ? lo + *found : never;
}

// The same for the content of the rule's literal; `lo` is a byte that is given.
std::uint64_t Evaluator::find_listed(const CompiledContent& content, std::uint64_t lo,
                                     std::uint64_t hi) const {
  const Occurrences& occurrences = question_->occurrences;
  const std::uint64_t size = content.bytes.size();
  const std::uint64_t until = std::min(hi, occurrences.unlisted_until);
  if (until >= lo + size) {
    const std::uint64_t start = find(content, at(lo), lo, until);
    if (start != never) return start;
  }
  for (const std::uint64_t listed : occurrences.ends) {
    const std::uint64_t end = listed + occurrences.shift;
    if (end > hi) return never;
    if (end >= lo + size && equal(content, at(end - size))) return end - size;
  }
  if (occurrences.listed_until >= hi) return never;
  lo = std::max(lo, occurrences.listed_until + 1 - std::min(occurrences.listed_until + 1, size));
  return hi >= lo + size ? find(content, at(lo), lo, hi) : never;
}

std::uint64_t Evaluator::locate(const CompiledContent& content, std::size_t index, std::uint64_t lo,
                                std::uint64_t hi) const {
  const auto& literal = question_->rule.literal;
  return literal && literal->option == index ? find_listed(content, lo, hi) : find(content, at(lo), lo, hi);
}

// What is counted depends on the range alone, not on how it was searched.
std::uint64_t Evaluator::find(const CompiledContent& content, std::size_t index, std::uint64_t lo,
                              std::uint64_t hi) {
  if (lo >= hi || hi - lo < content.bytes.size()) return never;
  searched_ += hi - lo;
  return locate(content, index, lo, hi);
}

// The window of a content seen up to the end asked about held no (further) occurrence: the next one that ends
// beyond.
void Evaluator::note_missing(const CompiledContent& content, std::size_t index, const Window& window) {
  if (question_->closed) return;
  const std::uint64_t length = content.bytes.size();
  const std::uint64_t first = end_ + 1 > length ? end_ + 1 - length : 0;
  const std::uint64_t lo = std::max({window.lo, begin_, first});
  const std::uint64_t hi = std::min(window.hi, question_->known);
  if (question_->known > end_ && lo < hi && hi - lo >= length && may_explore()) {
    explored_ += hi - lo;
    const std::uint64_t start = locate(content, index, lo, hi);
    if (start != never) return retry(start + length);
  }
  // A gated content needs a further literal; one whose content ends beyond the known bytes is on its way.
  const bool may_come = !content.gated || question_->last_literal > question_->known;
  if (window.hi > question_->known && may_come) answer_.waits_for |= 1ULL << std::min<std::size_t>(index, 63);
}

bool Evaluator::ends_here(const CompiledContent& content, const Window& window) {
  const std::uint64_t length = content.bytes.size();
  if (end_ < begin_ + length) return false;
  const std::uint64_t start = end_ - length;
  return start >= window.lo && end_ <= window.hi && equal(content, at(start));
}

bool Evaluator::absent(const CompiledContent& content, std::size_t index, const Window& window) {
  if (window.lo > window.hi || window.hi == 0) return true;
  // Bytes that were forgotten may have held it: memory may cost a match, never invent one.
  if (window.hi != never && std::max(window.lo, question_->floor) < begin_) return false;
  if (content.ends_with) {
    if (!question_->closed) {
      answer_.waits_for_end = true;
      return false;
    }
    return !ends_here(content, window);
  }
  const std::uint64_t start = find(content, index, std::max(window.lo, begin_), std::min(window.hi, end_));
  if (start != never) {
    retry_when_dropped(start);
    return false;
  }
  const bool complete = window.hi == never || window.hi <= end_ || question_->closed;
  if (!complete) {
    answer_.waits_for_end = true;
    retry(window.hi);
  }
  return complete;
}

bool Evaluator::step(const CompiledContent& content, std::size_t index, std::uint64_t cursor) {
  const Window window = window_of(content, cursor);
  if (content.negated) return absent(content, index, window) && next(index + 1, cursor);

  const std::uint64_t length = content.bytes.size();
  if (content.ends_with) {
    if (!question_->closed) {
      answer_.waits_for_end = true;
      return false;
    }
    if (!ends_here(content, window) || !next(index + 1, end_)) return false;
    answer_.from = std::min(answer_.from, end_ - length);
    return true;
  }
  std::uint64_t lo = std::max(window.lo, begin_);
  const std::uint64_t hi = std::min(window.hi, end_);
  for (bool found_before = false;; found_before = true) {
    const bool repeated = known_missing(index, lo, hi);
    const std::uint64_t start = repeated ? never : find(content, index, lo, hi);
    if (searched_ > max_searched) return give_up();
    if (start == never) {
      if (!repeated) remember_missing(index, lo, hi);
      if (!repeated || window.hi != never) note_missing(content, index, window);
      // That it is nowhere depends on nothing tried before.
      if (content.independent && !found_before) discontinue_ = true;
      return false;
    }
    if (next(index + 1, start + length)) {
      answer_.from = std::min(answer_.from, start);
      return true;
    }
    if (discontinue_ || !content.relative_next) return false;
    if (++steps_ > max_steps) return give_up();
    lo = start + 1;
  }
}

bool Evaluator::step(const IsDataAt& at, std::size_t index, std::uint64_t cursor) {
  const std::uint64_t place = moved(at.relative ? cursor : 0, position(at.at));
  // Relative: place <= end. Absolute: place < end. The difference of one byte is Suricata's.
  const std::uint64_t needed = at.relative ? place : place + 1;
  const bool there = needed <= end_;
  if (!at.negated) {
    if (!there) retry(needed);
    return there && next(index + 1, cursor);
  }
  if (there) return false;
  if (!question_->closed) {
    answer_.waits_for_end = true;
    return false;
  }
  return next(index + 1, cursor);
}

}  // namespace lockstep::signatures
