// What the kernel program costs a frame of 64 bytes, by the kernel's test run, beside a bare program on the
// same traffic: medians of five rounds over all rows, with the least and the most.
#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <unordered_set>
#include <vector>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <net/if.h>
#include <traffic.skel.h>

#include "tests/xdp/kernel.hpp"

using namespace lockstep;
using namespace lockstep::test;

namespace {

constexpr int rounds = 5;
constexpr int runs = 200'000;

using Address = std::array<std::uint8_t, 16>;
using Random = std::mt19937_64;

void must(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

class Traffic {
 public:
  explicit Traffic(Kernel& kernel) : skeleton_(traffic_bpf__open_and_load()) {
    must(skeleton_ != nullptr, "the traffic program");
    ours_ = xdp::Map(bpf_obj_get((kernel.pins() + "/program").c_str()));
    const std::uint32_t zero = 0, inside = ::if_nametoindex("inside");
    must(bpf_map_update_elem(bpf_map__fd(skeleton_->maps.egress), &zero, &inside, BPF_ANY) == 0, "a port");
    outside_ = ::if_nametoindex("outside");
  }
  ~Traffic() { traffic_bpf__destroy(skeleton_); }
  Traffic(const Traffic&) = delete;
  Traffic& operator=(const Traffic&) = delete;

  [[nodiscard]] int ours() const { return ours_.descriptor(); }
  [[nodiscard]] int drop() const { return bpf_program__fd(skeleton_->progs.drop); }
  [[nodiscard]] int redirect() const { return bpf_program__fd(skeleton_->progs.redirect); }

  void set(const std::vector<Address>& sources, std::uint32_t flows) {
    for (std::uint32_t i = 0; i < sources.size(); ++i)
      must(bpf_map_update_elem(bpf_map__fd(skeleton_->maps.addresses), &i, sources[i].data(), BPF_ANY) == 0,
           "a source");
    skeleton_->bss->sources = static_cast<std::uint32_t>(sources.size());
    skeleton_->data->flows = flows;
  }

  // ns a run of `program` behind the traffic, all of whose runs must end as `action`.
  [[nodiscard]] double cost(int program, const Bytes& frame, std::uint32_t action) const {
    const std::uint32_t zero = 0;
    must(bpf_map_update_elem(bpf_map__fd(skeleton_->maps.measured), &zero, &program, BPF_ANY) == 0,
         "a program");
    xdp_md context{};
    context.data_end = static_cast<std::uint32_t>(frame.size());
    context.ingress_ifindex = outside_;
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(),
                .data_size_in = static_cast<std::uint32_t>(frame.size()), .ctx_in = &context,
                .ctx_size_in = sizeof context, .repeat = runs);
    must(bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.traffic), &options) == 0, "a test run");
    must(options.retval == action, "the program's answer");
    return options.duration;
  }

 private:
  traffic_bpf* skeleton_;
  xdp::Map ours_;
  unsigned outside_ = 0;
};

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

// Like the lists that are in use: mostly single addresses, some nets.
xdp::Prefix random_prefix(Random& random, std::uint8_t version, bool allow) {
  xdp::Prefix prefix{{}, version, 0, allow};
  for (std::size_t i = 0; i < (version == 4 ? 4U : 16U); ++i)
    prefix.address[i] = static_cast<std::uint8_t>(random());
  if (version == 6) prefix.address[0] = 0x20;
  constexpr std::array<std::uint8_t, 8> lengths4{32, 32, 32, 32, 24, 24, 28, 20},
      lengths6{128, 64, 64, 64, 56, 48, 48, 32};
  prefix.length = (version == 4 ? lengths4 : lengths6)[random() % 8];
  for (std::size_t bit = prefix.length; bit < 128; ++bit)
    prefix.address[bit / 8] = static_cast<std::uint8_t>(prefix.address[bit / 8] & ~(0x80U >> bit % 8));
  return prefix;
}

