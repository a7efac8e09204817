#include "xdp/counts.hpp"

#include <algorithm>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

namespace lockstep::xdp {

tl::expected<CountReader, std::string> CountReader::open(const std::string& pins) {
  auto map = Map::open(pins, "counts");
  if (!map) return tl::unexpected(map.error());
  return CountReader(std::move(*map));
}

Counts CountReader::read() const {
  Counts counts{};
  std::vector<ls_tally> of_cpus(static_cast<std::size_t>(std::max(libbpf_num_possible_cpus(), 1)));
  for (std::uint32_t side = 0; side < LS_SIDES; ++side) {
    for (std::uint32_t what = 0; what < LS_COUNTED; ++what) {
      const std::uint32_t at = side * LS_COUNTS + what;
      if (bpf_map_lookup_elem(map_.descriptor(), &at, of_cpus.data()) != 0) continue;
      for (const ls_tally& tally : of_cpus) {
        counts[side][what].packets += tally.count.packets;
        counts[side][what].bytes += tally.count.bytes;
      }
    }
  }
  return counts;
}

}  // namespace lockstep::xdp
