// What a Scratch is made of, for the files of this folder.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include <hs/hs.h>

#include "signatures/evaluator.hpp"
#include "signatures/rule_group.hpp"
#include "signatures/scratch.hpp"

namespace lockstep::signatures {

// Where a literal ends in the bytes of one scan: the first places one by one, and the last.
struct LiteralHit {
  static constexpr std::size_t max_listed = 8;

  std::uint32_t literal = 0;
  std::uint32_t listed = 0;
  std::uint64_t last_end = 0;
  std::array<std::uint64_t, max_listed> listed_ends{};

  [[nodiscard]] std::uint64_t first_end() const { return listed_ends[0]; }
  [[nodiscard]] std::span<const std::uint64_t> ends() const { return {listed_ends.data(), listed}; }
  void add(std::uint64_t end) {
    last_end = end;
    if (listed < max_listed) listed_ends[listed++] = end;
  }
};

// Gathers what Hyperscan reports in one scan, each literal once.
class HitList {
 public:
  void reserve(std::size_t literals);
  void add(std::uint32_t literal, std::uint64_t end) {
    std::uint32_t& place = place_of_[literal];
    if (place == 0) {
      hits_.emplace_back().literal = literal;
      place = static_cast<std::uint32_t>(hits_.size());
    }
    hits_[place - 1].add(end);
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
  std::array<HitList, RuleGroup::stream_sets> hits;  // one for each set of a pass
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
