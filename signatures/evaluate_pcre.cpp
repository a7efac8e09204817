// pcre in an evaluation: the search itself, and when its answer can change as bytes are added.
#include <algorithm>

#include "signatures/evaluator.hpp"

namespace lockstep::signatures {

Regex::Result Evaluator::search(const CompiledPcre& pcre, const PcreSubject& subject, std::uint64_t from,
                                std::uint64_t end, std::uint64_t& work) {
  work += end - from;
  answer_.regex_searched += end - from;
  Regex::Subject bytes;
  bytes.bytes = Bytes(at(subject.start), end - subject.start);
  bytes.start = from - subject.start;
  bytes.first_line = subject.at_true_start;
  bytes.last_line = question_->closed && end == end_;
  const Regex::Result result = pcre.regex.search(bytes, regex_);
  if (result.status == Regex::Status::limit) answer_.pcre_limit = true;
  return result;
}

// `answer` is what the search gave for the bytes up to the end asked about. For an expression that grows,
// paths that it prefers can only be added with more bytes: once its answer differs it never returns to this
// one, so the first offset at which it differs is found by halving.
void Evaluator::note_change(const CompiledPcre& pcre, const PcreSubject& subject, std::uint64_t from,
                            const Regex::Result& answer) {
  if (question_->closed) return;
  if (!pcre.regex.grows()) return retry(end_ + 1);
  // A `^` reads the byte before it: without that byte the expression may take another path from where it was
  // found. Where it was not found, forgetting bytes finds nothing.
  if (pcre.regex.looks_back() && answer.status != Regex::Status::absent) {
    retry_when_dropped(std::max(subject.start + answer.at.start, begin_ + 1) - 1);
  }
  if (!may_explore()) return;
  const auto differs = [&](std::uint64_t end) {
    const Regex::Result later = search(pcre, subject, from, end, explored_);
    return later.status != answer.status || !(later.at == answer.at);
  };
  std::uint64_t known = question_->known;
  if (known == end_ || !differs(known)) return retry(known + 1);
  std::uint64_t same = end_;
  while (known - same > 1) {
    const std::uint64_t middle = same + (known - same) / 2;
    (differs(middle) ? known : same) = middle;
  }
  retry(known);
}

bool Evaluator::step(const CompiledPcre& pcre, std::size_t index, std::uint64_t cursor) {
  const bool decided_at_end = pcre.regex.wants_end() || (pcre.negated && pcre.regex.has_dollar());
  if (decided_at_end && !question_->closed) {
    answer_.waits_for_end = true;
    return false;
  }
  if (pcre.regex.has_dollar()) answer_.waits_for_end = true;
  const std::uint64_t wanted = pcre.relative ? cursor : 0;
  if (wanted > end_) {
    retry(wanted);
    return pcre.negated && next(index + 1, cursor);
  }
  const PcreSubject subject{std::max(wanted, begin_), wanted >= begin_};
  if (pcre.regex.anchored() && !subject.at_true_start) return pcre.negated && next(index + 1, cursor);

  for (std::uint64_t from = subject.start;;) {
    const Regex::Result result = search(pcre, subject, from, end_, searched_);
    if (searched_ > max_searched) return give_up();
    if (result.status == Regex::Status::limit) return note_change(pcre, subject, from, result), false;
    const bool found = result.status == Regex::Status::found;
    if (pcre.negated) {
      if (!found) return next(index + 1, cursor);
      retry_when_dropped(subject.start + result.at.start);
      return note_change(pcre, subject, from, result), false;
    }
    if (!found) return note_change(pcre, subject, from, result), false;
    const std::uint64_t start = subject.start + result.at.start;
    if (next(index + 1, subject.start + result.at.end)) {
      answer_.from = std::min(answer_.from, start);
      return true;
    }
    if (!pcre.relative_next || discontinue_) return false;
    note_change(pcre, subject, from, result);
    if (pcre.regex.anchored()) return false;  // PCRE2 would take the next start for the anchor
    if (++steps_ > max_steps) return give_up();
    if (start + 1 > end_) return false;
    from = start + 1;
  }
}

}  // namespace lockstep::signatures
