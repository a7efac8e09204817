// Prefixes and masks: what the kernel does with random ones is what a plain search does.
#include <random>

#include "engine/rule_ends.hpp"
#include "tests/support/catch.hpp"
#include "tests/xdp/kernel.hpp"

using namespace lockstep;
using namespace lockstep::test;

namespace {

using Random = std::mt19937;
using Address = std::array<std::uint8_t, 16>;

std::string text(const Address& address, int version) {
  std::string out;
  for (std::size_t i = 0; i < (version == 4 ? 4U : 8U); ++i) {
    const std::size_t at = version == 4 ? i : 2 * i;
    out += i == 0 ? "" : version == 4 ? "." : ":";
    char part[8];
    std::snprintf(part, sizeof part, version == 4 ? "%u" : "%x",
                  version == 4 ? address[at] : static_cast<unsigned>(address[at] << 8U | address[at + 1]));
    out += part;
  }
  return out;
}

// Few different bytes, so that prefixes lie within each other.
Address random_address(Random& random, int version) {
  Address address{};
  for (std::size_t i = 0; i < (version == 4 ? 4U : 16U); ++i)
    address[i] = static_cast<std::uint8_t>(random() % 3 * 64 + (i == 0 ? 10 : 0));
  return address;
}

bool holds(const xdp::Prefix& prefix, const Address& address) {
  for (int bit = 0; bit < prefix.length; ++bit) {
    const auto byte = static_cast<std::size_t>(bit / 8);
    if (((prefix.address[byte] ^ address[byte]) >> (7 - bit % 8) & 1) != 0) return false;
  }
  return true;
}

std::uint32_t search(const std::vector<xdp::Prefix>& prefixes, const Address& address, int version) {
  int longest = -1;
  std::uint32_t says = LS_NO_PREFIX;
  for (const xdp::Prefix& prefix : prefixes) {
    if (prefix.version != version || !holds(prefix, address) || prefix.length < longest) continue;
    if (prefix.length == longest && says == LS_ALLOW) continue;
    longest = prefix.length;
    says = prefix.allow ? LS_ALLOW : LS_BLOCK;
  }
  return says;
}

std::uint32_t expected(std::uint32_t source, std::uint32_t destination) {
  if (source == LS_BLOCK || destination == LS_BLOCK) return LS_DROP_PREFIX;
  return source == LS_ALLOW || destination == LS_ALLOW ? LS_FORWARDED_ALLOWED : LS_TO_ENGINE;
}

PacketSpec between(const Address& source, const Address& destination, int version) {
  PacketSpec spec;
  spec.source = text(source, version);
  spec.destination = text(destination, version);
  return spec;
}

}  // namespace

TEST_CASE("the longest prefix of each end counts, in both families", "[xdp][prefixes]") {
  with_kernel([](Kernel& kernel) {
    auto table = xdp::Prefixes::open(kernel.pins());
    REQUIRE(table);
    Random random(815);
    for (int round = 0; round < 12; ++round) {
      std::vector<xdp::Prefix> prefixes;
      for (int i = 0; i < 60; ++i) {
        const int version = random() % 2 == 0 ? 4 : 6;
        xdp::Prefix prefix{random_address(random, version), static_cast<std::uint8_t>(version), 0,
                           random() % 3 == 0};
        prefix.length = static_cast<std::uint8_t>(version == 4 ? 9 + random() % 24 : 20 + random() % 109);
        prefixes.push_back(prefix);
      }
      REQUIRE(table->replace(prefixes, kernel.config()));
      for (int i = 0; i < 400; ++i) {
        const int version = random() % 2 == 0 ? 4 : 6;
        const Address source = random_address(random, version), destination = random_address(random, version);
        if (source == destination) continue;
        INFO("round " << round << ": " << text(source, version) << " to " << text(destination, version));
        const auto what = expected(search(prefixes, source, version), search(prefixes, destination, version));
        CHECK(kernel.run(build_packet(between(source, destination, version))).what == what);
      }
    }
    REQUIRE(table->replace({}, kernel.config()));
    CHECK(kernel.run(build_packet({})).what == LS_TO_ENGINE);
  });
}

