#include "xdp/suspicion.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <tuple>

#include <bpf/bpf.h>
#include <fmt/format.h>

namespace lockstep::xdp {
namespace {

constexpr std::size_t classes = 64;

template <class Range>
void merge(std::vector<Range>& into, const std::vector<Range>& more) {
  into.insert(into.end(), more.begin(), more.end());
  std::sort(into.begin(), into.end());
  std::vector<Range> joined;
  for (const Range& range : into) {
    if (!joined.empty() && range.first <= joined.back().second)
      joined.back().second = std::max(joined.back().second, range.second);
    else
      joined.push_back(range);
  }
  into = std::move(joined);
}

void merge(RuleEnd& into, const RuleEnd& more) {
  merge(into.ports, more.ports);
  merge(into.addresses4, more.addresses4);
  merge(into.addresses6, more.addresses6);
}

// Each different header once; those that find no room share the last class.
std::vector<RuleEnds> classes_of(std::span<const RuleEnds> rules) {
  std::vector<RuleEnds> found;
  for (const RuleEnds& rule : rules) {
    if (std::find(found.begin(), found.end(), rule) != found.end()) continue;
    if (found.size() < classes) {
      found.push_back(rule);
    } else {
      merge(found.back().source, rule.source);
      merge(found.back().destination, rule.destination);
    }
  }
  return found;
}

void add_ports(std::vector<ls_mask>& ports, const std::vector<PortRange>& ranges, __u64 ls_mask::*which,
               __u64 bit) {
  for (const auto& [first, last] : ranges)
    for (std::uint32_t port = first; port <= last; ++port) ports[port].*which |= bit;
}

// Where the mask of some class begins or ends, with what changes there.
struct Edge {
  Number at = 0;
  bool source = false;
  std::size_t number = 0;
  bool enters = false;
};

void add_edges(std::vector<Edge>& edges, const std::vector<AddressRange>& ranges, bool source,
               std::size_t number, Number last) {
  for (const AddressRange& range : ranges) {
    edges.push_back({range.first, source, number, true});
    if (range.second != last) edges.push_back({range.second + 1, source, number, false});
  }
}

// [first, last] as prefixes of addresses of `bits` bits.
void cover(Number first, Number last, unsigned bits, const ls_mask& mask, std::vector<AddressMask>& out) {
  const auto version = static_cast<std::uint8_t>(bits == 32 ? 4 : 6);
  for (;;) {
    unsigned size = 0;  // of the prefix, in bits that are free
    while (size < bits && (first >> size & 1U) == 0 && (first | ((Number{1} << size << 1U) - 1)) <= last &&
           (first | ((Number{1} << size << 1U) - 1)) >= first)
      ++size;
    out.push_back({first, version, static_cast<std::uint8_t>(bits - size), mask});
    const Number end = size == 128 ? ~Number{0} : first + ((Number{1} << size) - 1);
    if (end >= last) return;
    first = end + 1;
  }
}

void add_addresses(const std::vector<RuleEnds>& found, unsigned bits, std::vector<AddressMask>& out) {
  const Number last = bits == 128 ? ~Number{0} : (Number{1} << bits) - 1;
  std::vector<Edge> edges;
  for (std::size_t number = 0; number < found.size(); ++number) {
    const auto& source = found[number].source;
    const auto& destination = found[number].destination;
    add_edges(edges, bits == 32 ? source.addresses4 : source.addresses6, true, number, last);
    add_edges(edges, bits == 32 ? destination.addresses4 : destination.addresses6, false, number, last);
  }
  // Where one range ends and the next of its class begins, the end comes first.
  std::sort(edges.begin(), edges.end(),
            [](const Edge& a, const Edge& b) { return std::tie(a.at, a.enters) < std::tie(b.at, b.enters); });
  ls_mask mask{};
  for (std::size_t i = 0; i < edges.size();) {
    const Number begin = edges[i].at;
    for (; i < edges.size() && edges[i].at == begin; ++i) {
      __u64& half = edges[i].source ? mask.source : mask.destination;
      const __u64 bit = __u64{1} << edges[i].number;
      half = edges[i].enters ? half | bit : half & ~bit;
    }
    if (mask.source == 0 && mask.destination == 0) continue;
    cover(begin, i == edges.size() ? last : edges[i].at - 1, bits, mask, out);
  }
}

struct AddressKey {
  std::uint32_t length = 0;
  std::array<std::uint8_t, 16> address{};
};

AddressKey key_of(const AddressMask& address) {
  AddressKey key{.length = address.length};
  const unsigned bytes = address.version == 4 ? 4 : 16;
  for (unsigned i = 0; i < bytes; ++i)
    key.address[i] = static_cast<std::uint8_t>(address.address >> (bytes - 1 - i) * 8);
  return key;
}

void clear(int map) {
  AddressKey key;
  while (bpf_map_get_next_key(map, nullptr, &key) == 0) static_cast<void>(bpf_map_delete_elem(map, &key));
}

}  // namespace

SuspicionPlan plan_suspicion(std::span<const RuleEnds> rules) {
  const std::vector<RuleEnds> found = classes_of(rules);
  SuspicionPlan plan;
  for (std::size_t number = 0; number < found.size(); ++number) {
    const __u64 bit = __u64{1} << number;
    add_ports(plan.ports, found[number].source.ports, &ls_mask::source, bit);
    add_ports(plan.ports, found[number].destination.ports, &ls_mask::destination, bit);
  }
  add_addresses(found, 32, plan.addresses);
  const std::size_t of_ip4 = plan.addresses.size();
  add_addresses(found, 128, plan.addresses);
  const auto is_all = [](const AddressMask& address) { return address.length == 0; };
  const bool all =
      std::all_of(plan.addresses.begin(), plan.addresses.end(), is_all) && plan.addresses.size() == 2;
  plan.by_address =
      !all && of_ip4 <= LS_ADDRESS_PREFIXES && plan.addresses.size() - of_ip4 <= LS_ADDRESS_PREFIXES;
  if (!plan.by_address) plan.addresses.clear();
  return plan;
}

tl::expected<void, std::string> write_suspicion(const SuspicionPlan& plan, const Program& program,
                                                bool everything) {
  ls_config& config = program.config();
  std::atomic_ref(config.everything).store(1);
  auto ports = Elements<ls_mask>::open(program.pins(), "ports", plan.ports.size());
  if (!ports) return tl::unexpected(ports.error());
  std::copy(plan.ports.begin(), plan.ports.end(), ports->get().begin());
  const auto four = Map::open(program.pins(), "addresses4");
  const auto six = Map::open(program.pins(), "addresses6");
  if (!four || !six) return tl::unexpected(four ? six.error() : four.error());
  clear(four->descriptor());
  clear(six->descriptor());
  for (const AddressMask& address : plan.addresses) {
    const AddressKey key = key_of(address);
    const int map = (address.version == 4 ? *four : *six).descriptor();
    if (bpf_map_update_elem(map, &key, &address.mask, BPF_ANY) != 0)
      return tl::unexpected(
          fmt::format("addresses of rules: {}", std::strerror(errno)));  // NOLINT(concurrency-mt-unsafe)
  }
  std::atomic_ref(config.by_address).store(plan.by_address ? 1 : 0);
  std::atomic_ref(config.everything).store(everything ? 1 : 0);
  return {};
}

}  // namespace lockstep::xdp
