// Sums over a run. A value; no thread rules.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "tests/honest/verdict.hpp"

namespace lockstep::honest {

class Tally {
 public:
  void add(const Scenario& scenario, const Pair& pair, bool fleeting);  // as it has to be
  void add_failure(const Scenario& scenario, const Pair& pair);
  void add_void(const Scenario& scenario, const Pair& pair);  // it does not end without the engine either
  [[nodiscard]] bool good() const;
  [[nodiscard]] std::string report() const;

 private:
  struct OfKind {
    std::uint64_t good = 0, failed = 0, idle = 0, fleeting = 0;
    std::vector<double> ratios;  // of the times, with the engine to without
    std::vector<std::int64_t> took;
  };
  void add_frames(const Scenario& scenario, const Pair& pair);
  [[nodiscard]] double ratio() const;    // the median of all
  [[nodiscard]] double changed() const;  // percent of honest frames

  std::map<Kind, OfKind> kinds_;
  std::uint64_t frames_ = 0, honest_frames_ = 0, forged_ = 0;
  std::map<Reason, std::uint64_t> changed_;  // of honest frames
};

}  // namespace lockstep::honest