TEST_CASE("a hundred thousand prefixes of each kind and family count, and too many leave the old ones",
          "[xdp][prefixes]") {
  with_kernel([](Kernel& kernel) {
    auto table = xdp::Prefixes::open(kernel.pins());
    REQUIRE(table);
    Random random(31);
    std::vector<xdp::Prefix> prefixes;
    const auto add = [&](std::size_t count, std::uint8_t version, bool allow) {
      for (std::size_t i = 0; i < count; ++i) {
        xdp::Prefix prefix{{},
                           version,
                           static_cast<std::uint8_t>(version == 4 ? 22 + random() % 11 : 32 + random() % 97),
                           allow};
        for (std::uint8_t& byte : prefix.address) byte = static_cast<std::uint8_t>(random());
        if (version == 4) std::fill(prefix.address.begin() + 4, prefix.address.end(), 0);
        prefixes.push_back(prefix);
      }
    };
    for (const bool allow : {false, true}) {
      add(100'000, 4, allow);
      add(100'000, 6, allow);
    }
    REQUIRE(table->replace(prefixes, kernel.config()));
    const auto check = [&](int count) {
      for (int i = 0; i < count; ++i) {
        // An address of one of them, or beside it.
        const xdp::Prefix& prefix = prefixes[random() % 400'000];
        Address source = prefix.address;
        if (i % 2 == 0) source[prefix.version == 4 ? 3 : 7] ^= static_cast<std::uint8_t>(random());
        const Address destination = random_address(random, prefix.version);
        INFO(text(source, prefix.version));
        const auto what =
            expected(search(prefixes, source, prefix.version), search(prefixes, destination, prefix.version));
        CHECK(kernel.run(build_packet(between(source, destination, prefix.version))).what == what);
      }
    };
    check(300);
    const std::vector<xdp::Prefix> held = prefixes;
    add(600'000, 6, false);
    const auto refused = table->replace(prefixes, kernel.config());
    REQUIRE_FALSE(refused);
    CHECK(refused.error() ==
          "1000000 prefixes are more than the kernel's tables take: about 393216 of a family");
    prefixes = held;
    check(100);
  });
}

TEST_CASE("a block holds for what is no TCP too, and an allowance of everything is a prefix",
          "[xdp][prefixes]") {
  with_kernel([](Kernel& kernel) {
    auto table = xdp::Prefixes::open(kernel.pins());
    REQUIRE(table);
    const xdp::Prefix all{{}, 4, 0, true}, all6{{}, 6, 0, true};
    const xdp::Prefix one{{10, 0, 0, 1}, 4, 32, false};
    REQUIRE(table->replace(std::vector{all, all6, one}, kernel.config()));
    CHECK(kernel.run(build_ip({.protocol = 17}, Bytes(8))).what == LS_DROP_PREFIX);
    CHECK(kernel.run(build_packet({.source = "10.0.0.3"})).what == LS_FORWARDED_ALLOWED);
    CHECK(kernel.run(build_packet({.source = "fd00::1", .destination = "fd00::2"})).what ==
          LS_FORWARDED_ALLOWED);
    CHECK(kernel.run(build_ip({.ethertype = 0x0806}, {})).what == LS_FORWARDED);
    PacketSpec nonsense{.source = "10.0.0.3", .flags = reassembly::TcpFlag::syn | reassembly::TcpFlag::fin};
    CHECK(kernel.run(build_packet(nonsense)).what == LS_DROP_FLAGS);  // no prefix allows that
    nonsense.source = "10.0.0.1";
    CHECK(kernel.run(build_packet(nonsense)).what == LS_DROP_FLAGS);
    kernel.config().observe = 1;
    CHECK(kernel.run(build_packet(nonsense)).what == LS_TO_ENGINE);
    kernel.config().observe = 0;
    REQUIRE(table->replace(std::vector{one, xdp::Prefix{one.address, 4, 32, true}}, kernel.config()));
    CHECK(kernel.run(build_packet({})).what == LS_FORWARDED_ALLOWED);
    REQUIRE(table->replace(std::vector{xdp::Prefix{one.address, 4, 32, true}, one}, kernel.config()));
    CHECK(kernel.run(build_packet({})).what == LS_DROP_PREFIX);  // the later
  });
}

TEST_CASE("a connection is for the engine if the header of a rule fits it either way, and else it is not",
          "[xdp][suspicion]") {
  with_kernel([](Kernel& kernel) {
    Random random(4242);
    for (const std::size_t count : {1U, 3U, 20U, 200U}) {
      std::vector<xdp::RuleEnds> rules(count);
      const auto end = [&] {
        xdp::RuleEnd made;
        if (random() % 3 == 0)
          made.ports = {{0, 65'535}};
        else
          for (std::uint16_t port = 0; port < 8; ++port)
            if (random() % 4 == 0) made.ports.emplace_back(port, port);
        const auto net = static_cast<std::uint32_t>(10U << 24U | random() % 4 << 16U);
        if (random() % 2 == 0) {
          made.addresses4 = {{0, 0xffffffffU}};
          made.addresses6 = {{0, ~xdp::Number{0}}};
        } else {
          made.addresses4 = {{net, net + random() % 0x20000}};
          // The same in IPv6, in the first half of the address.
          made.addresses6 = {{xdp::Number{made.addresses4[0].first} << 64,
                              xdp::Number{made.addresses4[0].second} << 64 | ~0ULL}};
        }
        return made;
      };
      for (auto& rule : rules) rule = {end(), end()};
      const xdp::SuspicionPlan plan = xdp::plan_suspicion(rules);
      REQUIRE(xdp::write_suspicion(plan, kernel.program()));
      std::size_t free = 0;
      for (int i = 0; i < 600; ++i) {
        std::array<std::uint32_t, 2> address{};
        std::array<std::uint16_t, 2> port{};
        for (std::size_t e = 0; e < 2; ++e) {
          address[e] = 10U << 24U | static_cast<std::uint32_t>(random() % 6) << 16U |
                       static_cast<std::uint32_t>(1 + random() % 200);
          port[e] = static_cast<std::uint16_t>(random() % 10);
        }
        if (address[0] == address[1]) continue;
        const int version = random() % 2 == 0 ? 4 : 6;
        const auto fits = [&](const xdp::RuleEnd& rule, std::size_t e) {
          const auto in = [](const auto& ranges, auto value) {
            return std::any_of(ranges.begin(), ranges.end(), [&](const auto& range) {
              return range.first <= value && value <= range.second;
            });
          };
          const xdp::Number number = version == 4 ? address[e] : xdp::Number{address[e]} << 64 | 5;
          return in(rule.ports, port[e]) && in(version == 4 ? rule.addresses4 : rule.addresses6, number);
        };
        const bool suspicious = std::any_of(rules.begin(), rules.end(), [&](const xdp::RuleEnds& rule) {
          return (fits(rule.source, 0) && fits(rule.destination, 1)) ||
                 (fits(rule.source, 1) && fits(rule.destination, 0));
        });
        Address source{}, destination{};
        const std::size_t first = version == 4 ? 0 : 4;
        if (version == 6) source[15] = destination[15] = 5;
        for (std::size_t b = 0; b < 4; ++b) {
          source[first + b] = static_cast<std::uint8_t>(address[0] >> (24 - 8 * b));
          destination[first + b] = static_cast<std::uint8_t>(address[1] >> (24 - 8 * b));
        }
        PacketSpec spec = between(source, destination, version);
        spec.source_port = port[0];
        spec.destination_port = port[1];
        const auto what = kernel.run(build_packet(spec)).what;
        INFO(count << " rules, " << spec.source << ":" << port[0] << " " << spec.destination << ":"
                   << port[1]);
        if (suspicious) CHECK(what == LS_TO_ENGINE);
        if (!suspicious && count <= 20) CHECK(what == LS_FORWARDED);
        free += what == LS_FORWARDED ? 1U : 0U;
      }
      if (count == 1) CHECK(free > 0);
    }
  });
}
