// The words that threshold, detection_filter, event_filter and rate_filter share: `name value`, separated by
// commas.
#pragma once
#include "signatures/language/text.hpp"
#include "signatures/rule.hpp"

namespace lockstep::signatures {

// The values as they stand in the text; empty where the word is absent.
struct RateWords {
  std::string_view type, track, count, seconds, multiplier, unique_on, new_action, timeout;

  Parsed read(std::string_view piece);
};

[[nodiscard]] std::optional<Threshold::Type> threshold_type(std::string_view word);
[[nodiscard]] std::optional<Threshold::Track> threshold_track(std::string_view word);

// track, count and seconds, all of which must be there.
[[nodiscard]] Parsed read_counts(const RateWords& words, std::string_view place, Threshold& to);

}  // namespace lockstep::signatures
