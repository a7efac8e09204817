// Assembler and scanner together: the same bytes in any order, repeated, overlapping and forged over what has
// come give the alerts of the whole stream.
#include <algorithm>
#include <string>
#include <vector>

#include <rapidcheck.h>

#include "reassembly/assembler.hpp"
#include "signatures/stream_scanner.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rule_generator.hpp"
#include "tests/support/scanner_run.hpp"

namespace lockstep {
namespace {

using reassembly::Assembler;
using reassembly::StreamOffset;

// One segment as it arrives. A forged one carries other bytes; it only comes where the true ones already are.
struct Arrival {
  std::size_t from = 0;
  std::size_t to = 0;
  bool forged = false;
};

// Every packet of the cut at least once, in an order that `choice` decides, with copies of other lengths
// between.
std::vector<Arrival> arrivals_of(const std::vector<std::uint64_t>& packet_ends, std::size_t length,
                                 const std::vector<std::uint32_t>& choice) {
  auto draw = [&, next = std::size_t{0}](std::size_t below) mutable {
    return choice.empty() ? 0 : choice[next++ % choice.size()] % below;
  };
  std::vector<Arrival> arrivals;
  std::size_t at = 0;
  for (const auto end : packet_ends) {
    arrivals.push_back({.from = at, .to = static_cast<std::size_t>(end)});
    at = static_cast<std::size_t>(end);
  }
  for (std::size_t i = arrivals.size(); i > 1; --i) std::swap(arrivals[i - 1], arrivals[draw(i)]);
  const auto packets = arrivals.size();
  for (std::size_t i = 0; i < packets && length > 0; ++i) {
    const auto from = draw(length);
    const auto to = std::min(length, from + 1 + draw(9));
    const auto where = static_cast<std::ptrdiff_t>(draw(arrivals.size() + 1));
    arrivals.insert(arrivals.begin() + where, Arrival{.from = from, .to = to, .forged = draw(3) == 2});
  }
  return arrivals;
}

class Kept : public signatures::StreamHistory {
 public:
  explicit Kept(const Assembler& assembler) : assembler_(assembler) {}
  [[nodiscard]] std::uint64_t begin() const override {
    return static_cast<std::uint64_t>(assembler_.kept_from());
  }
  void copy(std::uint64_t from, std::span<std::uint8_t> to) const override {
    assembler_.copy(static_cast<StreamOffset>(from), to);
  }

 private:
  const Assembler& assembler_;
};

class Direction {
 public:
  Direction(const signatures::RuleSet& set, const signatures::StreamInput& input)
      : set_(set), input_(input), scratch_(*signatures::Scratch::make(set)) {
    packet_.source_port = 40000;
    packet_.destination_port = 80;
    packet_.has_flow = packet_.established = packet_.in_stream = true;
    signatures::FlowEndpoints ends;
    ends.client_port = packet_.source_port;
    ends.server_port = packet_.destination_port;
    scanner_ = signatures::StreamScanner(set, set.rules_for(ends).of(signatures::Direction::to_server));
  }

  void arrive(const Arrival& arrival) {
    std::vector<std::uint8_t> bytes(input_.bytes.begin() + static_cast<std::ptrdiff_t>(arrival.from),
                                    input_.bytes.begin() + static_cast<std::ptrdiff_t>(arrival.to));
    const auto offset = static_cast<StreamOffset>(arrival.from);
    if (arrival.forged) forge(offset, bytes);
    if (!assembler_.room_for(offset, bytes.size()))
      throw std::logic_error("the pool is too small for the test");
    assembler_.insert(offset, bytes);
    scan(false);
  }

  std::vector<signatures::StreamFire> end() {
    if (input_.ended) scan(true);
    std::vector<signatures::StreamFire> fires;
    for (const auto& match : matches_)
      fires.push_back({.end = match.to, .sid = match.id.sid, .early = match.early});
    std::sort(fires.begin(), fires.end());
    return fires;
  }

 private:
  // Every byte is another than the true one; where one has come, the session writes the kept one over it.
  // What has not come must stay true, else the forger would be believed, as the host would.
  void forge(StreamOffset offset, std::vector<std::uint8_t>& bytes) {
    const auto truth = bytes;
    auto first = bytes;
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(byte ^ 0x55U);
    for (auto& byte : first) byte = static_cast<std::uint8_t>(byte ^ 0xaaU);
    assembler_.overlay(offset, bytes);
    assembler_.overlay(offset, first);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const bool kept = bytes[i] == first[i];
      if (!kept) bytes[i] = truth[i];
    }
  }

  void scan(bool last) {
    const auto from = static_cast<StreamOffset>(scanner_.offset());
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(assembler_.in_order() - from));
    assembler_.copy(from, bytes);
    const signatures::StreamChunk chunk{.direction = signatures::Direction::to_server,
                                        .offset = scanner_.offset(),
                                        .bytes = bytes,
                                        .end_of_stream = last};
    const signatures::MatchContext context{.packet = packet_, .flow = flow_, .hosts = nullptr};
    scanner_.scan(chunk, Kept(assembler_), context, scratch_, matches_);
    assembler_.release(
        std::max<StreamOffset>(0, assembler_.in_order() - static_cast<StreamOffset>(set_.window())));
  }

  const signatures::RuleSet& set_;
  const signatures::StreamInput& input_;
  signatures::Scratch scratch_;
  signatures::PacketFields packet_;
  signatures::FlowState flow_;
  signatures::StreamScanner scanner_;
  std::vector<signatures::Match> matches_;
  reassembly::BytePool pool_{16, 256};
  Assembler assembler_{pool_};
};

void check_any_order(const signatures::GeneratorOptions& options) {
  const auto one = *signatures::any_case(options);
  const auto choice =
      *rc::gen::container<std::vector<std::uint32_t>>(rc::gen::inRange<std::uint32_t>(0, 1000));
  signatures::Names names;
  names.flowbits = signatures::generated_flowbits();
  const auto set = signatures::compiled(one.rules, names, one.window);
  for (const auto& cut : one.cuts) {
    const signatures::StreamInput input{
        .bytes = one.stream, .packet_ends = cut, .ended = one.ended, .end_apart = true};
    Direction direction(*set, input);
    for (const auto& arrival : arrivals_of(cut, one.stream.size(), choice)) direction.arrive(arrival);
    const auto got = direction.end();
    const auto wanted = signatures::expected(one.rules, input, set->window());
    if (got != wanted) {
      RC_FAIL("scanner:  " + signatures::to_string(got) + "\nreference:" + signatures::to_string(wanted));
    }
  }
}

TEST_CASE("alerts do not depend on the order, repetition and overlap of segments",
          "[engine][L6][reordering]") {
  CHECK(rc::check("contents", [] { check_any_order({.flowbits = false, .pcres = false, .bytes = false}); }));
  CHECK(rc::check("everything", [] { check_any_order({}); }));
  CHECK(rc::check("everything, with a window shorter than the stream",
                  [] { check_any_order({.small_windows = true}); }));
}

}  // namespace
}  // namespace lockstep
