// One compiled regular expression of a rule (PCRE2, JIT where the machine has it), with what evaluation must
// know about how its answer changes as the subject grows. Immutable; any thread, each with its own
// RegexScratch.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <tl/expected.hpp>

#include "signatures/byte_search.hpp"
#include "signatures/rule.hpp"

namespace lockstep::signatures {

class RegexScratch {
 public:
  RegexScratch();
  RegexScratch(const RegexScratch&) = delete;
  RegexScratch& operator=(const RegexScratch&) = delete;
  ~RegexScratch();

 private:
  friend class Regex;
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

class Regex {
 public:
  struct Found {
    std::size_t start;
    std::size_t end;
    bool operator==(const Found&) const = default;
  };
  enum class Status : std::uint8_t { found, absent, limit };
  struct Result {
    Status status = Status::absent;
    Found at{0, 0};
  };
  struct Subject {
    Bytes bytes;
    std::size_t start = 0;   // where the search begins; what lies before is seen by look-behind only
    bool first_line = true;  // `^` holds at bytes[0]
    bool last_line = false;  // `$` holds at the end
  };

  // The error names the place in the pattern.
  [[nodiscard]] static tl::expected<Regex, std::string> compile(const Pcre& pcre);
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;
  ~Regex();

  [[nodiscard]] Result search(const Subject& subject, RegexScratch& scratch) const;

  // What a search without end says about longer subjects: `none_before` is where the first match can start
  // that more bytes may complete. Only for an expression that resumes().
  struct Ahead {
    Status status = Status::absent;
    std::size_t none_before = 0;  // if absent
  };
  [[nodiscard]] Ahead search_ahead(const Subject& subject, RegexScratch& scratch) const;

  // Grows, and does not ask where the subject starts or ends other than by `^`: where no match starts now and
  // none is under way, none will, however many bytes follow or are forgotten.
  [[nodiscard]] bool resumes() const { return resumes_; }
  // Without look-around, word boundaries, atomic groups and their like: whether and where the expression
  // matches depends on nothing but bytes before the end of the match, so its answer changes at most by
  // finding a path that it prefers as bytes are added.
  [[nodiscard]] bool grows() const { return grows_; }
  // `^` may hold behind a line's end: what it finds depends on the byte before.
  [[nodiscard]] bool looks_back() const { return looks_back_; }
  // Can match at the end of the subject only (`\z`, `\Z`): asked only once the direction has ended.
  [[nodiscard]] bool wants_end() const { return wants_end_; }
  // Has a `$`: it may come to match when the direction ends.
  [[nodiscard]] bool has_dollar() const { return has_dollar_; }
  // Every match starts where the subject starts (`^`, `\A`, flag A).
  [[nodiscard]] bool anchored() const { return anchored_; }

 private:
  struct Code;
  Regex();
  void classify(const Pcre& pcre);

  std::unique_ptr<Code> code_;
  bool override_limit_ = false;
  bool grows_ = false;
  bool resumes_ = false;
  bool looks_back_ = false;
  bool wants_end_ = false;
  bool has_dollar_ = false;
  bool anchored_ = false;
};

}  // namespace lockstep::signatures
