#include "engine/counters.hpp"

#include <rapidcheck.h>

#include "tests/support/catch.hpp"

using namespace lockstep;

namespace {

Counters after(const std::vector<Verdict>& verdicts) {
  Counters counters;
  std::uint64_t size = 60;
  for (const Verdict& verdict : verdicts) {
    counters.arrived(++size);
    counters.decided({.kind = PacketKind::tcp, .ip_version = 4, .verdict = verdict, .bytes = size});
  }
  return counters;
}

}  // namespace

TEST_CASE("what was received is forwarded, rewritten, dropped by name, or held", "[engine][counters][L7]") {
  Counters counters = after({{Action::forward, Reason::none},
                             {Action::bypass, Reason::none},
                             {Action::rewrite, Reason::overlap_rewritten},
                             {Action::drop, Reason::paws_old},
                             {Action::drop_flow, Reason::signature},
                             {Action::reject, Reason::signature_reject}});
  counters.arrived(1500);
  counters.arrived(900);
  CHECK(counters.held() == Amount{2, 2400});
  CHECK(counters.imbalances({2, 2400}).empty());
  CHECK_FALSE(counters.imbalances().empty());
  CHECK(counters.forwarded().packets == 2);
  CHECK(counters.rewritten().packets == 1);
  CHECK(counters.dropped().packets == 3);
  CHECK(counters.reason(Reason::paws_old) == Amount{1, 64});
  CHECK(counters.drops(Reason::overlap_rewritten) == Amount{});
  CHECK(counters.largest() == 1500);
  counters.decided({.kind = PacketKind::fragment,
                    .ip_version = 6,
                    .vlan_tags = 2,
                    .verdict = {Action::drop, Reason::fragment_timeout},
                    .frames = 2,
                    .bytes = 2400});
  CHECK(counters.imbalances().empty());
  CHECK(counters.vlan_in_vlan() == 2);
  CHECK(counters.ipv6() == 2);
}

TEST_CASE("a packet that is decided twice, never, or without its reason unbalances the sums",
          "[engine][counters][L7]") {
  Counters twice = after({{Action::forward, Reason::none}});
  twice.decided({.kind = PacketKind::tcp, .bytes = 61});
  CHECK_FALSE(twice.imbalances().empty());
  Counters never = after({});
  never.arrived(60);
  CHECK_FALSE(never.imbalances().empty());
  CHECK_FALSE(after({{Action::drop, Reason::none}}).imbalances().empty());
  CHECK_FALSE(after({{Action::rewrite, Reason::none}}).imbalances().empty());
  CHECK_FALSE(after({{Action::forward, Reason::paws_old}}).imbalances().empty());
  CHECK_FALSE(after({{Action::hold, Reason::none}}).imbalances().empty());
}

TEST_CASE("the counters of workers add up to those of one", "[engine][counters][property]") {
  CHECK(
      rc::check("sum of parts", [](const std::vector<std::pair<unsigned, unsigned>>& packets, unsigned seed) {
        Counters one, left, right;
        for (const auto& [a, b] : packets) {
          const auto action = static_cast<Action>(a % static_cast<unsigned>(Action::hold));
          const bool plain = action == Action::forward || action == Action::bypass;
          const auto reason = plain ? Reason::none : static_cast<Reason>(1 + b % (reason_count - 1));
          Counters& part = ((a ^ seed) & 8U) != 0 ? left : right;
          for (Counters* counters : {&one, &part}) {
            counters->arrived(40 + b % 1500);
            counters->decided({.kind = static_cast<PacketKind>(b % packet_kind_count),
                               .ip_version = 4,
                               .vlan_tags = 1,
                               .verdict = {action, reason},
                               .bytes = 40 + b % 1500});
            if (!plain) counters->matched({1, b % 5, 1});
            counters->made(40);
            ++counters->tcp.rst;
            ++counters->flow.diverged;
          }
        }
        left += right;
        RC_ASSERT(left.imbalances().empty());
        RC_ASSERT(left.received() == one.received());
        RC_ASSERT(left.dropped() == one.dropped());
        RC_ASSERT(left.made() == one.made());
        RC_ASSERT(left.alerts() == one.alerts());
        RC_ASSERT(left.largest() == one.largest());
        RC_ASSERT(left.vlan() == one.vlan());
        RC_ASSERT(left.tcp.rst == one.tcp.rst);
        RC_ASSERT(left.flow.diverged == one.flow.diverged);
        for (std::size_t i = 0; i < reason_count; ++i) {
          RC_ASSERT(left.reason(static_cast<Reason>(i)) == one.reason(static_cast<Reason>(i)));
        }
      }));
}

TEST_CASE("kinds have names of their own, and what is passed keeps its name", "[engine][counters]") {
  std::map<std::string_view, int> seen;
  for (std::size_t i = 0; i < packet_kind_count; ++i) CHECK(++seen[name(static_cast<PacketKind>(i))] == 1);
  for (std::size_t i = 0; i < reassembly::pass_kind_count; ++i) {
    const auto kind = static_cast<reassembly::PassKind>(i);
    CHECK(name(packet_kind(kind)) == reassembly::name(kind));
  }
}
