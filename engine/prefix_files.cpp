#include "engine/prefix_files.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

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

}  // namespace lockstep
