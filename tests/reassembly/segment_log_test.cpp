#include "reassembly/segment_log.hpp"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <string>

#include <nlohmann/json.hpp>
#include <rapidcheck.h>

#include "tests/support/catch.hpp"
#include "tests/support/shared.hpp"
#include "tests/support/text.hpp"

using namespace lockstep::reassembly;
using lockstep::test::span_of;
using lockstep::test::text;

namespace {

// One direction of a session that observes: what it does with each payload that the receiver takes.
struct Observer {
  explicit Observer(std::size_t records = 4) : logs(records) {}

  std::vector<RunReadings> take(StreamOffset offset, const std::string& bytes,
                                OverlapPolicy policy = OverlapPolicy::linux) {
    const StreamOffset from = assembler.in_order();
    log.add(offset, span_of(bytes), assembler);
    assembler.insert(offset, span_of(bytes));
    std::vector<RunReadings> runs;
    if (assembler.in_order() > from) {
      runs = log.readings(assembler, from, assembler.in_order(), policy);
      log.delivered(assembler);
    }
    return runs;
  }

  BytePool pool{4096, 4096};
  SegmentLogPool logs;
  Assembler assembler{pool};
  SegmentLog log{logs};
};

}  // namespace

TEST_CASE("data in order holds no log", "[reassembly][segment_log]") {
  Observer observer;
  CHECK(observer.take(0, "GET ").empty());
  CHECK(observer.take(0, "PUT ").empty());
  CHECK(observer.take(2, "T / HTTP").empty());
  CHECK_FALSE(observer.log.active());
  CHECK_FALSE(observer.log.conflicts());
}

TEST_CASE("a loss without conflict is logged until its hole closes, and gives no runs",
          "[reassembly][segment_log]") {
  Observer observer;
  observer.take(4, "5678");
  observer.take(2, "3456");
  CHECK(observer.log.active());
  CHECK(observer.logs.available() == 3);
  CHECK(observer.take(0, "1234").empty());
  CHECK_FALSE(observer.log.active());
  CHECK(observer.logs.available() == 4);
}

TEST_CASE("a copy that differs is a run with its readings when the hole closes",
          "[reassembly][segment_log][O03]") {
  Observer observer;
  observer.take(4, "EVIL");
  const auto runs = observer.take(0, "GETxGOOL");
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].run == Run{4, 7});  // the L is the same in both
  REQUIRE(runs[0].readings.size() == 2);
  CHECK(text(runs[0].readings[0]) == "GOO");
  CHECK(text(runs[0].readings[1]) == "EVI");
  CHECK_FALSE(observer.log.active());
}

TEST_CASE("a late copy is judged with the segments that came before the conflict",
          "[reassembly][segment_log][O06]") {
  Observer observer;
  observer.take(4, "AAAA");
  observer.take(8, "BBBB");
  CHECK_FALSE(observer.log.conflicts());
  observer.take(8, "CCCCCCCC");
  CHECK(observer.log.conflicts());
  const auto runs = observer.take(0, "....");
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].run == Run{8, 12});
  CHECK(text(runs[0].readings.at(0)) == "BBBB");  // because A and B were merged
  CHECK(runs[0].readings.size() == 2);
}

TEST_CASE("conflicts of segments that do not overlap are runs of their own", "[reassembly][segment_log]") {
  Observer observer;
  observer.take(4, "AAAA");
  observer.take(4, "BBBB");
  observer.take(12, "CCCC");
  observer.take(12, "DDDD");
  observer.take(8, "....");
  const auto runs = observer.take(0, "----");
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].run == Run{4, 8});
  CHECK(runs[1].run == Run{12, 16});
  // One host, one model: of the pairs only those that share one are possible.
  REQUIRE(runs[1].readings.size() == 2);
  CHECK((runs[0].readings[0].models & runs[1].readings[1].models) == 0U);
}

TEST_CASE("a run ahead of a second hole waits for that hole", "[reassembly][segment_log]") {
  Observer observer;
  observer.take(4, "AAAA");
  observer.take(12, "CCCC");
  observer.take(12, "DDDDD");
  CHECK(observer.take(0, "----").empty());
  CHECK(observer.log.active());
  CHECK(observer.log.conflicts());
  const auto runs = observer.take(8, "....");
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].run == Run{12, 16});
  CHECK(text(runs[0].readings.at(0)) == "DDDD");
}

