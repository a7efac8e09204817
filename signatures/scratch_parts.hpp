// What a Scratch is made of, for the files of this folder.
#pragma once
#include <cstdint>
#include <tuple>
#include <vector>

#include <hs/hs.h>

#include "signatures/evaluator.hpp"
#include "signatures/scratch.hpp"

namespace lockstep::signatures {

// First and last end of a literal in the bytes of one scan.
struct LiteralHit {
  std::uint32_t literal = 0;
  std::uint64_t first_end = 0;
  std::uint64_t last_end = 0;
};

// Gathers what Hyperscan reports in one scan, each literal once.
class HitList {
 public:
  void reserve(std::size_t literals);
  void add(std::uint32_t literal, std::uint64_t end) {
    std::uint32_t& place = place_of_[literal];
    if (place == 0) {
      hits_.push_back({literal, end, end});
      place = static_cast<std::uint32_t>(hits_.size());
    } else {
      hits_[place - 1].last_end = end;
    }
  }
  void clear() {
    for (const LiteralHit& hit : hits_) place_of_[hit.literal] = 0;
    hits_.clear();
  }
  [[nodiscard]] const std::vector<LiteralHit>& hits() const { return hits_; }

 private:
  std::vector<std::uint32_t> place_of_;  // by literal: 1 + index into hits_, 0 if not hit
  std::vector<LiteralHit> hits_;
};

// A rule to be evaluated at an offset. The heap of a pass holds these: smallest offset first; at one offset
// in rounds, each in order of evaluation, the first for all and further ones for rules that state written
// there has woken.
struct Due {
  std::uint64_t at;
  std::uint32_t round;
  std::uint32_t rule;
  std::uint32_t pending;  // index into the direction's list

  bool operator>(const Due& other) const {
    return std::tie(at, round, rule) > std::tie(other.at, other.round, other.rule);
  }
};

struct Scratch::Parts {
  hs_scratch_t* hyperscan = nullptr;
  RegexScratch regex;
  Evaluator evaluator{regex};
  HitList hits;
  std::vector<Due> due;
  std::vector<std::uint32_t> candidates;
  std::vector<std::uint8_t> bytes;  // tail of the history, then the chunk
  MatchCounters counters;

  Parts() = default;
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  ~Parts() { hs_free_scratch(hyperscan); }
};

}  // namespace lockstep::signatures
