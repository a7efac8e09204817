// The rules that one direction of a flow may match by its ports, with the databases that find their literals.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "signatures/compiled.hpp"
#include "signatures/literal_database.hpp"
#include "signatures/rule_set.hpp"

namespace lockstep::signatures {

// One rule that a literal stands for.
struct LiteralUse {
  std::uint32_t rule = 0;
  std::uint64_t tail = 0;  // FastLiteral
  std::uint64_t min_end = 0;
  std::uint64_t max_end = 0;
};

// Distinct literals, their database, and the rules behind each. Empty: no database.
struct LiteralSet {
  std::shared_ptr<const LiteralDatabase> database;
  std::vector<std::uint32_t> first;  // of literal n: uses[first[n]] up to uses[first[n + 1]]
  std::vector<LiteralUse> uses;      // in order of evaluation within a literal

  [[nodiscard]] bool empty() const { return database == nullptr; }
  [[nodiscard]] std::size_t literals() const { return first.empty() ? 0 : first.size() - 1; }
};

class RuleGroup {
 public:
  static constexpr std::size_t stream_sets = 2;

  // Literals of at least four bytes, and the short ones.
  std::array<LiteralSet, stream_sets> stream;
  std::vector<std::uint32_t> stream_always;
  LiteralSet packet;                         // for every payload
  std::vector<std::uint32_t> packet_always;  // without literal
  std::vector<std::uint32_t> packet_events;  // need one of `events`
  std::uint64_t events = 0;
  std::vector<std::uint32_t> first_packet;  // addresses alone
  std::vector<std::uint32_t> on_protocol;   // app-layer-protocol alone
  bool second_turn = false;                 // some rule is judged behind the stream
  LiteralSet fallback;                      // stream rules, for payloads outside a stream
  std::vector<std::uint32_t> fallback_always;

  std::uint32_t lookback = 0;
  // One rule for each distinct header, protocol and time of a flow's life in which it can match: some flow
  // that the ports lead here matches none of them.
  std::vector<std::uint32_t> headers;

  [[nodiscard]] bool scans() const {
    return !stream[0].empty() || !stream[1].empty() || !stream_always.empty();
  }
};

// Makes groups of one set; equal databases are made once.
class GroupBuilder {
 public:
  GroupBuilder(const std::vector<Rule>& rules, const std::vector<CompiledRule>& compiled,
               const CompileOptions& options, RuleSetReport& report)
      : rules_(rules), compiled_(compiled), options_(options), report_(report) {}

  // `members` in order of evaluation.
  [[nodiscard]] tl::expected<std::unique_ptr<RuleGroup>, std::string> build(
      const std::vector<std::uint32_t>& members);
  [[nodiscard]] std::vector<std::shared_ptr<const LiteralDatabase>> databases() const;

 private:
  [[nodiscard]] tl::expected<LiteralSet, std::string> literal_set(const std::vector<std::uint32_t>& members,
                                                                  LiteralDatabase::Mode mode);
  void note_headers(RuleGroup& group, const std::vector<std::uint32_t>& members) const;

  const std::vector<Rule>& rules_;
  const std::vector<CompiledRule>& compiled_;
  const CompileOptions& options_;
  RuleSetReport& report_;
  std::map<std::string, std::shared_ptr<const LiteralDatabase>> made_;
};

}  // namespace lockstep::signatures
