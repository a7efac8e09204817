// An immutable, compiled set of rules, shared by all workers (const everywhere, no lock). Compiling is slow
// and happens beside the running set; everything else here is cheap. Errors are values: a set that fails
// changes nothing.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "signatures/match.hpp"
#include "signatures/packet.hpp"
#include "signatures/protocol_detector.hpp"
#include "signatures/rule.hpp"

namespace lockstep::signatures {

// Where compiled databases are kept between runs. The key is a hash of everything that went in, in hex, fit
// for a file name. What `load` gives may be damaged: it is checked, and compiled again if it is.
class DatabaseCache {
 public:
  DatabaseCache() = default;
  DatabaseCache(const DatabaseCache&) = delete;
  DatabaseCache& operator=(const DatabaseCache&) = delete;
  virtual ~DatabaseCache() = default;
  virtual std::optional<std::vector<char>> load(const std::string& key) = 0;
  virtual void store(const std::string& key, std::span<const char> bytes) = 0;
};

struct CompileOptions {
  static constexpr std::uint32_t default_window = 8 * 1024;
  static constexpr std::uint32_t max_window = 1024 * 1024;

  std::uint64_t generation = 0;
  // How many bytes before the offset at which it fires a stream rule may look at: the tail that the caller
  // keeps.
  std::uint32_t window = default_window;
  std::array<Action, 4> action_order{Action::pass, Action::drop, Action::reject, Action::alert};
  // Bit n of PacketFields::events is the event stream_events[n]; at most 64.
  std::vector<std::string> stream_events;
  // How many groups of server ports get literal databases of their own, per direction.
  std::size_t max_port_groups = 16;
  DatabaseCache* cache = nullptr;
  // Asked before each database is made, which is what takes time and memory: why to give up, if it is to be.
  std::function<std::optional<std::string>()> objection = {};
};

struct CompileError {
  RuleId id;  // sid 0: not one rule's
  SourcePlace place;
  std::string text;
};

// Both ends of a flow, or of one packet without a flow (its source then counts as the client).
struct FlowEndpoints {
  Address client, server;
  std::uint16_t client_port = 0, server_port = 0;
  std::uint8_t protocol = 6;
};

struct CompiledRule;

// The rules that one direction of a flow may match, with their databases. Lives as long as its RuleSet.
class RuleGroup;

// What the rules can do with a flow. A null group: no rule can match in that direction, so nothing need be
// scanned, kept or looked at there; both null: the flow can be bypassed.
struct FlowRules {
  const RuleGroup* to_server = nullptr;
  const RuleGroup* to_client = nullptr;

  [[nodiscard]] const RuleGroup* of(Direction direction) const {
    return direction == Direction::to_server ? to_server : to_client;
  }
  [[nodiscard]] bool none() const { return to_server == nullptr && to_client == nullptr; }
};

// What is behind a flow and can't come again, and what it speaks.
struct FlowPast {
  const ProtocolDetector& protocols;      // both directions decided
  bool established = true;                // the handshake is complete
  std::array<bool, 2> first_judged{};     // by Direction: the rules of addresses alone were asked
  std::array<bool, 2> protocol_judged{};  // app-layer-protocol alone was asked
};

struct RuleSetReport {
  std::size_t rules = 0;
  std::size_t groups = 0;
  std::size_t databases = 0;
  std::size_t databases_from_cache = 0;
  std::size_t database_bytes = 0;
  // Rules without a literal to look for: evaluated on every chunk or packet that their header admits.
  std::vector<std::uint32_t> expensive;
};

class RuleSet {
 public:
  // Rules may come in any order. Every rule that fails is named; then there is no set.
  [[nodiscard]] static tl::expected<std::shared_ptr<const RuleSet>, std::vector<CompileError>> compile(
      std::vector<Rule> rules, Names names, const CompileOptions& options);
  ~RuleSet();
  RuleSet(const RuleSet&) = delete;
  RuleSet& operator=(const RuleSet&) = delete;

  [[nodiscard]] std::uint64_t generation() const { return generation_; }
  [[nodiscard]] std::uint32_t window() const { return window_; }
  [[nodiscard]] std::size_t size() const { return rules_.size(); }
  // In order of evaluation; Match::rule is the index.
  [[nodiscard]] const Rule& rule(std::uint32_t index) const { return rules_[index]; }
  [[nodiscard]] const Names& names() const { return names_; }
  [[nodiscard]] const RuleSetReport& report() const { return report_; }

  // Which rules can match at all, by header alone: some hundred nanoseconds, once a flow.
  [[nodiscard]] FlowRules rules_for(const FlowEndpoints& endpoints) const;

  // Which of them can still match; costs as much.
  [[nodiscard]] FlowRules rules_left(const FlowRules& rules, const FlowEndpoints& endpoints,
                                     const FlowPast& past) const;

  // Internals, for the other files of this folder.
  struct Parts;
  [[nodiscard]] const Parts& parts() const { return *parts_; }

 private:
  RuleSet() = default;

  std::uint64_t generation_ = 0;
  std::uint32_t window_ = CompileOptions::default_window;
  std::vector<Rule> rules_;
  Names names_;
  RuleSetReport report_;
  std::unique_ptr<Parts> parts_;
};

// Whether the stream of this direction must be scanned, and how many bytes before the end of what was scanned
// the rules of the group may still look at (at most RuleSet::window()).
[[nodiscard]] bool scans_stream(const RuleGroup& group);
[[nodiscard]] std::uint32_t lookback(const RuleGroup& group);
[[nodiscard]] bool checks_packets(const RuleGroup& group);

}  // namespace lockstep::signatures