TEST_CASE("a full record forgets what is delivered, then makes the log lossy", "[reassembly][segment_log]") {
  const auto take_islands = [](Observer& observer, StreamOffset begin, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      observer.take(begin + static_cast<StreamOffset>(2 * i), "x");
    }
  };
  Observer observer;
  take_islands(observer, 1, SegmentRecord::max_entries);
  CHECK_FALSE(observer.log.lossy());

  SECTION("what lies left of the in-order end makes room") {
    for (StreamOffset at = 0; at < 40; at += 2) observer.take(at, "y");
    CHECK_FALSE(observer.log.lossy());
    observer.take(1000, "AAAA");
    observer.take(1000, "BBBB");
    const auto runs = observer.take(40, std::string(960, 'x'));
    REQUIRE(runs.size() == 1);
    CHECK(runs[0].run == Run{1000, 1004});
    CHECK(text(runs[0].readings.at(0)) == "AAAA");
  }
  SECTION("beyond that a conflict is reported without readings, until the holes are closed") {
    observer.take(1000, "AAAA");
    CHECK(observer.log.lossy());
    observer.take(1000, "ABBA");
    const auto runs = observer.take(0, std::string(1000, 'x'));
    REQUIRE(runs.size() == 1);
    CHECK(runs[0].run == Run{1001, 1003});
    CHECK(runs[0].too_many);
    CHECK(runs[0].readings.empty());
    CHECK_FALSE(observer.log.lossy());
    observer.take(1010, "EVIL");
    CHECK(observer.take(1004, "GOODisGOOD").size() == 1);
  }
  SECTION("without a conflict a lossy log says nothing") {
    observer.take(1000, "AAAA");
    CHECK(observer.take(0, std::string(1000, 'x')).empty());
  }
}

TEST_CASE("copies beyond the record's bytes make the log lossy", "[reassembly][segment_log]") {
  Observer observer;
  observer.take(1, std::string(20000, 'a'));
  observer.take(1, std::string(SegmentRecord::max_copy_bytes, 'b'));
  CHECK_FALSE(observer.log.lossy());
  observer.take(1, std::string(1, 'c'));
  CHECK(observer.log.lossy());
  const auto runs = observer.take(0, "-");
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].too_many);
  CHECK(runs[0].run == Run{1, 1 + static_cast<StreamOffset>(SegmentRecord::max_copy_bytes)});
}

TEST_CASE("an empty pool makes a log lossy", "[reassembly][segment_log]") {
  Observer observer(1);
  SegmentLog other(observer.logs);
  other.add(4, span_of("EVIL"), observer.assembler);
  CHECK(other.active());
  observer.take(4, "EVIL");
  CHECK_FALSE(observer.log.active());
  CHECK(observer.log.lossy());
  const auto runs = observer.take(0, "GETxGOOD");
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].too_many);
  other.reset();
  observer.take(12, "EVIL");
  CHECK(observer.take(8, "GETxGOOD").at(0).readings.size() == 2);
}

TEST_CASE("a loss in a bulk transfer costs one entry, and a conflict in it is still modelled",
          "[reassembly][segment_log]") {
  Observer observer;
  const std::string segment(1460, 'a');
  for (StreamOffset i = 1; i <= 700; ++i) observer.take(i * 1460, segment);
  CHECK_FALSE(observer.log.lossy());
  observer.take(300 * 1460 + 100, std::string(2000, 'e'));
  const auto runs = observer.take(0, segment);
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].run == Run{300 * 1460 + 100, 300 * 1460 + 2100});
  CHECK(text(runs[0].readings.at(0)) == std::string(2000, 'a'));
  CHECK(runs[0].readings.size() > 1);
}

TEST_CASE("more segments than a record stands for make the log lossy", "[reassembly][segment_log]") {
  Observer observer;
  for (std::size_t i = 1; i <= SegmentRecord::max_arrivals; ++i) {
    observer.take(static_cast<StreamOffset>(i), "x");
  }
  CHECK_FALSE(observer.log.lossy());
  observer.take(static_cast<StreamOffset>(SegmentRecord::max_arrivals) + 1, "x");
  CHECK(observer.log.lossy());
}

TEST_CASE("a record goes back to the pool with its log, and moves with it", "[reassembly][segment_log]") {
  Observer observer;
  {
    SegmentLog log(observer.logs);
    log.add(4, span_of("EVIL"), observer.assembler);
    SegmentLog moved(std::move(log));
    CHECK(moved.active());
    CHECK(observer.logs.available() == 3);
    SegmentLog assigned(observer.logs);
    assigned.add(4, span_of("EVIL"), observer.assembler);
    assigned = std::move(moved);
    CHECK(observer.logs.available() == 3);
  }
  CHECK(observer.logs.available() == 4);
}

