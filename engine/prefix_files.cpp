#include "engine/prefix_files.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>

#include <fmt/format.h>

#include "engine/options/value.hpp"
#include "signatures/language/text.hpp"

namespace lockstep {
namespace {

tl::expected<void, std::string> read(const std::string& path, bool allow, std::vector<xdp::Prefix>& out) {
  std::ifstream file(path);
  if (!file)
    return tl::unexpected(
        fmt::format("{}: {}", path, std::strerror(errno)));  // NOLINT(concurrency-mt-unsafe)
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    const std::string_view text = signatures::trimmed(std::string_view(line).substr(0, line.find('#')));
    if (text.empty()) continue;
    const auto prefix = parse_prefix(text);
    if (!prefix)
      return tl::unexpected(fmt::format("{}:{}: '{}' is no address or prefix", path, number, text));
    out.push_back({prefix->address.bytes, prefix->address.version, prefix->bits, allow});
  }
  return {};
}

using PrefixSet = std::set<std::pair<reassembly::Address, std::uint8_t>>;

PrefixSet those(const std::vector<xdp::Prefix>& prefixes, bool allowed) {
  PrefixSet found;
  for (const xdp::Prefix& prefix : prefixes) {
    if (prefix.allow == allowed)
      found.emplace(masked({prefix.address, prefix.version}, prefix.length), prefix.length);
  }
  return found;
}

bool lies_within(const Prefix& prefix, const PrefixSet& others) {
  for (unsigned bits = 0; bits <= prefix.bits; ++bits) {
    if (others.contains({masked(prefix.address, bits), static_cast<std::uint8_t>(bits)})) return true;
  }
  return false;
}

}  // namespace

tl::expected<std::vector<xdp::Prefix>, std::string> read_prefixes(const WireSettings& settings) {
  std::vector<xdp::Prefix> prefixes;
  for (const bool allow : {false, true}) {
    for (const std::string& path : allow ? settings.allow_files : settings.block_files) {
      if (auto done = read(path, allow, prefixes); !done) return tl::unexpected(done.error());
    }
  }
  return prefixes;
}

std::vector<xdp::Prefix> KernelPrefixes::all() const {
  std::vector<xdp::Prefix> all = files;
  const auto add = [&](const Prefix& prefix, bool allow) {
    all.push_back({prefix.address.bytes, prefix.address.version, prefix.bits, allow});
  };
  for (const auto& [prefix, word] : listed)
    if (word == ListWord::block) add(prefix, false);
  const PrefixSet blocked = those(all, false);
  for (const auto& [prefix, word] : listed)
    if (word == ListWord::allow && lies_within(prefix, blocked)) add(prefix, true);
  return all;
}

std::shared_ptr<const AddressLists> no_longer_allowed(const std::vector<xdp::Prefix>& before,
                                                      const std::vector<xdp::Prefix>& after) {
  const PrefixSet still = those(after, true);
  std::vector<std::pair<Prefix, ListWord>> gone;
  for (const auto& [address, bits] : those(before, true))
    if (!still.contains({address, bits})) gone.push_back({{address, bits}, ListWord::allow});
  return gone.empty() ? nullptr : std::make_shared<const AddressLists>(gone);
}

}  // namespace lockstep
