#include "xdp/prefixes.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <tuple>
#include <utility>

#include <bpf/bpf.h>
#include <fmt/format.h>

namespace lockstep::xdp {
namespace {

constexpr std::uint8_t whole24 = 24;

Prefix masked(Prefix prefix) {
  for (std::size_t i = 0; i < prefix.address.size(); ++i) {
    const int bits = std::clamp(prefix.length - static_cast<int>(i) * 8, 0, 8);
    prefix.address[i] =
        static_cast<std::uint8_t>(prefix.address[i] & (0xff00U >> static_cast<unsigned>(bits)));
  }
  return prefix;
}

std::uint32_t says(const Prefix& prefix) {
  return prefix.allow ? LS_ALLOW : LS_BLOCK;
}

// Shortest first, of equals the allowance last: what is written later counts.
std::vector<Prefix> in_order(std::span<const Prefix> prefixes) {
  std::vector<Prefix> sorted;
  sorted.reserve(prefixes.size());
  for (const Prefix& prefix : prefixes) sorted.push_back(masked(prefix));
  std::sort(sorted.begin(), sorted.end(), [](const Prefix& a, const Prefix& b) {
    return std::tie(a.length, a.version, a.address, a.allow) <
           std::tie(b.length, b.version, b.address, b.allow);
  });
  return sorted;
}

std::uint32_t block_of(const Prefix& prefix) {
  return static_cast<std::uint32_t>(prefix.address[0]) << 16U |
         static_cast<std::uint32_t>(prefix.address[1]) << 8U | prefix.address[2];
}

std::uint64_t first_bits(const Prefix& prefix, unsigned bits) {
  std::uint64_t high = 0;
  for (std::size_t i = 0; i < 8; ++i) high = high << 8U | prefix.address[i];
  return high >> (64 - bits);
}

class Front4 {
 public:
  explicit Front4(std::span<std::uint64_t> words) : words_(words) {}
  [[nodiscard]] std::uint32_t get(std::uint32_t block) const {
    return static_cast<std::uint32_t>(words_[block >> 5U] >> (block & 31U) * 2 & 3U);
  }
  void set(std::uint32_t block, std::uint64_t value) {
    std::uint64_t& word = words_[block >> 5U];
    const unsigned shift = (block & 31U) * 2;
    word = (word & ~(std::uint64_t{3} << shift)) | value << shift;
  }

