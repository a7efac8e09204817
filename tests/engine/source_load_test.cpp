#include "engine/source_load.hpp"

#include <deque>
#include <list>
#include <map>

#include <rapidcheck.h>

#include "tests/engine/tables_support.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep;
using namespace lockstep::test;

namespace {

FlowNode& add(std::deque<FlowNode>& nodes, SourceLoad& load, const reassembly::Address& source) {
  FlowNode& node = nodes.emplace_back(FlowKey{}, at(0));
  load.enter(node, source);
  return node;
}

}  // namespace

TEST_CASE("addresses of one /24 or one /64 share a count, others do not", "[engine][source_load]") {
  SourceLoad load(16, replay_hash_seed, {});
  std::deque<FlowNode> nodes;
  for (const char* source : {"10.0.0.1", "10.0.0.255", "10.0.1.0", "2001:db8::1", "2001:db8::ffff:0:0:1",
                             "2001:db8:0:1::", "::ffff:10.0.0.1", "::1"}) {
    add(nodes, load, ip(source));
  }
  CHECK(load.count(ip("10.0.0.77")) == 2);
  CHECK(load.count(ip("10.0.1.77")) == 1);
  CHECK(load.count(ip("10.0.2.1")) == 0);
  CHECK(load.count(ip("2001:db8::2")) == 2);
  CHECK(load.count(ip("2001:db8:0:1::2")) == 1);
  CHECK(load.count(ip("::2")) == 2);  // ::1 and the mapped address: one /64 of IPv6
  CHECK(load.prefixes() == 5);
  for (FlowNode& node : nodes) load.leave(node);
  CHECK(load.prefixes() == 0);
  CHECK(load.longest_idle_of_heaviest() == nullptr);
}

TEST_CASE("the prefix lengths come from the limits, 0 being one share for all", "[engine][source_load]") {
  SourceLoad load(8, replay_hash_seed, {.v4 = 32, .v6 = 0});
  std::deque<FlowNode> nodes;
  for (const char* source : {"10.0.0.1", "10.0.0.2", "2001:db8::1", "fe80::1"}) add(nodes, load, ip(source));
  CHECK(load.count(ip("10.0.0.1")) == 1);
  CHECK(load.count(ip("::")) == 2);
  for (FlowNode& node : nodes) load.leave(node);
}

TEST_CASE("the heaviest prefix and its longest-idle flow are those of a plain model",
          "[engine][source_load][property]") {
  CHECK(rc::check([] {
    constexpr std::size_t limit = 24;
    SourceLoad load(limit, replay_hash_seed, {});
    std::deque<FlowNode> nodes;
    std::map<unsigned, std::list<FlowNode*>> model;  // prefix → nodes, longest idle first
    std::vector<std::pair<unsigned, FlowNode*>> all;
    const int steps = *rc::gen::inRange(1, 150);
    for (int step = 0; step < steps; ++step) {
      const int what = *rc::gen::inRange(0, 5);
      if (what < 3 && all.size() < limit) {
        const auto prefix = *rc::gen::inRange(0U, 6U);
        FlowNode& node = add(nodes, load, client(prefix, *rc::gen::inRange(0U, 100U)).address);
        model[prefix].push_back(&node);
        all.emplace_back(prefix, &node);
      } else if (!all.empty()) {
        const auto at_index = *rc::gen::inRange<std::size_t>(0, all.size());
        const auto [prefix, node] = all[at_index];
        model[prefix].remove(node);
        if (what == 3) {
          load.refresh(*node);
          model[prefix].push_back(node);
        } else {
          load.leave(*node);
          all.erase(all.begin() + static_cast<std::ptrdiff_t>(at_index));
        }
      }
      std::size_t most = 0;
      for (const auto& [prefix, members] : model) {
        most = std::max(most, members.size());
        RC_ASSERT(load.count(client(prefix, 0).address) == members.size());
      }
      FlowNode* victim = load.longest_idle_of_heaviest();
      RC_ASSERT((victim == nullptr) == (most == 0));
      if (victim == nullptr) continue;
      RC_ASSERT(std::any_of(model.begin(), model.end(), [&](const auto& entry) {
        return entry.second.size() == most && entry.second.front() == victim;
      }));
    }
    for (const auto& [prefix, node] : all) load.leave(*node);
  }));
}
