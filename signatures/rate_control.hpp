// threshold.config, in Suricata's format: what limits the alerts of rules from outside the rules. Values
// only; whoever keeps the counters applies them. gen_id and sig_id 0 mean "all" for every kind.
//
//   suppress gen_id 1, sig_id 2002087
//   suppress gen_id 1, sig_id 2002087, track by_src, ip [10.0.0.0/8,!10.1.1.1]
//   threshold gen_id 1, sig_id 2404000, type limit, track by_dst, count 1, seconds 60     (event_filter is
//   the same) rate_filter gen_id 1, sig_id 2003, track by_rule, count 100, seconds 60, new_action drop,
//   timeout 30
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "signatures/load_report.hpp"
#include "signatures/rule.hpp"
#include "signatures/variables.hpp"

namespace lockstep::signatures {

// Which rules an entry is about.
struct RateTarget {
  std::uint32_t gid = 1;  // 0: every gid
  std::uint32_t sid = 0;  // 0: every sid of the gid

  [[nodiscard]] bool covers(const RuleId& id) const {
    return (gid == 0 || gid == id.gid) && (sid == 0 || sid == id.sid);
  }
};

// Alerts of the rule are not logged where an end of the packet is in the set; actions still happen.
struct Suppression {
  enum class Track : std::uint8_t { all, by_src, by_dst, by_either };
  RateTarget target;
  Track track = Track::all;  // all: whatever the addresses
  AddressSet addresses = AddressSet::any();

  [[nodiscard]] bool covers(const RuleId& id, const Address& source, const Address& destination) const;
};

// Takes the place of the threshold in the rule.
struct EventFilter {
  RateTarget target;
  Threshold threshold;
};

// When the count is passed, the rule's action is the new one for `timeout`.
struct RateFilter {
  RateTarget target;
  Threshold::Track track = Threshold::Track::by_src;
  std::uint32_t count = 1;
  std::chrono::seconds seconds{1};
  Action new_action = Action::alert;
  std::chrono::seconds timeout{0};
};

struct RateControl {
  std::vector<Suppression> suppressions;
  std::vector<EventFilter> event_filters;  // the last that covers a rule counts
  std::vector<RateFilter> rate_filters;

  // Adds the lines of a file. Gives the lines that could not be read, each with file 0; the others count.
  [[nodiscard]] std::vector<Diagnostic> add(std::string_view text, const Variables& variables);

  // The threshold that an event_filter sets for the rule, if one does.
  [[nodiscard]] const Threshold* threshold_of(const RuleId& id) const;
};

}  // namespace lockstep::signatures
