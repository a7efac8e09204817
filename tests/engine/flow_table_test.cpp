#include "engine/flow_table.hpp"

#include <map>

#include <rapidcheck.h>

#include "tests/engine/tables_support.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep;
using namespace lockstep::test;
using std::chrono::seconds;

namespace {

struct TestFlow : FlowNode {
  TestFlow(const FlowKey& flow_key, Timestamp now, int number,
           std::chrono::seconds flow_timeout = seconds(60))
      : FlowNode(flow_key, now), id(number), timeout(flow_timeout) {}
  int id;
  std::chrono::seconds timeout;
};

using Table = FlowTable<TestFlow>;

void nobody(TestFlow&) {
  FAIL("nothing may be given up here");
}
Duration timeout_of(const TestFlow& flow) {
  return flow.timeout;
}

TestFlow& add(Table& table, const reassembly::Endpoint& source, Timestamp now, int id,
              seconds timeout = seconds(60)) {
  const FlowKey key = make_flow_key(source, server, {}, 0);
  return table.insert(key, table.hash(key), source.address, now, nobody, id, timeout);
}

TestFlow* look(Table& table, const reassembly::Endpoint& source) {
  const FlowKey key = make_flow_key(server, source, {}, 0);
  return table.find(key, table.hash(key));
}

std::vector<int> expired(Table& table, Timestamp now, std::size_t budget = 1000) {
  std::vector<int> ids;
  table.expire(now, budget, timeout_of, [&](TestFlow& flow) { ids.push_back(flow.id); });
  return ids;
}

}  // namespace

TEST_CASE("a flow is found from both directions until it is erased", "[engine][flow_table]") {
  Table table({.flows = 4}, replay_hash_seed);
  TestFlow& flow = add(table, client(0, 1), at(0), 1);
  CHECK(look(table, client(0, 1)) == &flow);
  CHECK(look(table, client(0, 2)) == nullptr);
  table.erase(flow);
  CHECK(look(table, client(0, 1)) == nullptr);
  CHECK(table.size() == 0);
}

TEST_CASE("flows whose hashes are equal are told apart by their keys", "[engine][flow_table]") {
  Table table({.flows = 4}, replay_hash_seed);
  const FlowKey a = make_flow_key(client(0, 1), server, {}, 0),
                b = make_flow_key(client(0, 2), server, {}, 0);
  TestFlow& first = table.insert(a, 99, client(0, 1).address, at(0), nobody, 1);
  TestFlow& second = table.insert(b, 99, client(0, 2).address, at(0), nobody, 2);
  CHECK(table.find(a, 99) == &first);
  CHECK(table.find(b, 99) == &second);
  table.erase(first);
  CHECK(table.find(a, 99) == nullptr);
  CHECK(table.find(b, 99) == &second);
}

TEST_CASE("a batch that was prefetched finds what single look-ups find", "[engine][flow_table]") {
  Table table({.flows = 100}, replay_hash_seed);
  std::vector<FlowKey> keys;
  std::vector<std::uint64_t> hashes;
  for (unsigned i = 0; i < 64; ++i) {
    if (i % 2 == 0) add(table, client(1, i), at(0), static_cast<int>(i));
    keys.push_back(make_flow_key(client(1, i), server, {}, 0));
    hashes.push_back(table.hash(keys.back()));
  }
  table.prefetch(hashes);
  for (unsigned i = 0; i < 64; ++i) {
    const TestFlow* flow = table.find(keys[i], hashes[i]);
    REQUIRE((flow != nullptr) == (i % 2 == 0));
    if (flow != nullptr) CHECK(flow->id == static_cast<int>(i));
  }
}

TEST_CASE("a touched flow lives its time-out from the last packet on", "[engine][flow_table]") {
  Table table({.flows = 4}, replay_hash_seed);
  add(table, client(0, 1), at(0), 1);
  TestFlow& busy = add(table, client(0, 2), at(0), 2);
  CHECK(expired(table, at(50)).empty());
  table.touch(busy, at(55));
  CHECK(expired(table, at(60)) == std::vector{1});
  CHECK(expired(table, at(114)).empty());
  CHECK(expired(table, at(115)) == std::vector{2});
  CHECK(table.counters().expired == 2);
}

TEST_CASE("an idle established flow lives for five days", "[engine][flow_table]") {
  Table table({.flows = 4}, replay_hash_seed);
  add(table, client(0, 1), at(0), 1, std::chrono::hours(24 * 5));
  for (int day = 0; day < 5; ++day) CHECK(expired(table, at(day * 86400.0)).empty());
  CHECK(expired(table, at(5 * 86400.0 - 1)).empty());
  CHECK(expired(table, at(5 * 86400.0)) == std::vector{1});
}

TEST_CASE("a state with a shorter time-out takes effect when it is scheduled", "[engine][flow_table]") {
  Table table({.flows = 4}, replay_hash_seed);
  TestFlow& flow = add(table, client(0, 1), at(0), 1, seconds(3600));
  CHECK(expired(table, at(10)).empty());
  flow.timeout = seconds(10);
  table.schedule(flow, at(20));
  CHECK(expired(table, at(20)) == std::vector{1});
}

TEST_CASE("expiry does no more than its budget at once", "[engine][flow_table]") {
  Table table({.flows = 10}, replay_hash_seed);
  for (unsigned i = 0; i < 10; ++i) add(table, client(0, i), at(0), static_cast<int>(i), seconds(0));
  CHECK(expired(table, at(1), 4).size() == 4);
  CHECK(expired(table, at(1), 4).size() == 4);
  CHECK(expired(table, at(1), 4).size() == 2);
}

