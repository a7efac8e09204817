// threshold and detection_filter in a rule.
#include "signatures/language/options.hpp"
#include "signatures/language/rate_words.hpp"

namespace lockstep::signatures {

Parsed RateWords::read(std::string_view piece) {
  const auto [word, text] = word_and_rest(piece);
  std::string_view* to = word == "type"         ? &type
                         : word == "track"      ? &track
                         : word == "count"      ? &count
                         : word == "seconds"    ? &seconds
                         : word == "multiplier" ? &multiplier
                         : word == "unique_on"  ? &unique_on
                         : word == "new_action" ? &new_action
                         : word == "timeout"    ? &timeout
                                                : nullptr;
  if (to == nullptr) return refused(piece, "`" + std::string(word) + "` is not known here");
  if (!to->empty()) return refused(piece, "`" + std::string(word) + "` stands twice");
  if (text.empty()) return refused(piece, "`" + std::string(word) + "` needs a value");
  *to = text;
  return {};
}

std::optional<Threshold::Type> threshold_type(std::string_view word) {
  if (word == "limit") return Threshold::Type::limit;
  if (word == "threshold") return Threshold::Type::threshold;
  if (word == "both") return Threshold::Type::both;
  if (word == "backoff") return Threshold::Type::backoff;
  return std::nullopt;
}

std::optional<Threshold::Track> threshold_track(std::string_view word) {
  if (word == "by_src") return Threshold::Track::by_src;
  if (word == "by_dst") return Threshold::Track::by_dst;
  if (word == "by_both") return Threshold::Track::by_both;
  if (word == "by_rule") return Threshold::Track::by_rule;
  if (word == "by_flow") return Threshold::Track::by_flow;
  return std::nullopt;
}

Parsed read_counts(const RateWords& words, std::string_view place, Threshold& to) {
  if (words.track.empty() || words.count.empty() || words.seconds.empty()) {
    return refused(place, "track, count and seconds are all needed");
  }
  const auto track = threshold_track(words.track);
  if (!track) return refused(words.track, "track is by_src, by_dst, by_both, by_rule or by_flow");
  const auto count = number<std::uint32_t>(words.count);
  if (!count) return refused(words.count, "count is a number up to 4294967295");
  const auto seconds = number<std::uint32_t>(words.seconds);
  if (!seconds) return refused(words.seconds, "seconds is a number up to 4294967295");
  to.track = *track;
  to.count = *count;
  to.seconds = std::chrono::seconds(*seconds);
  return {};
}

namespace {

Parsed read_words(Draft& draft, const Option& option, RateWords& words) {
  if (!draft.first(Once::rate)) return refused(option.name, "a rule has one threshold or detection_filter");
  for (const std::string_view piece : split(option.value, ',', 16)) {
    if (Parsed word = words.read(piece); !word) return word;
  }
  return {};
}

// backoff has a multiplier in place of the seconds, and counts within one flow.
Parsed read_backoff(const RateWords& words, const Option& option, Threshold& to) {
  constexpr std::uint32_t most = 65535;
  const auto count = number<std::uint32_t>(words.count);
  const auto multiplier = number<std::uint32_t>(words.multiplier);
  if (words.track != "by_flow") return refused(option.place(), "type backoff needs `track by_flow`");
  if (!words.seconds.empty())
    return refused(words.seconds, "type backoff has a multiplier in place of seconds");
  if (!count || *count == 0 || *count > most)
    return refused(option.place(), "type backoff needs a count from 1 to 65535");
  if (!multiplier || *multiplier < 2 || *multiplier > most) {
    return refused(option.place(), "type backoff needs a multiplier from 2 to 65535");
  }
  to.track = Threshold::Track::by_flow;
  to.count = *count;
  to.multiplier = *multiplier;
  return {};
}

}  // namespace

Parsed read_threshold(Draft& draft, const Option& option) {
  RateWords words;
  if (Parsed parsed = read_words(draft, option, words); !parsed) return parsed;
  Threshold threshold;
  const auto type = threshold_type(words.type);
  if (!type)
    return refused(words.type.empty() ? option.value : words.type,
                   "type is limit, threshold, both or backoff");
  threshold.type = *type;
  const bool backoff = *type == Threshold::Type::backoff;
  if (!backoff && !words.multiplier.empty())
    return refused(words.multiplier, "only type backoff has a multiplier");
  if (!words.unique_on.empty()) return refused(words.unique_on, "only detection_filter has unique_on");
  if (!words.new_action.empty() || !words.timeout.empty()) {
    return refused(option.value, "new_action and timeout belong to rate_filter in threshold.config");
  }
  Parsed parsed =
      backoff ? read_backoff(words, option, threshold) : read_counts(words, option.value, threshold);
  if (parsed) draft.rule.threshold = threshold;
  return parsed;
}

Parsed read_detection_filter(Draft& draft, const Option& option) {
  RateWords words;
  if (Parsed parsed = read_words(draft, option, words); !parsed) return parsed;
  Threshold filter;
  filter.type = Threshold::Type::detection_filter;
  if (!words.type.empty() || !words.multiplier.empty() || !words.new_action.empty() ||
      !words.timeout.empty()) {
    return refused(option.value, "detection_filter takes track, count, seconds and unique_on");
  }
  if (Parsed parsed = read_counts(words, option.value, filter); !parsed) return parsed;
  if (filter.count == 0 || filter.seconds.count() == 0) {
    return refused(option.value, "count and seconds of a detection_filter are at least 1");
  }
  if (words.unique_on == "src_port") {
    filter.unique_on = Threshold::UniqueOn::src_port;
  } else if (words.unique_on == "dst_port") {
    filter.unique_on = Threshold::UniqueOn::dst_port;
  } else if (!words.unique_on.empty()) {
    return refused(words.unique_on, "unique_on is src_port or dst_port");
  }
  draft.rule.threshold = filter;
  return {};
}

}  // namespace lockstep::signatures
