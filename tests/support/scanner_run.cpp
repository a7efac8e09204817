#include "tests/support/scanner_run.hpp"

#include <algorithm>
#include <stdexcept>

#include "signatures/stream_scanner.hpp"

namespace lockstep::signatures {
namespace {

class LastBytes : public StreamHistory {
 public:
  LastBytes(const std::vector<std::uint8_t>& bytes, std::uint64_t end, std::uint64_t window)
      : bytes_(bytes), begin_(end > window ? end - window : 0), end_(end) {}

  [[nodiscard]] std::uint64_t begin() const override { return begin_; }

  void copy(std::uint64_t from, std::span<std::uint8_t> to) const override {
    if (from < begin_ || from + to.size() > end_) throw std::logic_error("read outside of the history");
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(from), to.size(), to.begin());
  }

 private:
  const std::vector<std::uint8_t>& bytes_;
  std::uint64_t begin_;
  std::uint64_t end_;
};

PacketFields packet_in(Direction direction, std::uint16_t server_port) {
  PacketFields packet;
  packet.source.bytes = {10, 0, 0, 1};
  packet.destination.bytes = {10, 0, 0, 2};
  packet.source_port = 40000;
  packet.destination_port = server_port;
  if (direction == Direction::to_client) {
    std::swap(packet.source, packet.destination);
    std::swap(packet.source_port, packet.destination_port);
  }
  packet.has_flow = packet.established = packet.in_stream = true;
  packet.direction = direction;
  return packet;
}

FlowEndpoints endpoints(std::uint16_t server_port) {
  const auto packet = packet_in(Direction::to_server, server_port);
  FlowEndpoints ends;
  ends.client = packet.source;
  ends.server = packet.destination;
  ends.client_port = packet.source_port;
  ends.server_port = packet.destination_port;
  return ends;
}

}  // namespace

std::shared_ptr<const RuleSet> compiled(const std::vector<Rule>& rules, const Names& names,
                                        std::uint32_t window) {
  CompileOptions options;
  options.window = window;
  auto set = RuleSet::compile(rules, names, options);
  if (!set)
    throw std::runtime_error("sid " + std::to_string(set.error().at(0).id.sid) + ": " +
                             set.error().at(0).text);
  return *set;
}

std::vector<StreamFire> scanned(const RuleSet& set, const StreamInput& input) {
  auto scratch = Scratch::make(set);
  if (!scratch) throw std::runtime_error(scratch.error());
  const auto packet = packet_in(input.direction, input.server_port);
  FlowState flow;
  ProtocolDetector protocols(input.server_port);
  const MatchContext context{.packet = packet, .flow = flow, .hosts = nullptr, .protocols = &protocols};
  StreamScanner scanner(set, set.rules_for(endpoints(input.server_port)).of(input.direction));
  std::vector<Match> matches;
  const auto scan = [&](std::uint64_t from, std::uint64_t to, bool last) {
    // A copy of exactly these bytes, so that the sanitizer sees a read beyond them.
    const std::vector<std::uint8_t> bytes(input.bytes.begin() + static_cast<std::ptrdiff_t>(from),
                                          input.bytes.begin() + static_cast<std::ptrdiff_t>(to));
    const StreamChunk chunk{
        .direction = input.direction, .offset = from, .bytes = bytes, .end_of_stream = last};
    protocols.take(input.direction, from, bytes);
    scanner.scan(chunk, LastBytes(input.bytes, from, set.window()), context, *scratch, matches);
  };
  std::uint64_t at = 0;
  for (const auto end : input.packet_ends) {
    scan(at, end, input.ended && !input.end_apart && end == input.bytes.size());
    at = end;
  }
  if (input.ended && (input.end_apart || input.bytes.empty())) scan(at, at, true);
  std::vector<StreamFire> fires;
  fires.reserve(matches.size());
  for (const auto& match : matches)
    fires.push_back({.end = match.to, .sid = match.id.sid, .early = match.early});
  std::sort(fires.begin(), fires.end());
  return fires;
}

std::vector<StreamFire> expected(const std::vector<Rule>& rules, const StreamInput& input,
                                 std::uint32_t window) {
  const reference::Stream stream{.bytes = input.bytes,
                                 .packet_ends = input.packet_ends,
                                 .ended = input.ended,
                                 .end_apart = input.end_apart};
  std::vector<StreamFire> fires;
  for (const auto& fire : reference::fires(rules, stream, window)) {
    fires.push_back({.end = fire.end, .sid = rules.at(fire.rule).id.sid, .early = fire.early});
  }
  std::sort(fires.begin(), fires.end());
  return fires;
}

std::string to_string(const std::vector<StreamFire>& fires) {
  std::string text;
  for (const auto& fire : fires) {
    text += " " + std::to_string(fire.sid) + "@" + std::to_string(fire.end) + (fire.early ? " early" : "");
  }
  return text.empty() ? " none" : text;
}

}  // namespace lockstep::signatures
