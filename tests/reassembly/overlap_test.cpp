#include "reassembly/overlap.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <string>

#include <nlohmann/json.hpp>
#include <rapidcheck.h>

#include "tests/support/catch.hpp"
#include "tests/support/shared.hpp"
#include "tests/support/text.hpp"

using namespace lockstep::reassembly;
using lockstep::test::text;

namespace {

// Segments as they come; the in-order end before each one is worked out byte by byte.
class Traffic {
 public:
  Traffic& segment(StreamOffset begin, std::string bytes) {
    const StreamOffset end = begin + static_cast<StreamOffset>(bytes.size());
    texts_.push_back(std::move(bytes));
    arrivals_.push_back({begin, end, in_order_, {}, begin});
    for (StreamOffset at = begin; at < end; ++at) have_.insert(at);
    while (have_.contains(in_order_)) ++in_order_;
    end_ = std::max(end_, end);
    return *this;
  }
  Traffic& fill(StreamOffset begin, std::size_t length, char value) {
    return segment(begin, std::string(length, value));
  }

  [[nodiscard]] std::vector<Arrival> arrivals() const {
    std::vector<Arrival> arrivals = arrivals_;
    for (std::size_t i = 0; i < arrivals.size(); ++i) {
      const auto* bytes = reinterpret_cast<const std::uint8_t*>(texts_[i].data());
      arrivals[i].bytes = {bytes, texts_[i].size()};
    }
    return arrivals;
  }
  [[nodiscard]] StreamOffset end() const { return end_; }
  [[nodiscard]] StreamOffset in_order() const { return in_order_; }
  [[nodiscard]] bool has(StreamOffset at) const { return have_.contains(at); }

  // What the model reads of [0, end); '_' where nothing came.
  [[nodiscard]] std::string read_as(HostModel model) const {
    std::string text(static_cast<std::size_t>(end_), '_');
    for (const Piece& piece : lockstep::reassembly::read_as(model, arrivals())) {
      const StreamOffset base = arrivals_[piece.arrival].begin;
      for (StreamOffset at = piece.begin; at < piece.end; ++at) {
        text[static_cast<std::size_t>(at)] = texts_[piece.arrival][static_cast<std::size_t>(at - base)];
      }
    }
    return text;
  }
  [[nodiscard]] std::string read_as(OverlapPolicy policy) const { return read_as(host_model(policy)); }

  [[nodiscard]] RunReadings readings(Run run, OverlapPolicy policy = OverlapPolicy::linux,
                                     ReadingLimits limits = {}) const {
    const std::vector<Arrival> all = arrivals();
    return lockstep::reassembly::readings(all, std::span(&run, 1), policy, limits).at(0);
  }

 private:
  std::vector<Arrival> arrivals_;
  std::vector<std::string> texts_;
  std::set<StreamOffset> have_;
  StreamOffset in_order_ = 0;
  StreamOffset end_ = 0;
};

constexpr std::array all_policies{
#define X(policy, text) OverlapPolicy::policy,
    LOCKSTEP_OVERLAP_POLICIES(X)
#undef X
};

// Small streams with many overlaps; two values only, so that copies are sometimes equal.
Traffic random_traffic(bool equal_copies) {
  Traffic traffic;
  const auto count = *rc::gen::inRange(1, 14);
  for (int i = 0; i < count; ++i) {
    const auto begin = *rc::gen::inRange<StreamOffset>(0, 30);
    const auto length = *rc::gen::inRange<StreamOffset>(1, 14);
    std::string bytes;
    for (StreamOffset at = begin; at < begin + length; ++at) {
      bytes.push_back(equal_copies ? static_cast<char>('a' + at % 26) : *rc::gen::element('x', 'y'));
    }
    traffic.segment(begin, std::move(bytes));
  }
  return traffic;
}

}  // namespace

TEST_CASE("overlap policies go by Suricata's names", "[reassembly][overlap]") {
  for (const OverlapPolicy policy : all_policies) CHECK(overlap_policy_from_name(name(policy)) == policy);
  CHECK(overlap_policy_from_name("bsd-right") == OverlapPolicy::bsd_right);
  CHECK(overlap_policy_from_name("windows2k3") == OverlapPolicy::windows2k3);
  CHECK_FALSE(overlap_policy_from_name("Linux"));
  CHECK_FALSE(overlap_policy_from_name(""));
}

