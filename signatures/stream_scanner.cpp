#include "signatures/stream_scanner.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "signatures/scan_pass.hpp"

namespace lockstep::signatures {
namespace {

// Hyperscan refuses only what must not happen (a foreign scratch, a broken stream) or for want of memory.
void require(hs_error_t result) {
  if (result != HS_SUCCESS) std::terminate();
}

}  // namespace

StreamScanner::State::~State() {
  for (hs_stream_t* stream : streams)
    if (stream != nullptr) hs_close_stream(stream, nullptr, nullptr, nullptr);
}

StreamScanner::State::State(const State& other) : pending(other.pending), always_taken(other.always_taken) {
  for (std::size_t i = 0; i < streams.size(); ++i)
    if (other.streams[i] != nullptr) require(hs_copy_stream(&streams[i], other.streams[i]));
}

void StreamScanner::State::open(const RuleGroup& group) {
  for (std::size_t i = 0; i < streams.size(); ++i)
    if (!group.stream[i].empty()) require(hs_open_stream(group.stream[i].database->get(), 0, &streams[i]));
}

StreamScanner::StreamScanner() = default;
StreamScanner::~StreamScanner() = default;
StreamScanner::StreamScanner(StreamScanner&&) noexcept = default;
StreamScanner& StreamScanner::operator=(StreamScanner&&) noexcept = default;

StreamScanner::StreamScanner(const RuleSet& set, const RuleGroup* group, std::uint64_t begin, bool absolute)
    : set_(&set),
      group_(group != nullptr && group->scans() ? group : nullptr),
      offset_(begin),
      begin_(begin),
      absolute_(absolute) {}

StreamScanner::StreamScanner(const StreamScanner& other)
    : set_(other.set_),
      group_(other.group_),
      offset_(other.offset_),
      begin_(other.begin_),
      absolute_(other.absolute_),
      state_(other.state_ ? std::make_unique<State>(*other.state_) : nullptr) {}

StreamScanner& StreamScanner::operator=(const StreamScanner& other) {
  if (this != &other) *this = StreamScanner(other);
  return *this;
}

std::size_t StreamScanner::waiting() const {
  return state_ ? state_->pending.size() : 0;
}

std::size_t StreamScanner::heap_bytes() const {
  if (!state_) return 0;
  std::size_t bytes = sizeof(State) + state_->pending.capacity() * sizeof(Pending);
  for (const LiteralSet& set : group_->stream)
    if (!set.empty()) bytes += set.database->stream_bytes();
  return bytes;
}

void StreamScanner::restart(std::uint64_t offset) {
  offset_ = offset;
  begin_ = offset;
  state_.reset();
}

void StreamScanner::scan(const StreamChunk& chunk, const StreamHistory& history, const MatchContext& context,
                         Scratch& scratch, std::vector<Match>& matches, bool more_of_packet) {
  run(chunk, history, context, scratch, &matches, more_of_packet);
}

namespace {
class NoHistory final : public StreamHistory {
 public:
  explicit NoHistory(std::uint64_t begin) : begin_(begin) {}
  [[nodiscard]] std::uint64_t begin() const override { return begin_; }
  void copy(std::uint64_t /*from*/, std::span<std::uint8_t> /*to*/) const override {}

 private:
  std::uint64_t begin_;
};
}  // namespace

void StreamScanner::prime(const StreamChunk& tail, const MatchContext& context, Scratch& scratch) {
  run(tail, NoHistory(tail.offset), context, scratch, nullptr, true);
}

void StreamScanner::run(const StreamChunk& chunk, const StreamHistory& history, const MatchContext& context,
                        Scratch& scratch, std::vector<Match>* matches, bool more_of_packet) {
  if (group_ == nullptr) {
    offset_ = chunk.offset + chunk.bytes.size();
    return;
  }
  if (chunk.offset != offset_) restart(chunk.offset);
  const std::size_t already = matches != nullptr ? matches->size() : 0;
  std::span<const std::uint8_t> rest = chunk.bytes;
  const auto pass = [&](std::span<const std::uint8_t> part, Pass::Ends ends) {
    Pass(*this, context, scratch.parts(), matches, already).run(part, chunk, history, ends);
  };
  while (!rest.empty()) {
    const auto part = rest.first(std::min(rest.size(), slice));
    rest = rest.subspan(part.size());
    pass(part, {false, false});
  }
  // Ends are steps of their own: it makes no difference whether a FIN comes with the last byte or alone.
  if (chunk.end_of_stream)
    pass({}, {true, false});
  else if (!more_of_packet && decides_early())
    pass({}, {false, true});
}

bool StreamScanner::decides_early() const {
  if (!state_) return false;
  const auto& compiled = set_->parts().compiled;
  return std::any_of(state_->pending.begin(), state_->pending.end(), [&](const Pending& entry) {
    return entry.waits_for_end && !entry.dead && compiled[entry.rule].early;
  });
}

}  // namespace lockstep::signatures
