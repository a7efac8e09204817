#include "xdp/prefixes.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <tuple>
#include <utility>

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

// Shortest first, equals as they came: what is written later counts.
std::vector<Prefix> in_order(std::span<const Prefix> prefixes) {
  std::vector<Prefix> sorted;
  sorted.reserve(prefixes.size());
  for (const Prefix& prefix : prefixes) sorted.push_back(masked(prefix));
  std::stable_sort(sorted.begin(), sorted.end(), [](const Prefix& a, const Prefix& b) {
    return std::tie(a.length, a.version, a.address) < std::tie(b.length, b.version, b.address);
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

// Two bits for each net of one length.
class Front {
 public:
  explicit Front(std::span<std::uint64_t> words) : words_(words) {
    std::fill(words_.begin(), words_.end(), 0);
  }
  [[nodiscard]] std::uint32_t get(std::uint32_t net) const {
    return static_cast<std::uint32_t>(words_[net >> 5U] >> (net & 31U) * 2 & 3U);
  }
  void set(std::uint32_t net, std::uint64_t value) {
    std::uint64_t& word = words_[net >> 5U];
    const unsigned shift = (net & 31U) * 2;
    word = (word & ~(std::uint64_t{3} << shift)) | value << shift;
  }

 private:
  std::span<std::uint64_t> words_;
};

// What all sixteen /24 of a /20 say alike, that says the /20; else they must be asked.
void sum_up(const Front& of24, Front& of20) {
  for (std::uint32_t net = 0; net < LS_FRONT20_WORDS * 32; ++net) {
    const std::uint32_t first = of24.get(net * 16);
    bool alike = true;
    for (std::uint32_t i = 1; i < 16; ++i) alike = alike && of24.get(net * 16 + i) == first;
    of20.set(net, alike ? first : std::uint32_t{LS_LOOK});
  }
}

}  // namespace

tl::expected<Prefixes, std::string> Prefixes::open(const std::string& pins) {
  Prefixes prefixes;
  auto front20 =
      Elements<std::uint64_t>::open(pins, "front20", std::size_t{LS_PREFIX_TABLES} * LS_FRONT20_WORDS);
  if (!front20) return tl::unexpected(front20.error());
  auto front24 =
      Elements<std::uint64_t>::open(pins, "front24", std::size_t{LS_PREFIX_TABLES} * LS_FRONT24_WORDS);
  if (!front24) return tl::unexpected(front24.error());
  auto front48 =
      Elements<std::uint64_t>::open(pins, "front48", std::size_t{LS_PREFIX_TABLES} << LS_FRONT48_BITS);
  if (!front48) return tl::unexpected(front48.error());
  auto front32 =
      Elements<std::uint64_t>::open(pins, "front32", std::size_t{LS_PREFIX_TABLES} << LS_FRONT32_BITS);
  if (!front32) return tl::unexpected(front32.error());
  auto lengths = Elements<ls_lengths>::open(pins, "lengths", LS_PREFIX_TABLES);
  if (!lengths) return tl::unexpected(lengths.error());
  auto exact4 = Elements<ls_slot4>::open(pins, "exact4", std::size_t{LS_PREFIX_TABLES} * LS_SLOTS);
  if (!exact4) return tl::unexpected(exact4.error());
  auto exact6 = Elements<ls_slot6>::open(pins, "exact6", std::size_t{LS_PREFIX_TABLES} * LS_SLOTS);
  if (!exact6) return tl::unexpected(exact6.error());
  prefixes.front20_ = std::move(*front20);
  prefixes.front24_ = std::move(*front24);
  prefixes.front48_ = std::move(*front48);
  prefixes.front32_ = std::move(*front32);
  prefixes.lengths_ = std::move(*lengths);
  prefixes.exact4_ = std::move(*exact4);
  prefixes.exact6_ = std::move(*exact6);
  return prefixes;
}

tl::expected<void, std::string> Prefixes::replace(std::span<const Prefix> prefixes, ls_config& config) {
  const std::uint32_t table = std::atomic_ref(config.prefixes).load() == 0 ? 1 : 0;
  clear(table);
  const std::vector<Prefix> sorted = in_order(prefixes);
  too_many_ = false;
  for (const Prefix& prefix : sorted)
    if (prefix.version == 6 || prefix.length > whole24) put(table, prefix, says(prefix));
  fill_front4(table, sorted);
  fill_front6(table, sorted);
  note_lengths(table, sorted);
  if (too_many_)
    return tl::unexpected(
        fmt::format("{} prefixes are more than the kernel's tables take: about {} of a family",
                    prefixes.size(), LS_SLOTS / 4 * 3));
  std::atomic_ref(config.prefixes).store(prefixes.empty() ? LS_PREFIX_TABLES : table);
  return {};
}

void Prefixes::clear(std::uint32_t table) {
  const std::size_t first = std::size_t{table} * LS_SLOTS;
  std::ranges::fill(exact4_.get().subspan(first, LS_SLOTS), ls_slot4{});
  std::ranges::fill(exact6_.get().subspan(first, LS_SLOTS), ls_slot6{});
}

namespace {

// The slot of the prefix, or the free one that it takes; null: none is near enough.
template <class Slot, class IsIt>
Slot* find_slot(std::span<Slot> slots, std::uint64_t first, const IsIt& is_it) {
  for (std::uint32_t i = 0; i < LS_PROBES; ++i) {
    Slot& slot = slots[(first + i) & (LS_SLOTS - 1)];
    if (slot.says == LS_NO_PREFIX || is_it(slot)) return &slot;
  }
  return nullptr;
}

template <class Word>
Word word_at(const Prefix& prefix, std::size_t at) {
  Word word = 0;
  std::memcpy(&word, prefix.address.data() + at, sizeof word);
  return word;
}

}  // namespace

void Prefixes::put(std::uint32_t table, const Prefix& prefix, std::uint32_t what) {
  const std::size_t begin = std::size_t{table} * LS_SLOTS;
  const std::uint8_t length = prefix.length;
  const auto says = static_cast<std::uint8_t>(what);
  if (prefix.version == 4) {
    const auto address = word_at<std::uint32_t>(prefix, 0);
    ls_slot4* slot =
        find_slot(exact4_.get().subspan(begin, LS_SLOTS), ls_slot_of(address, 0, length),
                  [&](const ls_slot4& at) { return at.address == address && at.length == length; });
    if (slot != nullptr) *slot = {address, length, says, 0};
    too_many_ = too_many_ || slot == nullptr;
  } else {
    const auto high = word_at<std::uint64_t>(prefix, 0), low = word_at<std::uint64_t>(prefix, 8);
    ls_slot6* slot = find_slot(
        exact6_.get().subspan(begin, LS_SLOTS), ls_slot_of(high, low, length),
        [&](const ls_slot6& at) { return at.high == high && at.low == low && at.length == length; });
    if (slot != nullptr) *slot = {high, low, length, says, {}};
    too_many_ = too_many_ || slot == nullptr;
  }
}

// Short prefixes are spread over their blocks, shortest first; then blocks with longer ones are to be looked
// up, and what their short prefix says goes with these.
void Prefixes::fill_front4(std::uint32_t table, const std::vector<Prefix>& longest_last) {
  Front front(front24_.get().subspan(std::size_t{table} * LS_FRONT24_WORDS, LS_FRONT24_WORDS));
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
    if (under != LS_NO_PREFIX) put(table, masked(base), under);
  }
  Front of20(front20_.get().subspan(std::size_t{table} * LS_FRONT20_WORDS, LS_FRONT20_WORDS));
  sum_up(front, of20);
}

void Prefixes::fill_front6(std::uint32_t table, std::span<const Prefix> prefixes) {
  const auto words48 = front48_.get().subspan(std::size_t{table} << LS_FRONT48_BITS, 1U << LS_FRONT48_BITS);
  const auto words32 = front32_.get().subspan(std::size_t{table} << LS_FRONT32_BITS, 1U << LS_FRONT32_BITS);
  std::fill(words48.begin(), words48.end(), 0);
  std::fill(words32.begin(), words32.end(), 0);
  for (const Prefix& prefix : prefixes) {
    if (prefix.version != 6 || prefix.length < 32) continue;
    const bool is_long = prefix.length >= 48;
    const std::uint64_t hash = LS_FRONT6_HASH(first_bits(prefix, is_long ? 48 : 32));
    if (is_long) words48[LS_FRONT6_WORD(hash, LS_FRONT48_BITS)] |= LS_FRONT6_MASK(hash);
    if (!is_long) words32[LS_FRONT6_WORD(hash, LS_FRONT32_BITS)] |= LS_FRONT6_MASK(hash);
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
