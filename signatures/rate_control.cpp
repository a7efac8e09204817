#include "signatures/rate_control.hpp"

#include "signatures/language/rate_words.hpp"

namespace lockstep::signatures {
namespace {

// "gen_id 1, sig_id 2" at the front; the rest goes to `rest`.
tl::expected<RateTarget, SyntaxError> read_target_ids(std::string_view text, std::string_view& rest) {
  const auto pieces = split(text, ',', 3);
  const auto [gid_word, gid_text] = word_and_rest(pieces[0]);
  if (gid_word != "gen_id") return refused(pieces[0], "`gen_id NUMBER` stands here");
  const auto gid = number<std::uint32_t>(gid_text);
  if (!gid) return refused(gid_text, "gen_id is a number up to 4294967295");
  const auto [sid_word, sid_text] = word_and_rest(pieces.size() > 1 ? pieces[1] : text.substr(text.size()));
  if (sid_word != "sig_id") return refused(sid_word, "`sig_id NUMBER` stands behind gen_id");
  const auto sid = number<std::uint32_t>(sid_text);
  if (!sid) return refused(sid_text, "sig_id is a number up to 4294967295");
  rest = pieces.size() > 2 ? pieces[2] : std::string_view{};
  return RateTarget{*gid, *sid};
}

Parsed read_suppression(Suppression& out, std::string_view rest, const Variables& variables) {
  if (rest.empty()) return {};
  const auto pieces = split(rest, ',', 2);
  const auto [track_word, track] = word_and_rest(pieces[0]);
  if (track_word != "track" || pieces.size() != 2)
    return refused(pieces[0], "suppress takes `track WHO, ip ADDRESSES`");
  if (track == "by_src") {
    out.track = Suppression::Track::by_src;
  } else if (track == "by_dst") {
    out.track = Suppression::Track::by_dst;
  } else if (track == "by_either") {
    out.track = Suppression::Track::by_either;
  } else {
    return refused(track, "suppress tracks by_src, by_dst or by_either");
  }
  const auto [ip_word, addresses] = word_and_rest(pieces[1]);
  if (ip_word != "ip") return refused(ip_word, "`ip ADDRESSES` stands behind track");
  auto set = parse_addresses(addresses, variables);
  if (!set) return tl::unexpected(set.error());
  out.addresses = std::move(*set);
  return {};
}

Parsed read_rate_words(RateWords& words, std::string_view rest) {
  for (const std::string_view piece : split(rest, ',', 16)) {
    if (Parsed word = words.read(piece); !word) return word;
  }
  return {};
}

Parsed read_event_filter(EventFilter& out, std::string_view rest) {
  RateWords words;
  if (Parsed parsed = read_rate_words(words, rest); !parsed) return parsed;
  const auto type = threshold_type(words.type);
  if (!type || *type == Threshold::Type::backoff) {
    return refused(words.type.empty() ? rest : words.type, "type is limit, threshold or both");
  }
  out.threshold.type = *type;
  return read_counts(words, rest, out.threshold);
}

Parsed read_rate_filter(RateFilter& out, std::string_view rest) {
  RateWords words;
  if (Parsed parsed = read_rate_words(words, rest); !parsed) return parsed;
  Threshold counts;
  if (Parsed parsed = read_counts(words, rest, counts); !parsed) return parsed;
  out.track = counts.track;
  out.count = counts.count;
  out.seconds = counts.seconds;
  if (counts.count == 0) return refused(words.count, "count is at least 1");
  constexpr std::pair<std::string_view, Action> actions[] = {
      {"alert", Action::alert}, {"drop", Action::drop}, {"pass", Action::pass}, {"reject", Action::reject}};
  bool known = false;
  for (const auto& [name, action] : actions) {
    if (words.new_action != name) continue;
    out.new_action = action;
    known = true;
  }
  if (!known)
    return refused(words.new_action.empty() ? rest : words.new_action,
                   "new_action is alert, drop, pass or reject");
  const auto timeout = number<std::uint32_t>(words.timeout);
  if (!timeout)
    return refused(words.timeout.empty() ? rest : words.timeout, "timeout is a number of seconds");
  out.timeout = std::chrono::seconds(*timeout);
  return {};
}

// Keeps the entry that `read` filled, if it could.
template <typename Entry, typename Read>
Parsed keep(std::vector<Entry>& entries, const RateTarget& target, Read read) {
  Entry entry;
  entry.target = target;
  Parsed parsed = read(entry);
  if (parsed) entries.push_back(std::move(entry));
  return parsed;
}

Parsed read_line(RateControl& control, std::string_view line, const Variables& variables) {
  const auto [kind, ids] = word_and_rest(line);
  const bool filter = kind == "threshold" || kind == "event_filter";
  if (!filter && kind != "suppress" && kind != "rate_filter") {
    return refused(kind, "a line here begins with suppress, threshold, event_filter or rate_filter");
  }
  std::string_view rest;
  const auto target = read_target_ids(ids, rest);
  if (!target) return tl::unexpected(target.error());
  if (kind == "suppress") {
    return keep(control.suppressions, *target,
                [&](Suppression& to) { return read_suppression(to, rest, variables); });
  }
  if (rest.empty()) return refused(line.substr(line.size()), "what stands behind sig_id is missing");
  if (filter) {
    return keep(control.event_filters, *target, [&](EventFilter& to) { return read_event_filter(to, rest); });
  }
  return keep(control.rate_filters, *target, [&](RateFilter& to) { return read_rate_filter(to, rest); });
}

}  // namespace

bool Suppression::covers(const RuleId& id, const Address& source, const Address& destination) const {
  if (!target.covers(id)) return false;
  switch (track) {
    case Track::all:
      return true;
    case Track::by_src:
      return addresses.contains(source);
    case Track::by_dst:
      return addresses.contains(destination);
    case Track::by_either:
      return addresses.contains(source) || addresses.contains(destination);
  }
  return false;
}

std::vector<Diagnostic> RateControl::add(std::string_view text, const Variables& variables) {
  std::vector<Diagnostic> problems;
  LineReader reader(text);
  for (LogicalLine line; reader.next(line);) {
    if (Parsed parsed = read_line(*this, trimmed(line.text), variables); !parsed) {
      problems.push_back(diagnose(0, reader.place_of(parsed.error().where), parsed.error()));
    }
  }
  return problems;
}

const Threshold* RateControl::threshold_of(const RuleId& id) const {
  const auto last = std::find_if(event_filters.rbegin(), event_filters.rend(),
                                 [&](const auto& filter) { return filter.target.covers(id); });
  return last == event_filters.rend() ? nullptr : &last->threshold;
}

}  // namespace lockstep::signatures