 private:
  std::span<std::uint64_t> words_;
};

}  // namespace

tl::expected<Prefixes, std::string> Prefixes::open(const std::string& pins) {
  Prefixes prefixes;
  auto front4 =
      Elements<std::uint64_t>::open(pins, "front4", std::size_t{LS_PREFIX_TABLES} * LS_FRONT4_WORDS);
  if (!front4) return tl::unexpected(front4.error());
  auto front6 =
      Elements<std::uint64_t>::open(pins, "front6", std::size_t{LS_PREFIX_TABLES} * LS_FRONT6_WORDS);
  if (!front6) return tl::unexpected(front6.error());
  auto lengths = Elements<ls_lengths>::open(pins, "lengths", LS_PREFIX_TABLES);
  if (!lengths) return tl::unexpected(lengths.error());
  auto exact = Map::open(pins, "exact");
  if (!exact) return tl::unexpected(exact.error());
  prefixes.front4_ = std::move(*front4);
  prefixes.front6_ = std::move(*front6);
  prefixes.lengths_ = std::move(*lengths);
  prefixes.exact_ = std::move(*exact);
  return prefixes;
}

tl::expected<void, std::string> Prefixes::replace(std::span<const Prefix> prefixes, ls_config& config) {
  const std::uint32_t table = std::atomic_ref(config.prefixes).load() == 0 ? 1 : 0;
  clear_exact(table);
  const std::vector<Prefix> sorted = in_order(prefixes);
  too_many_ = false;
  for (const Prefix& prefix : sorted) {
    if (prefix.version == 4 && prefix.length <= whole24) continue;
    if (!put(table, prefix, says(prefix))) break;
  }
  fill_front4(table, sorted);
  fill_front6(table, sorted);
  note_lengths(table, sorted);
  if (too_many_) {
    clear_exact(table);
    return tl::unexpected(
        fmt::format("{} prefixes: the kernel's table holds {} for both the old and the new ones",
                    prefixes.size(), LS_EXACT_PREFIXES));
  }
  std::atomic_ref(config.prefixes).store(prefixes.empty() ? LS_PREFIX_TABLES : table);
  return {};
}

// Entries that an earlier run left in the table are found by walking it once.
void Prefixes::clear_exact(std::uint32_t table) {
  if (held_[table].empty()) {
    ls_prefix_key key{};
    for (const ls_prefix_key* before = nullptr; bpf_map_get_next_key(exact_.descriptor(), before, &key) == 0;
         before = &held_[table].emplace_back(key)) {
    }
    std::erase_if(held_[table], [&](const ls_prefix_key& held) { return held.table != table; });
  }
  for (const ls_prefix_key& key : held_[table])
    static_cast<void>(bpf_map_delete_elem(exact_.descriptor(), &key));
  held_[table].clear();
}

bool Prefixes::put(std::uint32_t table, const Prefix& prefix, std::uint32_t what) {
  ls_prefix_key key{};
  std::memcpy(key.address, prefix.address.data(), prefix.address.size());
  key.table = static_cast<std::uint8_t>(table);
  key.version = prefix.version;
  key.length = prefix.length;
  const auto value = static_cast<std::uint8_t>(what);
  too_many_ = too_many_ || bpf_map_update_elem(exact_.descriptor(), &key, &value, BPF_ANY) != 0;
  if (!too_many_) held_[table].push_back(key);
  return !too_many_;
}

// Short prefixes are spread over their blocks, shortest first; then blocks with longer ones are to be looked
// up, and what their short prefix says goes with these.
void Prefixes::fill_front4(std::uint32_t table, const std::vector<Prefix>& longest_last) {
  const std::span<std::uint64_t> words =
      front4_.get().subspan(std::size_t{table} * LS_FRONT4_WORDS, LS_FRONT4_WORDS);
  std::fill(words.begin(), words.end(), 0);
  Front4 front(words);
  for (const Prefix& prefix : longest_last) {
    if (prefix.version != 4) continue;
    const std::uint32_t block = block_of(prefix);
    if (prefix.length <= whole24) {
      const std::uint32_t count = 1U << (whole24 - prefix.length);
      for (std::uint32_t i = 0; i < count; ++i) front.set(block + i, says(prefix));
      continue;
    }
    const std::uint32_t under = front.get(block);
    if (under == LS_LOOK) continue;
    front.set(block, LS_LOOK);
    Prefix base = prefix;
    base.length = whole24;
    if (under != LS_NO_PREFIX) static_cast<void>(put(table, masked(base), under));
  }
}

void Prefixes::fill_front6(std::uint32_t table, std::span<const Prefix> prefixes) {
  const std::span<std::uint64_t> words =
      front6_.get().subspan(std::size_t{table} * LS_FRONT6_WORDS, LS_FRONT6_WORDS);
  std::fill(words.begin(), words.end(), 0);
  for (const Prefix& prefix : prefixes) {
    if (prefix.version != 6 || prefix.length < 32) continue;
    const bool is_long = prefix.length >= 48;
    const std::uint64_t bit = LS_FRONT6_BIT(first_bits(prefix, is_long ? 48 : 32));
    words[(is_long ? 0 : LS_FRONT6_BITS / 64) + (bit >> 6U)] |= std::uint64_t{1} << (bit & 63U);
  }
}

void Prefixes::note_lengths(std::uint32_t table, std::span<const Prefix> prefixes) {
  std::array<bool, 33> used4{};
  std::array<bool, 129> used6{};
  for (const Prefix& prefix : prefixes)
    (prefix.version == 4 ? used4[prefix.length] : used6[prefix.length]) = true;
  ls_lengths& lengths = lengths_[table];
  lengths = {};
  for (int length = 32; length > whole24; --length)
    if (used4[static_cast<std::size_t>(length)])
      lengths.lengths4[lengths.count4++] = static_cast<std::uint8_t>(length);
  lengths.lengths4[lengths.count4++] = whole24;
  for (int length = 128; length >= 0; --length) {
    if (used6[static_cast<std::size_t>(length)])
      lengths.lengths6[lengths.count6++] = static_cast<std::uint8_t>(length);
    if (length == 48) lengths.long6 = lengths.count6;
    if (length == 32) lengths.mid6 = lengths.count6;
  }
}

}  // namespace lockstep::xdp
