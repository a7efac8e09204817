// What one worker needs while it matches: made once, reused for every packet, so that nothing is allocated in
// steady state. One thread at a time; serves every set that it was prepared for.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include <tl/expected.hpp>

#include "signatures/rule_set.hpp"

namespace lockstep::signatures {

// What happened since the scratch was made. Each limit that can change an answer has a number of its own.
struct MatchCounters {
  std::uint64_t scanned_bytes = 0;
  std::uint64_t candidates = 0;   // rules taken up because their literal was found
  std::uint64_t evaluations = 0;  // of the rest of a rule
  std::uint64_t matches = 0;
  std::uint64_t recursion_limit = 0;  // an evaluation was given up: counts as no match
  std::uint64_t pcre_limit = 0;       // PCRE2's match limit: counts as no match
  std::uint64_t work_limit = 0;  // a rule got one more evaluation for the chunk instead of all it asked for
  std::uint64_t pending_limit =
      0;  // a direction waited for more rules than it may: the last in order was let go
  std::uint64_t match_limit = 0;  // matches beyond those that one call reports
};

class Scratch {
 public:
  [[nodiscard]] static tl::expected<Scratch, std::string> make(const RuleSet& set);
  Scratch(Scratch&&) noexcept;
  Scratch& operator=(Scratch&&) noexcept;
  ~Scratch();

  // Before the first use with another set; call it where allocation is allowed. Scanners of earlier sets stay
  // usable.
  [[nodiscard]] tl::expected<void, std::string> prepare(const RuleSet& set);
  // Takes the place of what was prepared so far by `ready`, which was made elsewhere; the counters go on.
  void replace(Scratch&& ready);
  [[nodiscard]] const MatchCounters& counters() const;

  struct Parts;
  [[nodiscard]] Parts& parts() { return *parts_; }

 private:
  Scratch();
  std::unique_ptr<Parts> parts_;
};

}  // namespace lockstep::signatures
