// Whether the payload options of one rule hold on the bytes before one offset, and if not, when to ask again.
//
// All offsets are those of the stream (of the payload, for a packet). Bytes beyond the offset asked about may
// be given: they never change the answer, only sharpen `retry_at`. Bounded: 3,000 steps and 1 MiB searched,
// then the answer is no, flagged. No allocation.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "signatures/byte_search.hpp"
#include "signatures/compiled.hpp"
#include "signatures/regex.hpp"

namespace lockstep::signatures {

inline constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

// What a scan for literals has told about the content of the rule's literal: so that it is not searched for
// again.
struct Occurrences {
  // It may end anywhere up to here ...
  std::uint64_t unlisted_until = never;
  // ... and behind that only at these places (ascending) plus `shift` ...
  std::span<const std::uint64_t> ends;
  std::uint64_t shift = 0;
  // ... and anywhere behind this one.
  std::uint64_t listed_until = never;
};

struct Question {
  const CompiledRule& rule;
  const std::uint8_t* bytes;  // the byte at offset `base`
  std::uint64_t base;
  std::uint64_t known;  // bytes are given up to here
  std::uint64_t floor;  // nothing before it is seen, whatever the window
  std::uint64_t window;
  std::uint64_t end;           // the offset asked about, <= known
  bool closed;                 // nothing follows `end`
  std::uint64_t last_literal;  // end of the last known occurrence of the rule's literal's content
  Occurrences occurrences{};
};

struct Answer {
  bool holds = false;
  bool recursion_limit = false;
  bool pcre_limit = false;
  // Nothing but the end of the direction (or a window's end, at retry_at) is missing on some path.
  bool waits_for_end = false;
  std::uint64_t from = 0;            // start of the match
  std::uint64_t regex_searched = 0;  // bytes given to pcre
  // The smallest later offset at which the answer may change, as far as bytes are known.
  std::uint64_t retry_at = never;
  // Contents (bit n: option n, 63: any) one of which must occur in bytes not known yet before the answer can
  // change otherwise.
  std::uint64_t waits_for = 0;

  [[nodiscard]] bool dead() const { return retry_at == never && waits_for == 0 && !waits_for_end; }
};

class Evaluator {
 public:
  static constexpr unsigned max_steps = 3000;
  static constexpr std::uint64_t max_searched = 1024 * 1024;

  explicit Evaluator(RegexScratch& regex) : regex_(regex) {}
  [[nodiscard]] Answer evaluate(const Question& question);

 private:
  struct Window {
    std::uint64_t lo;
    std::uint64_t hi;  // `never`: without an end
  };

  bool next(std::size_t index, std::uint64_t cursor);
  bool step(const CompiledContent& content, std::size_t index, std::uint64_t cursor);
  bool step(const IsDataAt& at, std::size_t index, std::uint64_t cursor);
  bool step(const CompiledPcre& pcre, std::size_t index, std::uint64_t cursor);
  bool step(const ByteTest& test, std::size_t index, std::uint64_t cursor);
  bool step(const ByteJump& jump, std::size_t index, std::uint64_t cursor);
  bool step(const ByteExtract& extract, std::size_t index, std::uint64_t cursor);
  bool step(const ByteMath& math, std::size_t index, std::uint64_t cursor);

  [[nodiscard]] Window window_of(const CompiledContent& content, std::uint64_t cursor) const;
  bool absent(const CompiledContent& content, std::size_t index, const Window& window);
  [[nodiscard]] bool ends_here(const CompiledContent& content, const Window& window);
  static std::uint64_t find(const CompiledContent& content, const std::uint8_t* bytes, std::uint64_t lo,
                            std::uint64_t hi);
  [[nodiscard]] std::uint64_t find_listed(const CompiledContent& content, std::uint64_t lo,
                                          std::uint64_t hi) const;
  [[nodiscard]] std::uint64_t locate(const CompiledContent& content, std::size_t index, std::uint64_t lo,
                                     std::uint64_t hi) const;
  std::uint64_t find(const CompiledContent& content, std::size_t index, std::uint64_t lo, std::uint64_t hi);
  [[nodiscard]] bool known_missing(std::size_t index, std::uint64_t lo, std::uint64_t hi) const;
  void remember_missing(std::size_t index, std::uint64_t lo, std::uint64_t hi);
  void note_missing(const CompiledContent& content, std::size_t index, const Window& window);

  struct Number {
    std::uint64_t value;
    std::uint64_t end;  // behind what was read
  };
  bool place_of(const ByteRead& read, std::uint64_t cursor, std::uint64_t& place) const;
  bool read(const ByteRead& read, std::uint64_t cursor, Number& number);
  bool read_digits(const ByteRead& read, std::uint64_t cursor, Number& number);
  bool read_text(const ByteRead& read, std::uint64_t at, std::uint64_t count, Number& number) const;

  struct PcreSubject {
    std::uint64_t start;
    bool at_true_start;
  };
  Regex::Result search(const CompiledPcre& pcre, const PcreSubject& subject, std::uint64_t from,
                       std::uint64_t end, std::uint64_t& work);
  void note_change(const CompiledPcre& pcre, const PcreSubject& subject, std::uint64_t from,
                   const Regex::Result& answer);

  // As a position or length, and as a number to compare or compute with.
  [[nodiscard]] std::int64_t position(const Operand& operand) const;
  [[nodiscard]] std::uint64_t number(const Operand& operand) const;
  [[nodiscard]] const std::uint8_t* at(std::uint64_t offset) const {
    return question_->bytes + (offset - question_->base);
  }
  void retry(std::uint64_t offset);
  bool may_explore();
  void retry_when_dropped(std::uint64_t start);
  bool give_up();

  RegexScratch& regex_;
  const Question* question_ = nullptr;
  Answer answer_;
  std::uint64_t begin_ = 0;  // first byte seen
  std::uint64_t end_ = 0;
  unsigned steps_ = 0;
  std::uint64_t searched_ = 0;  // for the answer: a function of the offset asked about alone
  std::uint64_t explored_ = 0;  // for retry_at
  bool discontinue_ = false;
  std::array<std::uint64_t, 256> variables_{};

  // Where a search of a content came up empty, so that backtracking does not repeat it.
  struct Missing {
    std::uint64_t lo = 0;
    std::uint64_t hi = 0;
  };
  static constexpr std::size_t remembered = 32;
  std::array<Missing, remembered> missing_{};
};

// cursor + distance, neither below 0 nor beyond the last offset.
[[nodiscard]] constexpr std::uint64_t moved(std::uint64_t cursor, std::int64_t distance) {
  if (distance < 0) {
    const std::uint64_t back = 0 - static_cast<std::uint64_t>(distance);
    return back > cursor ? 0 : cursor - back;
  }
  const auto forward = static_cast<std::uint64_t>(distance);
  return forward >= never - cursor ? never - 1 : cursor + forward;
}

}  // namespace lockstep::signatures
