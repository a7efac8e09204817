#include "signatures/address_set.hpp"

#include "signatures/ranges.hpp"

namespace lockstep::signatures {
namespace {

using Bytes = std::array<std::uint8_t, 16>;

struct AddressStep {
  std::size_t length;  // 4 or 16

  [[nodiscard]] Bytes next(Bytes value) const {
    for (std::size_t i = length; i-- > 0;) {
      if (++value[i] != 0) break;
    }
    return value;
  }
  [[nodiscard]] Bytes previous(Bytes value) const {
    for (std::size_t i = length; i-- > 0;) {
      if (value[i]-- != 0) break;
    }
    return value;
  }
};

using AddressRanges = Ranges<Bytes, AddressStep>;

constexpr AddressStep step_of(std::uint8_t version) {
  return {version == 4 ? std::size_t{4} : std::size_t{16}};
}

AddressSet::Range whole(std::uint8_t version) {
  AddressSet::Range range{};
  for (std::size_t i = 0; i < step_of(version).length; ++i) range.second[i] = 0xff;
  return range;
}

std::vector<AddressSet::Range> of_family(const std::vector<std::pair<std::uint8_t, AddressSet::Range>>& all,
                                         std::uint8_t version) {
  std::vector<AddressSet::Range> out;
  for (const auto& [family, range] : all) {
    if (family == version) out.push_back(range);
  }
  return AddressRanges::united(std::move(out), step_of(version));
}

std::vector<AddressSet::Range> built(const AddressSet::Parts& parts, std::uint8_t version) {
  std::vector<AddressSet::Range> positives = of_family(parts.positives, version);
  if (parts.positives.empty()) positives = {whole(version)};
  return AddressRanges::difference(positives, of_family(parts.negatives, version), step_of(version));
}

}  // namespace

AddressSet AddressSet::any() {
  AddressSet set;
  set.any_ = true;
  return set;
}

AddressSet AddressSet::build(const Parts& parts) {
  auto families = std::make_shared<Families>();
  families->v4 = built(parts, 4);
  families->v6 = built(parts, 6);
  const auto full = [](const std::vector<Range>& ranges, std::uint8_t version) {
    return ranges.size() == 1 && ranges.front() == whole(version);
  };
  if (full(families->v4, 4) && full(families->v6, 6)) return any();
  AddressSet set;
  set.families_ = std::move(families);
  return set;
}

bool AddressSet::contains(const Address& address) const {
  return any_ || AddressRanges::contains(ranges(address.version), address.bytes);
}

const std::vector<AddressSet::Range>& AddressSet::ranges(std::uint8_t version) const {
  static const std::vector<Range> none;
  if (!families_) return none;
  return version == 4 ? families_->v4 : families_->v6;
}

}  // namespace lockstep::signatures
