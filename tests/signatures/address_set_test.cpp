#include <set>

#include <rapidcheck.h>

#include "signatures/port_set.hpp"
#include "signatures/variables.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep::signatures;

namespace {

Address v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  return {{a, b, c, d}, 4};
}

AddressSet addresses(std::string_view text) {
  const auto set = parse_addresses(text, Variables::defaults());
  INFO((set ? "" : set.error().message));
  REQUIRE(set.has_value());
  return *set;
}

}  // namespace

TEST_CASE("an exclusion cuts a hole into a network and leaves its neighbours", "[signatures][address]") {
  const AddressSet set = addresses("[10.0.0.0/8,!10.1.0.0/16,10.1.2.3-10.1.2.4]");
  CHECK(set.contains(v4(10, 0, 255, 255)));
  CHECK_FALSE(set.contains(v4(10, 1, 0, 0)));
  CHECK_FALSE(set.contains(v4(10, 1, 2, 3)));  // a negative wins over every positive
  CHECK_FALSE(set.contains(v4(10, 1, 255, 255)));
  CHECK(set.contains(v4(10, 2, 0, 0)));
  CHECK_FALSE(set.contains(v4(11, 0, 0, 0)));
  CHECK(set.ranges(4).size() == 2);
}

TEST_CASE("only negatives mean everything else, in both families", "[signatures][address]") {
  const AddressSet set = addresses("!192.168.0.0/16");
  CHECK(set.contains(v4(192, 167, 255, 255)));
  CHECK_FALSE(set.contains(v4(192, 168, 1, 1)));
  CHECK(set.contains(Address{{0x20, 0x01}, 6}));
}

TEST_CASE("the families do not mix", "[signatures][address]") {
  const AddressSet set = addresses("2001:db8::/32");
  CHECK(set.contains(Address{{0x20, 0x01, 0x0d, 0xb8, 1}, 6}));
  CHECK_FALSE(set.contains(v4(0x20, 0x01, 0x0d, 0xb8)));
  CHECK(set.ranges(4).empty());
}

TEST_CASE("both ends of the address space can be excluded", "[signatures][address]") {
  const AddressSet set = addresses("[0.0.0.0/0,!0.0.0.0,!255.255.255.255]");
  CHECK_FALSE(set.contains(v4(0, 0, 0, 0)));
  CHECK(set.contains(v4(0, 0, 0, 1)));
  CHECK(set.contains(v4(255, 255, 255, 254)));
  CHECK_FALSE(set.contains(v4(255, 255, 255, 255)));
}

TEST_CASE("a set that covers all of both families is any", "[signatures][address]") {
  CHECK(addresses("[0.0.0.0/0,::/0]").is_any());
  CHECK(addresses("[0.0.0.0/1,128.0.0.0/1,::/0]").is_any());
  CHECK_FALSE(addresses("0.0.0.0/0").is_any());
  CHECK(AddressSet{}.empty());
}

TEST_CASE("a netmask is a prefix length written out", "[signatures][address]") {
  CHECK(addresses("10.1.2.3/255.255.0.0").ranges(4) == addresses("10.1.0.0/16").ranges(4));
}

TEST_CASE("a port set holds what naive membership says", "[signatures][port][property]") {
  CHECK(rc::check([] {
    using Pairs = std::vector<std::pair<std::uint16_t, std::uint16_t>>;
    const auto ranges = [] {
      Pairs pairs = *rc::gen::container<Pairs>(
          rc::gen::pair(rc::gen::inRange<std::uint16_t>(0, 40), rc::gen::inRange<std::uint16_t>(0, 40)));
      for (auto& [low, high] : pairs) {
        if (high < low) std::swap(low, high);
        if (low > 30) high = 65535;  // reach the end of the space
      }
      return pairs;
    };
    const Pairs positives = ranges();
    const Pairs negatives = ranges();
    const PortSet set = PortSet::build(positives, negatives);
    const auto in = [](const Pairs& pairs, std::uint16_t port) {
      return std::any_of(pairs.begin(), pairs.end(),
                         [&](const auto& r) { return r.first <= port && port <= r.second; });
    };
    for (const int probe : {0, 1, 5, 10, 15, 20, 29, 30, 31, 39, 40, 41, 1000, 65534, 65535}) {
      const auto port = static_cast<std::uint16_t>(probe);
      const bool expected = (positives.empty() || in(positives, port)) && !in(negatives, port);
      RC_ASSERT(set.contains(port) == expected);
    }
    for (std::size_t i = 1; i < set.ranges().size(); ++i) {
      RC_ASSERT(set.ranges()[i - 1].second + 1 < set.ranges()[i].first);
    }
  }));
}