TEST_CASE("two copies ahead of a hole: each host keeps the one that its policy names",
          "[reassembly][overlap][O01][O04][O05]") {
  // The segment that is there is [10, 20); the newcomers are all ways to overlap it.
  constexpr std::array<Run, 9> newcomers{{{5, 15},
                                          {5, 20},
                                          {5, 25},  // start before it
                                          {10, 15},
                                          {10, 20},
                                          {10, 25},  // start with it
                                          {12, 18},
                                          {12, 20},
                                          {12, 25}}};
  const std::map<OverlapPolicy, std::string> winners{
      {OverlapPolicy::first, "ooooooooo"},       {OverlapPolicy::last, "nnnnnnnnn"},
      {OverlapPolicy::bsd, "nnnoooooo"},         {OverlapPolicy::bsd_right, "ooooooooo"},
      {OverlapPolicy::old_linux, "nnnonnooo"},   {OverlapPolicy::linux, "nnnoonooo"},
      {OverlapPolicy::old_solaris, "ooooooooo"}, {OverlapPolicy::solaris, "onnonnoon"},
      {OverlapPolicy::hpux10, "nnnoooooo"},      {OverlapPolicy::hpux11, "onnonnoon"},
      {OverlapPolicy::irix, "nnnoooooo"},        {OverlapPolicy::macos, "nnnoooooo"},
      {OverlapPolicy::vista, "ooooooooo"},       {OverlapPolicy::windows, "nnnoooooo"},
      {OverlapPolicy::windows2k3, "nnnoooooo"}};
  for (const OverlapPolicy policy : all_policies) {
    for (std::size_t i = 0; i < newcomers.size(); ++i) {
      CAPTURE(name(policy), i);
      const Run it = newcomers[i];
      Traffic traffic;
      traffic.fill(10, 10, 'o').fill(it.begin, static_cast<std::size_t>(it.end - it.begin), 'n');
      traffic.fill(0, static_cast<std::size_t>(std::min<StreamOffset>(it.begin, 10)), '.');
      const std::string read = traffic.read_as(policy);
      const std::size_t begin = static_cast<std::size_t>(std::max<StreamOffset>(it.begin, 10));
      const std::size_t end = static_cast<std::size_t>(std::min<StreamOffset>(it.end, 20));
      CHECK(read.substr(begin, end - begin) == std::string(end - begin, winners.at(policy)[i]));
      // What only one of them has is that one's.
      for (std::size_t at = 10; at < 20; ++at) {
        if (at < begin || at >= end) CHECK(read[at] == 'o');
      }
      if (it.end > 20) CHECK(read.substr(20) == std::string(static_cast<std::size_t>(it.end - 20), 'n'));
    }
  }
}

TEST_CASE("bytes delivered in order are never replaced", "[reassembly][overlap][O07]") {
  for (const OverlapPolicy policy : all_policies) {
    CAPTURE(name(policy));
    CHECK(Traffic().segment(0, "GOOD").segment(0, "EVILEVIL").read_as(policy) == "GOODEVIL");
    CHECK(Traffic().segment(0, "GOOD").segment(2, "XX").segment(4, "!").read_as(policy) == "GOOD!");
  }
}

TEST_CASE("an in-order segment that covers one ahead of the hole", "[reassembly][overlap][O03]") {
  Traffic traffic;
  traffic.segment(4, "EVIL").segment(0, "GETxGOOD");
  CHECK(traffic.read_as(OverlapPolicy::linux) == "GETxGOOD");
  CHECK(traffic.read_as(OverlapPolicy::bsd) == "GETxGOOD");
  CHECK(traffic.read_as(OverlapPolicy::first) == "GETxEVIL");
}

