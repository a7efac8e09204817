// replay --reload-at: rule sets that take each other's place at given times of the capture. All are loaded
// and compiled before the first packet, so that what is wrong with one of them ends the replay before it
// begins.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "engine/options/value.hpp"
#include "engine/rule_generation.hpp"
#include "engine/settings.hpp"

namespace lockstep {

class ScheduledReloads {
 public:
  // `wanted` as on the command line, checked. The sets follow `first` and number on from it. Prints the
  // summary of each; the error holds a line for each thing that is wrong.
  [[nodiscard]] static tl::expected<ScheduledReloads, std::vector<std::string>> prepare(
      const Settings& settings, const std::vector<std::string>& wanted, const RuleGeneration& first);

  // The set that the frame at `now` must be the first to see; null: none. Times given from the beginning on
  // count from the first call. Of several that are due the last counts.
  [[nodiscard]] std::shared_ptr<const RuleGeneration> due(reassembly::Timestamp now);

  // Every set that comes, also in a place that is past.
  [[nodiscard]] std::vector<std::shared_ptr<const RuleGeneration>> generations() const;

 private:
  struct Reload {
    Moment at;
    std::shared_ptr<const RuleGeneration> rules;
  };
  void begin(reassembly::Timestamp now);

  std::vector<Reload> reloads_;  // by time, once begun
  std::size_t next_ = 0;
  bool begun_ = false;
};

}  // namespace lockstep
