// What the kernel program costs a frame of 64 bytes, by the kernel's test run, beside a bare program on the
// same traffic: medians of five rounds over all rows, with the least and the most.
#include <algorithm>
#include <cstring>
#include <functional>
#include <vector>

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <net/if.h>

#include "bench/xdp/lists.hpp"
#include "tests/xdp/kernel.hpp"

using namespace lockstep;
using namespace lockstep::bench;
using namespace lockstep::test;

namespace {

constexpr int rounds = 5;
constexpr int runs = 200'000;

struct Row {
  std::string name;
  Bytes frame;
  std::uint32_t action = XDP_REDIRECT;
  std::vector<Address> sources{};
  std::uint32_t flows = 1;
  std::function<void()> before{};  // sets the maps, before each round's measurement
  double target = 0;               // over the bare program; 0: none
  std::vector<double> ours{}, bare{};
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void print(const Row& row) {
  std::vector<double> over;
  for (std::size_t i = 0; i < row.ours.size(); ++i) over.push_back(row.ours[i] - row.bare[i]);
  const auto [least, most] = std::minmax_element(over.begin(), over.end());
  fmt::print("{:<64} {:>6.0f} {:>6.0f} {:>6.0f}  ({:.0f} to {:.0f}){}\n", row.name, median(row.bare),
             median(row.ours), median(over), *least, *most,
             row.target == 0 ? "" : fmt::format("  target {:.0f}", row.target));
}

void put_flows(Kernel& kernel, std::uint32_t count, ls_verdict verdict) {
  for (std::uint32_t i = 0; i < count; ++i) {
    ls_flow_key of{};
    std::memcpy(of.low_address, "\x0a\0\0\1", 4);
    std::memcpy(of.high_address, "\x0a\0\0\2", 4);
    of.low_port = __builtin_bswap16(static_cast<std::uint16_t>(count == 1 ? 40'000 : 1024 + i));
    of.high_port = __builtin_bswap16(80);
    of.version = 4;
    ls_flow flow{};
    flow.verdict = verdict;
    flow.idle = flow.idle_closed = Kernel::far;
    must(kernel.flows().put(of, flow), "room for a flow");
  }
}

void clear_flows(Kernel& kernel) {
  for (;;) {
    const auto entries = kernel.flows().next(4096);
    if (entries.empty()) return;
    for (const auto& [of, flow] : entries) kernel.flows().erase(of);
  }
}

// `table`: the one that holds the lists.
std::vector<Row> rows(Kernel& kernel, std::uint32_t table, const Lists& lists) {
  const auto plain = [&kernel] {
    clear_flows(kernel);
    kernel.config().everything = 1;
    kernel.config().syn_rate = 0;
    kernel.config().prefixes = LS_PREFIX_TABLES;  // none
  };
  const auto free = [&kernel, plain] {
    plain();
    kernel.config().everything = 0;
  };
  const auto flows = [&kernel, plain](std::uint32_t count, ls_verdict verdict) {
    return [&kernel, plain, count, verdict] {
      plain();
      put_flows(kernel, count, verdict);
    };
  };
  const auto listed = [&kernel, table] {
    kernel.config().everything = 0;
    kernel.config().prefixes = table;
  };
  const auto limited = [&kernel, plain] {
    plain();
    kernel.config().syn_rate = kernel.config().syn_burst = 1'000'000;
  };
  const Bytes four = small({}), six = small({.source = "2001::1", .destination = "fd00::2"});
  Bytes arp = build_ip({.ethertype = 0x0806}, {});
  arp.resize(64);
  const auto syn = small({.flags = reassembly::TcpFlag::syn});
  const auto some4 = lists.unblocked(4, false, 65'536), some6 = lists.unblocked(6, false, 65'536);
  const auto near4 = lists.unblocked(4, true, 65'536), near6 = lists.unblocked(6, true, 65'536);
  std::vector<Row> all{
      {.name = "ARP, forwarded", .frame = arp, .before = plain},
      {.name = "TCP, not suspicious, forwarded", .frame = four, .before = free},
      {.name = "TCP over IPv6, not suspicious, forwarded", .frame = six, .before = free},
      {.name = "TCP to the engine", .frame = four, .before = plain},
      {.name = "SYN to the engine, rates limited", .frame = syn, .before = limited},
      {.name = "bypassed flow", .frame = four, .before = flows(1, LS_BYPASSED)},
      {.name = "bypassed flows, 1,000",
       .frame = four,
       .flows = 1'000,
       .before = flows(1'000, LS_BYPASSED),
       .target = 60},
      {.name = "bypassed flows, 60,000",
       .frame = four,
       .flows = 60'000,
       .before = flows(60'000, LS_BYPASSED)},
      {.name = "blocked flow", .frame = four, .action = XDP_DROP, .before = flows(1, LS_BLOCKED)},
      {.name = "one IPv4 source, 100,000 prefixes of each kind and family",
       .frame = four,
       .sources = {some4[0]},
       .before = listed},
      {.name = "one IPv6 source, the same", .frame = six, .sources = {some6[0]}, .before = listed},
      {.name = "65,536 IPv4 sources, no prefixes", .frame = four, .sources = some4, .before = free},
      {.name = "the same, 100,000 prefixes of each kind and family",
       .frame = four,
       .sources = some4,
       .before = listed},
      {.name = "65,536 IPv4 sources beside blocked ones, no prefixes",
       .frame = four,
       .sources = near4,
       .before = free},
      {.name = "the same, with the prefixes", .frame = four, .sources = near4, .before = listed},
      {.name = "65,536 IPv6 sources, no prefixes", .frame = six, .sources = some6, .before = free},
      {.name = "the same, with the prefixes", .frame = six, .sources = some6, .before = listed},
      {.name = "65,536 IPv6 sources beside blocked ones, no prefixes",
       .frame = six,
       .sources = near6,
       .before = free},
      {.name = "the same, with the prefixes ", .frame = six, .sources = near6, .before = listed},
  };
  for (const std::size_t count : {1U, 1'000U, 25'000U}) {
    all.push_back({.name = fmt::format("blocked IPv4 sources, {}", count),
                   .frame = four,
                   .action = XDP_DROP,
                   .sources = lists.blocked(4, count),
                   .before = listed});
    all.push_back({.name = fmt::format("blocked IPv6 sources, {}", count),
                   .frame = six,
                   .action = XDP_DROP,
                   .sources = lists.blocked(6, count),
                   .before = listed});
  }
  return all;
}

void measure(Kernel& kernel) {
  auto prefixes = xdp::Prefixes::open(kernel.pins());
  must(prefixes.has_value(), "the maps of prefixes");
  const Lists lists(100'000);
  must(prefixes->replace(lists.prefixes(), kernel.config()).has_value(), "prefixes");
  const xdp::Map program(bpf_obj_get((kernel.pins() + "/program").c_str()));
  const unsigned outside = ::if_nametoindex("outside");
  Traffic traffic;
  traffic.set_egress(::if_nametoindex("inside"));
  const auto cost = [&](int of, const Row& row) {
    return traffic.cost(of, row.frame, outside, row.action, runs);
  };
  std::vector<Row> all = rows(kernel, kernel.config().prefixes, lists);
  for (int round = 0; round < rounds; ++round) {
    for (Row& row : all) {
      row.before();
      traffic.set(row.sources, row.flows);
      const int bare = row.action == XDP_DROP ? traffic.drop() : traffic.redirect();
      row.bare.push_back(cost(bare, row));
      row.ours.push_back(cost(program.descriptor(), row));
    }
  }
  fmt::print("{:<64} {:>6} {:>6} {:>6}\n", "ns a frame, the traffic's own included", "bare", "ours", "over");
  for (const Row& row : all) print(row);
}

}  // namespace

int main() {
  try {
    with_kernel(measure);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_xdp: {}\n", error.what());
    return 1;
  }
}