TEST_CASE("Linux merges adjacent segments, which then start where the first of them started",
          "[reassembly][overlap][O06]") {
  Traffic traffic;
  traffic.fill(4, 4, 'A').fill(8, 4, 'B').fill(8, 8, 'C').fill(0, 4, '.');
  CHECK(traffic.read_as(HostModel{HostQueue::linux_coalescing, true}) == "....AAAABBBBCCCC");
  CHECK(traffic.read_as(HostModel{HostQueue::linux_plain, true}) == "....AAAACCCCCCCC");
  // Merging with a segment that is not the last one.
  Traffic inner;
  inner.fill(4, 4, 'A').fill(20, 4, 'Z').fill(8, 4, 'B').fill(8, 8, 'C').fill(16, 4, '-').fill(0, 4, '.');
  CHECK(inner.read_as(HostModel{HostQueue::linux_coalescing, true}) == "....AAAABBBBCCCC----ZZZZ");
  CHECK(inner.read_as(HostModel{HostQueue::linux_tail, true}) == "....AAAACCCCCCCC----ZZZZ");
}

TEST_CASE("a Linux segment that was merged does not remove the followers that it reaches over",
          "[reassembly][overlap]") {
  // B joins A and so overlaps C without removing it; D is judged by C, its predecessor, not by the merged
  // one.
  Traffic traffic;
  traffic.fill(4, 4, 'A').fill(10, 2, 'C').fill(8, 6, 'B').fill(10, 6, 'D').fill(0, 4, '.');
  CHECK(traffic.read_as(OverlapPolicy::linux) == "....AAAABBBBBBDD");
}

TEST_CASE("BSD judges by what is left of a trimmed segment, Suricata by its bounds on the wire",
          "[reassembly][overlap][O02]") {
  Traffic traffic;
  traffic.fill(10, 10, 'A').fill(5, 10, 'B').fill(12, 6, 'C').fill(0, 5, '.');
  CHECK(traffic.read_as(HostModel{HostQueue::bsd, true}) == ".....BBBBBBBBBBCCCAA");
  CHECK(traffic.read_as(HostModel{HostQueue::bsd_whole, true}) == ".....BBBBBBBBBBAAAAA");
}

TEST_CASE("a segment that reached the host later than it passed us meets the others in the queue",
          "[reassembly][overlap]") {
  Traffic traffic;
  traffic.segment(0, "aaaa").segment(2, "bbbb").segment(0, "cc");
  CHECK(traffic.read_as(HostModel{HostQueue::last, true}) == "aaaabb");
  CHECK(traffic.read_as(HostModel{HostQueue::last, false}) == "ccbbbb");
}

TEST_CASE("the named policy's reading comes first, the others once each with their models",
          "[reassembly][overlap]") {
  Traffic traffic;
  traffic.segment(4, "EVIL").segment(0, "GETxGOOD");
  const RunReadings as_first = traffic.readings({4, 8}, OverlapPolicy::first);
  REQUIRE(as_first.readings.size() == 2);
  CHECK(text(as_first.readings[0]) == "EVIL");
  CHECK(text(as_first.readings[1]) == "GOOD");
  CHECK_FALSE(as_first.too_many);
  const RunReadings as_linux = traffic.readings({4, 8});
  REQUIRE(as_linux.readings.size() == 2);
  CHECK(text(as_linux.readings[0]) == "GOOD");
  CHECK(as_linux.readings[0].models == as_first.readings[1].models);
}

TEST_CASE("more readings than the limit are too many, the first ones are listed", "[reassembly][overlap]") {
  Traffic traffic;
  traffic.fill(10, 10, 'A').fill(5, 10, 'B').fill(12, 6, 'C').fill(0, 5, '.');
  const RunReadings all = traffic.readings({5, 20});
  REQUIRE(all.readings.size() > 2);
  CHECK_FALSE(all.too_many);
  const RunReadings two = traffic.readings({5, 20}, OverlapPolicy::linux, {.most = 2});
  CHECK(two.too_many);
  REQUIRE(two.readings.size() == 2);
  CHECK(two.readings[0].bytes == all.readings[0].bytes);
  const RunReadings exact = traffic.readings({5, 20}, OverlapPolicy::linux, {.most = all.readings.size()});
  CHECK_FALSE(exact.too_many);
  CHECK(exact.readings.size() == all.readings.size());
}

