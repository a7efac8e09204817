// Rules made by hand and streams fed in pieces: what the tests of matching share.
#pragma once
#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "signatures/packet_matcher.hpp"
#include "signatures/rule_set.hpp"
#include "signatures/scratch.hpp"
#include "signatures/stream_scanner.hpp"
#include "tests/support/text.hpp"

namespace lockstep::signatures {

inline std::vector<std::uint8_t> bytes_of(std::string_view text) {
  return {text.begin(), text.end()};
}
using test::span_of;

inline Operand number(std::int64_t value) {
  return {value, -1};
}
inline Operand variable(std::int16_t index) {
  return {0, index};
}

// The content as written, with whatever modifiers `rest` holds.
inline Content content(std::string_view text, Content rest = {}) {
  rest.pattern = bytes_of(text);
  return rest;
}
inline Content absent(std::string_view text, Content rest = {}) {
  rest.negated = true;
  return content(text, std::move(rest));
}
inline Pcre pcre(std::string_view pattern, Pcre rest = {}) {
  rest.pattern = pattern;
  return rest;
}
inline ByteRead read_at(std::int64_t bytes, std::int64_t offset, bool relative = false) {
  ByteRead read;
  read.bytes = number(bytes);
  read.offset = number(offset);
  read.relative = relative;
  return read;
}

inline Rule make_rule(std::uint32_t sid, std::vector<PayloadOption> payload, Action action = Action::alert) {
  Rule rule;
  rule.id = {1, sid, 1};
  rule.action = action;
  rule.source = rule.destination = AddressSet::any();
  rule.source_ports = rule.destination_ports = PortSet::any();
  rule.payload = std::move(payload);
  rule.inspection = Inspection::stream;
  return rule;
}

// All of a stream, of which the scanner may look back at everything.
class WholeHistory final : public StreamHistory {
 public:
  explicit WholeHistory(std::string_view stream, std::uint64_t begin = 0) : stream_(stream), begin_(begin) {}
  [[nodiscard]] std::uint64_t begin() const override { return begin_; }
  void copy(std::uint64_t from, std::span<std::uint8_t> to) const override {
    std::copy_n(stream_.begin() + static_cast<std::ptrdiff_t>(from), to.size(), to.begin());
  }

 private:
  std::string_view stream_;
  std::uint64_t begin_;
};

inline PacketFields packet_to_server() {
  PacketFields packet;
  packet.source.bytes = {10, 0, 0, 1};
  packet.destination.bytes = {10, 0, 0, 2};
  packet.source_port = 40000;
  packet.destination_port = 80;
  packet.has_flow = packet.established = packet.in_stream = true;
  return packet;
}

// One direction of one flow under one set.
struct Matching {
  std::shared_ptr<const RuleSet> set;
  Scratch scratch;
  PacketFields packet = packet_to_server();
  FlowState flow;
  const RuleGroup* group;
  StreamScanner scanner;
  std::vector<Match> matches;
  std::string stream;

  explicit Matching(std::vector<Rule> rules, const CompileOptions& options = {}, Names names = {})
      : set(RuleSet::compile(std::move(rules), std::move(names), options).value()),
        scratch(Scratch::make(*set).value()),
        group(set->rules_for(
                     {packet.source, packet.destination, packet.source_port, packet.destination_port, 6})
                  .to_server),
        scanner(*set, group) {}

  // Each piece is a packet of its own.
  Matching& feed(std::string_view piece, bool end = false, bool more_of_packet = false) {
    const std::uint64_t offset = stream.size();
    stream += piece;
    const std::string_view all = stream;
    scanner.scan({Direction::to_server, offset, span_of(all.substr(offset)), end},
                 WholeHistory(all.substr(0, offset)), {packet, flow, nullptr}, scratch, matches,
                 more_of_packet);
    return *this;
  }
  Matching& end() { return feed("", true); }

  using Fired = std::vector<std::pair<std::uint32_t, std::uint64_t>>;  // sid, to
  [[nodiscard]] Fired fired() const {
    Fired all;
    for (const Match& match : matches) all.emplace_back(match.id.sid, match.to);
    return all;
  }
  // Where the only rule fires.
  [[nodiscard]] std::vector<std::uint64_t> ends() const {
    std::vector<std::uint64_t> all;
    for (const Match& match : matches) all.push_back(match.to);
    return all;
  }

  // Of one packet with this payload.
  std::vector<std::uint32_t> judge(std::string_view payload, bool first_of_direction = false) {
    packet.payload = span_of(payload);
    std::vector<Match> found;
    for (const auto turn : {PacketTurn::before_stream, PacketTurn::behind_stream})
      match_packet(*set, group, {packet, flow, nullptr}, first_of_direction, scratch, found, turn);
    std::vector<std::uint32_t> sids;
    for (const Match& match : found) sids.push_back(match.id.sid);
    return sids;
  }
};

using Ends = std::vector<std::uint64_t>;

// What one rule fires at, for the stream cut at every place and for the stream in one piece; they must agree.
inline std::optional<Ends> ends_however_cut(const Rule& rule, std::string_view stream, bool closed = false,
                                            const CompileOptions& options = {}) {
  Matching whole({rule}, options);
  whole.feed(stream, closed);
  Matching single({rule}, options);
  for (std::size_t i = 0; i < stream.size(); ++i) single.feed(stream.substr(i, 1));
  if (closed) single.end();
  if (single.ends() != whole.ends()) return std::nullopt;
  for (std::size_t cut = 1; cut < stream.size(); ++cut) {
    Matching halves({rule}, options);
    halves.feed(stream.substr(0, cut)).feed(stream.substr(cut), closed);
    if (halves.ends() != whole.ends()) return std::nullopt;
  }
  return whole.ends();
}

}  // namespace lockstep::signatures
