#include "engine/half_open_table.hpp"

#include <map>

#include <rapidcheck.h>

#include "tests/engine/tables_support.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep;
using namespace lockstep::test;
using reassembly::Seq;
using std::chrono::seconds;

namespace {

FlowKey key_of(unsigned n) {
  return make_flow_key(client(1, n), server, {}, 0);
}

HalfOpen* open(HalfOpenTable& table, unsigned n, reassembly::Timestamp now) {
  return table.find_or_insert(key_of(n), table.hash(key_of(n)), now);
}

HalfOpen* look(HalfOpenTable& table, unsigned n) {
  return table.find(key_of(n), table.hash(key_of(n)));
}

SynCandidate syn(std::uint32_t iss, bool from_low = true) {
  SynCandidate candidate;
  candidate.iss = Seq(iss);
  candidate.from_low = from_low;
  return candidate;
}

}  // namespace

TEST_CASE("four SYNs are kept, a fifth is refused and pushes none out", "[engine][half_open][H08]") {
  HalfOpen record(key_of(0), at(0));
  for (std::uint32_t iss : {100U, 200U, 300U, 0xFFFFFFFFU})
    CHECK(record.add(syn(iss)) == HalfOpen::Added::added);
  CHECK(record.add(syn(500)) == HalfOpen::Added::full);
  SynCandidate again = syn(200);
  again.timestamp_value = 7;
  CHECK(record.add(again) == HalfOpen::Added::repeated);
  REQUIRE(record.candidates().size() == 4);
  CHECK(record.candidates()[1].timestamp_value == 7);
  CHECK(record.candidates()[3].iss == Seq(0xFFFFFFFF));
}

TEST_CASE("a SYN-ACK binds to the other end's SYN that it acknowledges",
          "[engine][half_open][H08][rfc9293-3.10.7.3]") {
  HalfOpen record(key_of(0), at(0));
  for (std::uint32_t iss : {100U, 0xFFFFFFFFU}) CHECK(record.add(syn(iss)) == HalfOpen::Added::added);
  CHECK(record.add(syn(300, false)) == HalfOpen::Added::added);  // simultaneous open
  CHECK(record.answered_by(Seq(101), false) == &record.candidates()[0]);
  CHECK(record.answered_by(Seq(0), false) == &record.candidates()[1]);
  CHECK(record.answered_by(Seq(301), true) == &record.candidates()[2]);
  CHECK(record.answered_by(Seq(101), true) == nullptr);  // nobody answers their own SYN
  CHECK(record.answered_by(Seq(100), false) == nullptr);
}

TEST_CASE("a candidate holds what the SYN said", "[engine][half_open]") {
  reassembly::Segment segment;
  segment.source = server;
  segment.destination = client(1, 0);
  segment.seq = Seq(77);
  segment.window = 64240;
  segment.options.window_scale = 15;
  segment.options.timestamps = {.value = 9, .echo = 0};
  segment.options.mss = std::uint16_t{1460};
  segment.options.sack_permitted = true;
  const SynCandidate candidate = make_syn_candidate(segment);
  CHECK(candidate.iss == Seq(77));
  CHECK(candidate.window == 64240);
  CHECK(candidate.window_scale == 14);  // RFC 7323 §2.3
  CHECK(candidate.timestamp_value == 9);
  CHECK(candidate.mss == 1460);
  CHECK((candidate.has_mss && candidate.has_timestamps && candidate.has_window_scale &&
         candidate.sack_permitted));
  CHECK_FALSE((candidate.md5 || candidate.ao || candidate.from_low));
}

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
          RC_ASSERT(table.expire(now, 100, [](const HalfOpen&) {}) == expire_model());
          break;
        case 1:
          if (HalfOpen* record = look(table, n)) table.remove(*record);
          model.erase(n);
          break;
        default:
          table.expire(now, 100, [](const HalfOpen&) {});
          expire_model();
          HalfOpen* record = open(table, n, now);
          RC_ASSERT((record != nullptr) == (model.contains(n) || model.size() < 8));
          if (record != nullptr) model[n] = now;
      }
      RC_ASSERT(table.size() == model.size());
    }
  }));
}
