#include "engine/half_open_table.hpp"

#include <map>

#include <rapidcheck.h>

#include "tests/engine/tables_support.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep;
using namespace lockstep::test;
using std::chrono::seconds;

namespace {

FlowKey key_of(unsigned n) {
  return make_flow_key(client(1, n), server, {}, 0);
}

HalfOpenRecord* open(HalfOpenTable& table, unsigned n, reassembly::Timestamp now) {
  return table.find_or_insert(key_of(n), table.hash(key_of(n)), now);
}

HalfOpenRecord* look(HalfOpenTable& table, unsigned n) {
  return table.find(key_of(n), table.hash(key_of(n)));
}

}  // namespace

TEST_CASE("a full table refuses newcomers, counts them and keeps what it has", "[engine][half_open]") {
  HalfOpenTable table({.connections = 4, .timeout = seconds(60)}, replay_hash_seed);
  for (unsigned n = 0; n < 4; ++n) REQUIRE(open(table, n, at(n)) != nullptr);
  for (unsigned n = 100; n < 1100; ++n) CHECK(open(table, n, at(10)) == nullptr);
  CHECK(table.refused() == 1000);
  for (unsigned n = 0; n < 4; ++n) CHECK(look(table, n) != nullptr);
  CHECK(open(table, 2, at(11)) == look(table, 2));  // a known one is no newcomer
  CHECK(table.refused() == 1000);
}

TEST_CASE("a full table makes room of records whose time is up", "[engine][half_open]") {
  HalfOpenTable table({.connections = 2, .timeout = seconds(60)}, replay_hash_seed);
  REQUIRE(open(table, 0, at(0)) != nullptr);
  REQUIRE(open(table, 1, at(1)) != nullptr);
  REQUIRE(open(table, 0, at(30)) != nullptr);  // its SYN again
  CHECK(open(table, 2, at(60.5)) == nullptr);
  CHECK(open(table, 2, at(61)) != nullptr);
  CHECK(look(table, 1) == nullptr);
  CHECK(look(table, 0) != nullptr);
  CHECK(table.expired() == 1);
}

TEST_CASE("half-open connections expire, are found and removed as in a plain map",
          "[engine][half_open][property]") {
  CHECK(rc::check([] {
    HalfOpenTable table({.connections = 8, .timeout = seconds(10)}, replay_hash_seed);
    std::map<unsigned, reassembly::Timestamp> model;
    auto now = at(0);
    const int steps = *rc::gen::inRange(1, 200);
    for (int step = 0; step < steps; ++step) {
      now += std::chrono::milliseconds(*rc::gen::element(0, 500, 3000, 9999));
      const auto n = *rc::gen::inRange(0U, 12U);
      RC_ASSERT((look(table, n) != nullptr) == model.contains(n));
      const auto expire_model = [&] {
        return std::erase_if(model, [&](const auto& entry) { return entry.second + seconds(10) <= now; });
      };
      switch (*rc::gen::inRange(0, 4)) {
        case 0:
          RC_ASSERT(table.expire(now, 100, [](const HalfOpenRecord&) {}) == expire_model());
          break;
        case 1:
          if (HalfOpenRecord* record = look(table, n)) table.remove(*record);
          model.erase(n);
          break;
        default:
          table.expire(now, 100, [](const HalfOpenRecord&) {});
          expire_model();
          HalfOpenRecord* record = open(table, n, now);
          RC_ASSERT((record != nullptr) == (model.contains(n) || model.size() < 8));
          if (record != nullptr) model[n] = now;
      }
      RC_ASSERT(table.size() == model.size());
    }
  }));
}
