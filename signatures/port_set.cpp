#include "signatures/port_set.hpp"

#include "signatures/ranges.hpp"

namespace lockstep::signatures {
namespace {

struct PortStep {
  [[nodiscard]] static std::uint16_t next(std::uint16_t port) { return static_cast<std::uint16_t>(port + 1); }
  [[nodiscard]] static std::uint16_t previous(std::uint16_t port) {
    return static_cast<std::uint16_t>(port - 1);
  }
};

using PortRanges = Ranges<std::uint16_t, PortStep>;
constexpr PortSet::Range kAll{0, 65535};

}  // namespace

PortSet PortSet::any() {
  PortSet set;
  set.any_ = true;
  return set;
}

PortSet PortSet::build(const std::vector<Range>& positives, const std::vector<Range>& negatives) {
  const std::vector<Range> from = positives.empty() ? std::vector<Range>{kAll} : positives;
  std::vector<Range> ranges =
      PortRanges::difference(PortRanges::united(from, {}), PortRanges::united(negatives, {}), {});
  if (ranges.size() == 1 && ranges.front() == kAll) return any();
  PortSet set;
  set.ranges_ = std::make_shared<const std::vector<Range>>(std::move(ranges));
  return set;
}

bool PortSet::contains(std::uint16_t port) const {
  return any_ || PortRanges::contains(ranges(), port);
}

const std::vector<PortSet::Range>& PortSet::ranges() const {
  static const std::vector<Range> none;
  return ranges_ ? *ranges_ : none;
}

}  // namespace lockstep::signatures