TEST_CASE("of a run that is too long only the policy's own reading is listed", "[reassembly][overlap]") {
  Traffic traffic;
  traffic.segment(4, "EVIL").segment(0, "GETxGOOD");
  const RunReadings run = traffic.readings({4, 8}, OverlapPolicy::first, {.longest_run = 3});
  CHECK(run.too_many);
  REQUIRE(run.readings.size() == 1);
  CHECK(text(run.readings[0]) == "EVIL");
}

TEST_CASE("without a conflict there is one reading under every policy: the data", "[reassembly][overlap]") {
  CHECK(rc::check([] {
    const Traffic traffic = random_traffic(true);
    for (const OverlapPolicy policy : all_policies) {
      const RunReadings run = traffic.readings({0, traffic.end()}, policy);
      RC_ASSERT(run.readings.size() == 1U);
      RC_ASSERT(!run.too_many);
      for (StreamOffset at = 0; at < traffic.end(); ++at) {
        const char expected = traffic.has(at) ? static_cast<char>('a' + at % 26) : '\0';
        RC_ASSERT(text(run.readings[0])[static_cast<std::size_t>(at)] == expected);
      }
    }
  }));
}

TEST_CASE("readings are distinct, each byte is some covering segment's, each model has one",
          "[reassembly][overlap]") {
  CHECK(rc::check([] {
    const Traffic traffic = random_traffic(false);
    const RunReadings run = traffic.readings({0, traffic.end()}, OverlapPolicy::linux, {.most = 64});
    std::set<std::string> distinct;
    ModelSet seen = 0;
    for (const Reading& reading : run.readings) {
      RC_ASSERT(distinct.insert(text(reading)).second);
      RC_ASSERT((seen & reading.models) == 0U);
      seen |= reading.models;
      for (StreamOffset at = 0; at < traffic.end(); ++at) {
        if (!traffic.has(at)) continue;
        bool found = false;
        for (const Arrival& arrival : traffic.arrivals()) {
          found = found || (arrival.begin <= at && at < arrival.end &&
                            arrival.bytes[static_cast<std::size_t>(at - arrival.begin)] ==
                                reading.bytes[static_cast<std::size_t>(at)]);
        }
        RC_ASSERT(found);
      }
    }
    RC_ASSERT(seen == (ModelSet{1} << all_host_models().size()) - 1);
    RC_ASSERT(text(run.readings.at(0)) == [&] {
      std::string own = traffic.read_as(OverlapPolicy::linux);
      std::replace(own.begin(), own.end(), '_', '\0');
      return own;
    }());
  }));
}

TEST_CASE("every model accounts for each byte that came exactly once", "[reassembly][overlap]") {
  CHECK(rc::check([] {
    const Traffic traffic = random_traffic(false);
    const std::vector<Arrival> arrivals = traffic.arrivals();
    for (const HostModel& model : all_host_models()) {
      std::set<StreamOffset> read;
      StreamOffset before = 0;
      for (const Piece& piece : read_as(model, arrivals)) {
        RC_ASSERT(piece.begin >= before);
        RC_ASSERT(piece.begin < piece.end);
        RC_ASSERT(piece.begin >= arrivals[piece.arrival].begin);
        RC_ASSERT(piece.end <= arrivals[piece.arrival].end);
        before = piece.end;
        for (StreamOffset at = piece.begin; at < piece.end; ++at) read.insert(at);
      }
      for (StreamOffset at = 0; at < traffic.end(); ++at) RC_ASSERT(read.contains(at) == traffic.has(at));
    }
  }));
}

TEST_CASE("what a model delivered in order stays, whatever comes later", "[reassembly][overlap]") {
  CHECK(rc::check([] {
    const Traffic whole = random_traffic(false);
    const std::vector<Arrival> arrivals = whole.arrivals();
    Traffic part;
    for (const Arrival& arrival : arrivals) {
      part.segment(arrival.begin, std::string(arrival.bytes.begin(), arrival.bytes.end()));
      const auto delivered = static_cast<std::size_t>(part.in_order());
      for (const HostModel& model : all_host_models()) {
        if (!model.delivers) continue;
        RC_ASSERT(part.read_as(model).substr(0, delivered) == whole.read_as(model).substr(0, delivered));
      }
    }
  }));
}