TEST_CASE("a full table gives up the longest-idle flow of the prefix that holds most",
          "[engine][flow_table]") {
  Table table({.flows = 6, .idle_granularity = seconds(0)}, replay_hash_seed);
  add(table, client(1, 0), at(0), 10);  // longest idle of all, but alone in its prefix
  TestFlow& first = add(table, client(2, 0), at(1), 20);
  add(table, client(2, 1), at(2), 21);
  add(table, client(2, 2), at(3), 22);
  add(table, client(3, 0), at(4), 30);
  add(table, client(3, 1), at(5), 31);
  table.touch(first, at(6));
  std::vector<int> gone;
  const auto crowd = [&](unsigned prefix, unsigned n, int id) {
    const FlowKey key = make_flow_key(client(prefix, n), server, {}, 0);
    table.insert(
        key, table.hash(key), client(prefix, n).address, at(7),
        [&](TestFlow& flow) { gone.push_back(flow.id); }, id);
  };
  crowd(4, 0, 40);
  CHECK(gone == std::vector{21});
  CHECK(look(table, client(2, 1)) == nullptr);
  CHECK(look(table, client(1, 0)) != nullptr);
  CHECK(table.size() == 6);
  CHECK(table.counters().given_up == 1);
}

TEST_CASE("a source that opens without end only ever pushes out its own flows", "[engine][flow_table]") {
  Table table({.flows = 100}, replay_hash_seed);
  for (unsigned i = 0; i < 20; ++i) add(table, client(i, 0), at(0), static_cast<int>(i));
  for (unsigned i = 0; i < 5000; ++i) {
    const auto flood = client(77, i);
    const FlowKey key = make_flow_key(flood, server, {}, 0);
    table.insert(
        key, table.hash(key), flood.address, at(i), [](TestFlow& flow) { REQUIRE(flow.id == -1); }, -1);
  }
  for (unsigned i = 0; i < 20; ++i) CHECK(look(table, client(i, 0)) != nullptr);
  CHECK(table.flows_of(client(77, 0).address) == 80);
}

TEST_CASE("clear hands every flow over", "[engine][flow_table]") {
  Table table({.flows = 8}, replay_hash_seed);
  for (unsigned i = 0; i < 5; ++i) add(table, client(i, 0), at(0), static_cast<int>(i));
  std::vector<int> gone;
  table.clear([&](TestFlow& flow) { gone.push_back(flow.id); });
  CHECK(gone == std::vector{0, 1, 2, 3, 4});
  CHECK(table.size() == 0);
}

namespace {

struct ModelFlow {
  unsigned prefix = 0;
  int id = 0;
  Timestamp last_seen;
  seconds timeout{};
};
using Model = std::map<unsigned, ModelFlow>;  // by number of the client

void check_victim(const Model& model, const ModelFlow& victim, seconds granularity) {
  std::map<unsigned, std::size_t> counts;
  for (const auto& [n, flow] : model) ++counts[flow.prefix];
  for (const auto& [prefix, count] : counts) RC_ASSERT(count <= counts[victim.prefix]);
  for (const auto& [n, flow] : model) {
    if (flow.prefix == victim.prefix) RC_ASSERT(victim.last_seen <= flow.last_seen + granularity);
  }
}

void model_run() {
  constexpr std::size_t limit = 12;
  const auto granularity = seconds(*rc::gen::element(0, 1, 16));
  Table table({.flows = limit, .idle_granularity = granularity}, replay_hash_seed);
  Model model;
  Timestamp now = at(0);
  int next_id = 0;
  const auto endpoint_of = [](unsigned n) { return client(n % 4, n); };
  const int steps = *rc::gen::inRange(1, 200);
  for (int step = 0; step < steps; ++step) {
    now += std::chrono::milliseconds(*rc::gen::element(0, 1, 900, 5'000, 70'000));
    const auto n = *rc::gen::inRange(0U, 24U);
    TestFlow* flow = look(table, endpoint_of(n));
    RC_ASSERT((flow != nullptr) == model.contains(n));
    if (flow != nullptr) RC_ASSERT(flow->id == model.at(n).id);
    const int what = *rc::gen::inRange(0, 8);
    if (flow == nullptr) {
      const auto source = endpoint_of(n);
      const FlowKey key = make_flow_key(source, server, {}, 0);
      const auto timeout = seconds(*rc::gen::element(1, 60, 432'000));
      const auto give_up = [&](TestFlow& victim) {
        RC_ASSERT(model.size() == limit);
        const auto found = std::find_if(model.begin(), model.end(),
                                        [&](const auto& entry) { return entry.second.id == victim.id; });
        RC_ASSERT(found != model.end());
        check_victim(model, found->second, granularity);
        model.erase(found);
      };
      table.insert(key, table.hash(key), source.address, now, give_up, next_id, timeout);
      model[n] = {n % 4, next_id++, now, timeout};
    } else if (what == 0) {
      table.erase(*flow);
      model.erase(n);
    } else if (what < 6) {
      table.touch(*flow, now);
      model.at(n).last_seen = now;
    } else {
      for (const int id : expired(table, now)) {
        const auto found = std::find_if(model.begin(), model.end(),
                                        [&](const auto& entry) { return entry.second.id == id; });
        RC_ASSERT(found != model.end());
        RC_ASSERT(found->second.last_seen + found->second.timeout <= now);
        model.erase(found);
      }
      for (const auto& [number, kept] : model) RC_ASSERT(kept.last_seen + kept.timeout + seconds(1) > now);
    }
    RC_ASSERT(table.size() == model.size());
  }
}

}  // namespace

TEST_CASE("the table answers as a plain map does", "[engine][flow_table][property]") {
  CHECK(rc::check(model_run));
}
