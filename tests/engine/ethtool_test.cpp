#include "engine/interface/ethtool.hpp"

#include <algorithm>

#include "tests/engine/interface_support.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep;

namespace {

const Feature* find(const std::vector<Feature>& features, std::string_view name) {
  const auto found =
      std::find_if(features.begin(), features.end(), [&](const Feature& one) { return one.name == name; });
  return found == features.end() ? nullptr : &*found;
}

}  // namespace

TEST_CASE("an interface tells its driver and queues, and its features are set and read back",
          "[interface][threads]") {
  test::in_new_namespace([] {
    REQUIRE(test::shell("ip link add left numrxqueues 3 numtxqueues 3 type veth peer name right"));
    const auto left = Ethtool::open("left");
    REQUIRE(left);
    CHECK(left->driver().value_or("") == "veth");
    const auto channels = left->channels();
    REQUIRE(channels);
    CHECK(channels->most_receive == 3);
    CHECK_FALSE(left->receive_hash());

    for (const bool on : {false, true, true, false}) {
      REQUIRE(left->set("tx-tcp-segmentation", on));
      const auto features = left->features();
      REQUIRE(features);
      const Feature* segmentation = find(*features, "tx-tcp-segmentation");
      REQUIRE(segmentation != nullptr);
      CHECK(segmentation->on == on);
      CHECK_FALSE(segmentation->fixed);
    }
  });
}

TEST_CASE("what can't be set is refused by name", "[interface][threads]") {
  test::in_new_namespace([] {
    REQUIRE(test::shell("ip link add left type veth peer name right"));
    const auto left = Ethtool::open("left");
    REQUIRE(left);
    const auto features = left->features();
    REQUIRE(features);
    const Feature* fixed = find(*features, "rx-vlan-filter");
    REQUIRE(fixed != nullptr);
    REQUIRE(fixed->fixed);
    const auto refused = left->set(fixed->name, !fixed->on);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().find("left") == 0);
    CHECK(refused.error().find("rx-vlan-filter") != std::string::npos);
    CHECK(left->set(fixed->name, fixed->on));
    CHECK_FALSE(left->set("no-such-feature", true));
    CHECK_FALSE(Ethtool::open("nobody"));
    CHECK_FALSE(Ethtool::open("a-name-longer-than-any-interface"));
  });
}

TEST_CASE("a receive hash is symmetric by its transformation or by a key of period 16 bits", "[interface]") {
  ReceiveHash hash;
  CHECK_FALSE(hash.symmetric());
  for (int i = 0; i < 20; ++i) hash.key.insert(hash.key.end(), {0x6d, 0x5a});
  CHECK(hash.symmetric());
  hash.key[7] ^= 1U;
  CHECK_FALSE(hash.symmetric());
  hash.symmetric_xor = true;
  CHECK(hash.symmetric());
}