TEST_CASE("offsets far from zero change nothing", "[reassembly][overlap]") {
  for (const StreamOffset base : {StreamOffset{-40}, StreamOffset{1} << 40}) {
    const std::string evil = "EVIL", good = "GETxGOOD";
    const auto bytes = [](const std::string& of) {
      return std::span(reinterpret_cast<const std::uint8_t*>(of.data()), of.size());
    };
    const std::array<Arrival, 2> arrivals{
        {{base + 4, base + 8, base, bytes(evil), base + 4}, {base, base + 8, base, bytes(good), base}}};
    const std::array<Run, 2> runs{{{base, base + 4}, {base + 4, base + 8}}};
    const auto both = readings(arrivals, runs, OverlapPolicy::first);
    REQUIRE(both.size() == 2);
    CHECK(both[0].readings.size() == 1);
    CHECK(text(both[0].readings.at(0)) == "GETx");
    REQUIRE(both[1].readings.size() == 2);
    CHECK(text(both[1].readings[0]) == "EVIL");
    CHECK(text(both[1].readings[1]) == "GOOD");
  }
}

TEST_CASE("what Linux applications read is what the model reads", "[reassembly][overlap][oracle][O01][O02]") {
  const auto path = lockstep::test::shared("corpora/linux-host/overlap_golden.jsonl");
  if (!path) return;
  std::ifstream in(*path);
  std::map<std::string, std::size_t> cases;
  std::map<std::string, std::map<HostQueue, std::size_t>> right;
  std::size_t among = 0, first = 0, total = 0, most = 0, sum = 0, too_many = 0;
  for (std::string line; std::getline(in, line);) {
    const auto golden = nlohmann::json::parse(line);
    const auto result = golden.at("result").get<std::string>();
    const auto context = golden.at("ctx").get<std::string>();
    Traffic traffic;
    for (const auto& segment : golden.at("segs")) {
      traffic.fill(segment[0].get<StreamOffset>(), segment[1].get<std::size_t>(),
                   segment[2].get<std::string>().at(0));
    }
    ++total;
    ++cases[context];
    for (const HostModel& model : all_host_models()) {
      if (model.delivers) right[context][model.queue] += traffic.read_as(model) == result ? 1U : 0U;
    }
    const RunReadings run = traffic.readings({0, static_cast<StreamOffset>(result.size())});
    first += text(run.readings.at(0)) == result ? 1U : 0U;
    among += std::any_of(run.readings.begin(), run.readings.end(),
                         [&](const Reading& reading) { return text(reading) == result; })
                 ? 1U
                 : 0U;
    sum += run.readings.size();
    most = std::max(most, run.readings.size());
    too_many += run.too_many ? 1U : 0U;
  }
  for (const auto& [context, queues] : right) {
    for (const auto& [queue, count] : queues) {
      std::cout << context << ' ' << name(queue) << ' ' << count << " of " << cases.at(context) << "\n";
    }
  }
  std::cout << "among the readings " << among << " of " << total << ", first " << first << ", mean "
            << static_cast<double>(sum) / static_cast<double>(total) << ", most " << most << "\n";
  REQUIRE(total > 0);
  CHECK(first == total);
  CHECK(among == total);
  CHECK(too_many == 0);
  CHECK(sum <= 5 * total);
  CHECK(most <= 14);
  for (const auto& [context, count] : cases) {
    CAPTURE(context);
    auto& queues = right[context];
    CHECK(queues[HostQueue::linux_coalescing] == count);
    CHECK(queues[HostQueue::linux_tail] * 100 >= count * 95);
    CHECK(queues[HostQueue::linux_plain] * 100 >= count * 94);
    CHECK(queues[HostQueue::bsd_whole] * 100 >= count * 82);
    CHECK(queues[HostQueue::bsd] * 100 >= count * 68);
    CHECK(queues[HostQueue::first] * 100 >= count * 24);
    CHECK(queues[HostQueue::last] * 100 >= count * 20);
  }
}