TEST_CASE("bytes that never came are skipped, what follows is judged", "[reassembly][segment_log]") {
  Observer observer;
  observer.take(4, "AAAA");
  observer.take(4, "BBBBB");
  observer.assembler.skip_to(4);
  const auto runs =
      observer.log.readings(observer.assembler, 4, observer.assembler.in_order(), OverlapPolicy::linux);
  observer.log.delivered(observer.assembler);
  REQUIRE(runs.size() == 1);
  CHECK(text(runs[0].readings.at(0)) == "BBBB");
  CHECK_FALSE(observer.log.active());
}

TEST_CASE("the log reads what models of all segments read, and its runs are where values differ",
          "[reassembly][segment_log]") {
  CHECK(rc::check([] {
    Observer observer;
    std::vector<std::string> texts;
    std::vector<Arrival> arrivals;  // as the log should have them
    std::map<StreamOffset, std::string> values;
    texts.reserve(64);
    const auto count = *rc::gen::inRange(1, 20);
    for (int i = 0; i < count; ++i) {
      const auto offset = *rc::gen::inRange<StreamOffset>(0, 40);
      const auto length = *rc::gen::inRange<StreamOffset>(1, 12);
      std::string& bytes = texts.emplace_back();
      for (StreamOffset at = 0; at < length; ++at) bytes.push_back(*rc::gen::element('x', 'x', 'x', 'y'));

      const StreamOffset from = observer.assembler.in_order();
      const bool logged = offset > from || (offset + length > from && observer.assembler.has_islands() &&
                                            observer.assembler.first_island() < offset + length);
      const StreamOffset begin = std::max(offset, from);
      if (!observer.log.active()) arrivals.clear();
      if (logged) {
        arrivals.push_back({begin, offset + length, from,
                            span_of(bytes).subspan(static_cast<std::size_t>(begin - offset)), begin});
      }
      for (StreamOffset at = begin; at < offset + length; ++at) {
        values[at].push_back(bytes[static_cast<std::size_t>(at - offset)]);
      }
      const auto runs = observer.take(offset, bytes);
      const StreamOffset to = observer.assembler.in_order();
      for (StreamOffset at = from; at < to; ++at) {
        const bool differs = values[at].find_first_not_of(values[at][0]) != std::string::npos;
        const bool in_run = std::any_of(runs.begin(), runs.end(), [at](const RunReadings& run) {
          return run.run.begin <= at && at < run.run.end;
        });
        RC_ASSERT(in_run || !differs);
      }
      for (const RunReadings& run : runs) {
        RC_ASSERT(run.run.begin >= from && run.run.end <= to);
        for (const StreamOffset edge : {run.run.begin, run.run.end - 1}) {
          RC_ASSERT(values[edge].find_first_not_of(values[edge][0]) != std::string::npos);
        }
        const auto expected = readings(arrivals, std::span(&run.run, 1), OverlapPolicy::linux).at(0);
        RC_ASSERT(run.readings.size() == expected.readings.size());
        for (std::size_t k = 0; k < run.readings.size(); ++k) {
          RC_ASSERT(run.readings[k].bytes == expected.readings[k].bytes);
          RC_ASSERT(run.readings[k].models == expected.readings[k].models);
        }
      }
      RC_ASSERT(observer.log.active() == observer.assembler.has_islands());
    }
  }));
}

TEST_CASE("kept bytes and readings together are what Linux applications read",
          "[reassembly][segment_log][oracle][O01][O02]") {
  const auto path = lockstep::test::shared("corpora/linux-host/overlap_golden.jsonl");
  if (!path) return;
  std::ifstream in(*path);
  std::size_t total = 0, right = 0, with_runs = 0;
  for (std::string line; std::getline(in, line);) {
    const auto golden = nlohmann::json::parse(line);
    Observer observer;
    std::string read;
    bool ran = false;
    for (const auto& segment : golden.at("segs")) {
      const auto fill = segment[2].get<std::string>().at(0);
      const std::size_t from = read.size();
      const auto runs = observer.take(segment[0].get<StreamOffset>(),
                                      std::string(segment[1].get<std::size_t>(), fill), OverlapPolicy::linux);
      observer.assembler.read(
          static_cast<StreamOffset>(from), observer.assembler.in_order(),
          [&](std::span<const std::uint8_t> kept) { read.append(kept.begin(), kept.end()); });
      for (const RunReadings& run : runs) {
        ran = true;
        const std::string own = text(run.readings.at(0));
        read.replace(static_cast<std::size_t>(run.run.begin), own.size(), own);
      }
    }
    ++total;
    with_runs += ran ? 1U : 0U;
    right += read == golden.at("result").get<std::string>() ? 1U : 0U;
  }
  std::cout << right << " of " << total << " streams, " << with_runs << " with runs\n";
  REQUIRE(total > 0);
  CHECK(right == total);
  CHECK(with_runs * 2 > total);
}
