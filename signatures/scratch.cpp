#include "signatures/scratch.hpp"

#include "signatures/rule_set_parts.hpp"
#include "signatures/scratch_parts.hpp"
#include "signatures/stream_scanner.hpp"

namespace lockstep::signatures {

void HitList::reserve(std::size_t literals) {
  if (place_of_.size() < literals) place_of_.resize(literals, 0);
  hits_.reserve(literals);
}

Scratch::Scratch() : parts_(std::make_unique<Parts>()) {}
Scratch::Scratch(Scratch&&) noexcept = default;
Scratch& Scratch::operator=(Scratch&&) noexcept = default;
Scratch::~Scratch() = default;

tl::expected<Scratch, std::string> Scratch::make(const RuleSet& set) {
  Scratch scratch;
  if (auto prepared = scratch.prepare(set); !prepared) return tl::make_unexpected(prepared.error());
  return scratch;
}

tl::expected<void, std::string> Scratch::prepare(const RuleSet& set) {
  for (const auto& database : set.parts().databases)
    if (hs_alloc_scratch(database->get(), &parts_->hyperscan) != HS_SUCCESS)
      return tl::make_unexpected(std::string("no memory for Hyperscan's scratch"));
  std::size_t literals = 0;
  const auto note = [&](const RuleGroup& group) {
    for (const LiteralSet* literal_set : {&group.stream[0], &group.stream[1], &group.packet, &group.fallback})
      literals = std::max(literals, literal_set->literals());
  };
  for (const PortGroups& by_port : set.parts().tcp)
    for (const auto& group : by_port.groups) note(*group);
  for (const auto& group : set.parts().other) note(*group);
  for (HitList& hits : parts_->hits) hits.reserve(literals);
  parts_->due.reserve(2 * StreamScanner::max_pending);
  parts_->candidates.reserve(set.size());
  const std::size_t bytes = set.window() + StreamScanner::slice;
  if (parts_->bytes.size() < bytes) parts_->bytes.resize(bytes);
  return {};
}

void Scratch::replace(Scratch&& ready) {
  ready.parts_->counters = parts_->counters;
  parts_ = std::move(ready.parts_);
}

const MatchCounters& Scratch::counters() const {
  return parts_->counters;
}

}  // namespace lockstep::signatures
