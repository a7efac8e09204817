#include "engine/flow_key.hpp"

#include <set>

#include <rapidcheck.h>

#include "tests/engine/tables_support.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep;
using namespace lockstep::test;

namespace {

reassembly::Endpoint arbitrary_endpoint(std::uint8_t version) {
  reassembly::Endpoint endpoint;
  endpoint.address.version = version;
  for (std::size_t i = 0; i < (version == 4 ? 4U : 16U); ++i) {
    endpoint.address.bytes.at(i) = *rc::gen::element<std::uint8_t>(0, 1, 0x7F, 0x80, 0xFF);
  }
  endpoint.port = *rc::gen::element<std::uint16_t>(0, 1, 80, 255, 256, 65535);
  return endpoint;
}

}  // namespace

TEST_CASE("both directions of a connection have one key and one hash, and each end knows its packets",
          "[engine][flow_key]") {
  CHECK(rc::check([] {
    const auto version = *rc::gen::element<std::uint8_t>(4, 6);
    const auto a = arbitrary_endpoint(version), b = arbitrary_endpoint(version);
    const reassembly::VlanStack vlan{{*rc::gen::inRange<std::uint16_t>(1, 4095), 7, 0}, 2};
    const auto group = *rc::gen::arbitrary<std::uint16_t>();
    const FlowKey there = make_flow_key(a, b, vlan, group), back = make_flow_key(b, a, vlan, group);
    RC_ASSERT(there == back);
    RC_ASSERT(there.hash(HashSeed{5}) == back.hash(HashSeed{5}));
    RC_ASSERT((from_low(a, b) ? a : b) == there.low());
    RC_ASSERT((from_low(a, b) ? b : a) == there.high());
    if (a != b) RC_ASSERT(from_low(a, b) != from_low(b, a));
  }));
}

TEST_CASE("connections that differ in any part have different keys", "[engine][flow_key]") {
  const auto a = end("10.0.0.1", 1024), b = end("10.0.0.2", 80);
  const FlowKey key = make_flow_key(a, b, {}, 0);
  const std::vector<FlowKey> others{
      make_flow_key(end("10.0.0.1", 1025), b, {}, 0),
      make_flow_key(a, end("10.0.0.2", 81), {}, 0),
      make_flow_key(end("10.0.0.3", 1024), b, {}, 0),
      make_flow_key(end("10.0.0.1", 80), end("10.0.0.2", 1024), {}, 0),  // ports exchanged
      make_flow_key(a, b, {{5, 0, 0}, 1}, 0),
      make_flow_key(a, b, {{6, 0, 0}, 1}, 0),
      make_flow_key(a, b, {{5, 6, 0}, 2}, 0),
      make_flow_key(a, b, {{6, 5, 0}, 2}, 0),
      make_flow_key(a, b, {}, 1),
      make_flow_key(end("a00:1::", 1024), end("a00:2::", 80), {}, 0),  // the same leading bytes as IPv6
  };
  std::set<std::uint64_t> hashes{key.hash(HashSeed{})};
  for (const FlowKey& other : others) {
    CHECK_FALSE(key == other);
    CHECK(hashes.insert(other.hash(HashSeed{})).second);
  }
}

TEST_CASE("ids behind the count of a VLAN stack are no part of the key", "[engine][flow_key]") {
  const auto a = end("10.0.0.1", 1024), b = end("10.0.0.2", 80);
  CHECK(make_flow_key(a, b, {{5, 9, 9}, 1}, 0) == make_flow_key(a, b, {{5, 0, 0}, 1}, 0));
}

TEST_CASE("the hash depends on the seed and is the same on every machine", "[engine][flow_key]") {
  const FlowKey key = make_flow_key(end("10.0.0.1", 1024), end("10.0.0.2", 80), {}, 0);
  CHECK(key.hash(HashSeed{1}) != key.hash(HashSeed{2}));
  CHECK(key.hash(replay_hash_seed) == 0x4639cc0a8e9918U);
}

TEST_CASE("a key prints as its two ends", "[engine][flow_key]") {
  CHECK(to_string(make_flow_key(end("10.0.0.2", 80), end("10.0.0.1", 1024), {}, 0)) ==
        "10.0.0.1:1024 10.0.0.2:80");
  CHECK(to_string(make_flow_key(end("2001:db8::2", 80), end("2001:db8::1", 9), {{5, 6, 0}, 2}, 3)) ==
        "[2001:db8::1]:9 [2001:db8::2]:80 vlan 5 vlan 6 group 3");
}