std::string key(Address address, std::uint8_t length) {
  for (std::size_t bit = length; bit < 128; ++bit)
    address[bit / 8] = static_cast<std::uint8_t>(address[bit / 8] & ~(0x80U >> bit % 8));
  return {std::string(reinterpret_cast<const char*>(address.data()), 16) + static_cast<char>(length)};
}

struct Lists {
  std::vector<xdp::Prefix> prefixes;
  std::unordered_set<std::string> held[2];  // IPv4, IPv6

  [[nodiscard]] bool holds(const Address& address, std::uint8_t version) const {
    const auto& of_family = held[version == 4 ? 0 : 1];
    for (const int length : {20, 24, 28, 32, 48, 56, 64, 128})
      if (of_family.count(key(address, static_cast<std::uint8_t>(length))) != 0) return true;
    return false;
  }
};

Lists make_lists(std::size_t of_each) {
  Random random(99);
  Lists lists;
  for (const std::uint8_t version : {std::uint8_t{4}, std::uint8_t{6}}) {
    for (const bool allow : {false, true}) {
      for (std::size_t i = 0; i < of_each; ++i) {
        lists.prefixes.push_back(random_prefix(random, version, allow));
        lists.held[version == 4 ? 0 : 1].insert(
            key(lists.prefixes.back().address, lists.prefixes.back().length));
      }
    }
  }
  return lists;
}

std::vector<Address> blocked(const Lists& lists, std::uint8_t version, std::size_t count) {
  std::vector<Address> found;
  for (const xdp::Prefix& prefix : lists.prefixes)
    if (found.size() < count && !prefix.allow && prefix.version == version &&
        prefix.length == (version == 4 ? 32 : 64))
      found.push_back(prefix.address);
  must(found.size() == count, "enough blocked addresses");
  return found;
}

// In none of the lists; `near`: in a /24 or /48 with a blocked prefix.
std::vector<Address> unblocked(const Lists& lists, std::uint8_t version, bool near, std::size_t count) {
  Random random(7);
  const std::vector<Address> neighbours = blocked(lists, version, 10'000);
  std::vector<Address> found;
  while (found.size() < count) {
    Address address{};
    for (std::size_t i = 0; i < (version == 4 ? 4U : 16U); ++i)
      address[i] = static_cast<std::uint8_t>(random());
    if (version == 6) address[0] = 0x20;
    if (near)
      std::copy_n(neighbours[random() % neighbours.size()].begin(), version == 4 ? 3 : 6, address.begin());
    if (!lists.holds(address, version)) found.push_back(address);
  }
  return found;
}

Bytes small(PacketSpec spec) {
  spec.destination_port = 80;
  Bytes frame = build_packet(spec);
  frame.resize(std::max<std::size_t>(frame.size(), 64));
  return frame;
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
  const auto some4 = unblocked(lists, 4, false, 65'536), some6 = unblocked(lists, 6, false, 65'536);
  const auto near4 = unblocked(lists, 4, true, 65'536), near6 = unblocked(lists, 6, true, 65'536);
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
                   .sources = blocked(lists, 4, count),
                   .before = listed});
    all.push_back({.name = fmt::format("blocked IPv6 sources, {}", count),
                   .frame = six,
                   .action = XDP_DROP,
                   .sources = blocked(lists, 6, count),
                   .before = listed});
  }
  return all;
}

void measure(Kernel& kernel) {
  auto prefixes = xdp::Prefixes::open(kernel.pins());
  must(prefixes.has_value(), "the maps of prefixes");
  const Lists lists = make_lists(100'000);
  must(prefixes->replace(lists.prefixes, kernel.config()).has_value(), "prefixes");
  Traffic traffic(kernel);
  std::vector<Row> all = rows(kernel, kernel.config().prefixes, lists);
  for (int round = 0; round < rounds; ++round) {
    for (Row& row : all) {
      row.before();
      traffic.set(row.sources, row.flows);
      const int bare = row.action == XDP_DROP ? traffic.drop() : traffic.redirect();
      row.bare.push_back(traffic.cost(bare, row.frame, row.action));
      row.ours.push_back(traffic.cost(traffic.ours(), row.frame, row.action));
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
