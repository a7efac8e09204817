// Files of addresses and prefixes, one a line, both families; "#" begins a comment, empty lines don't count.
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "engine/address_lists.hpp"
#include "engine/settings.hpp"
#include "xdp/prefixes.hpp"

namespace lockstep {

// Those of wire.block-files, then those of wire.allow-files. The error names file and line.
[[nodiscard]] tl::expected<std::vector<xdp::Prefix>, std::string> read_prefixes(const WireSettings& settings);

// Prefixes for the kernel: of files, and of an operator, who has the last word.
struct KernelPrefixes {
  std::vector<xdp::Prefix> files;
  std::vector<std::pair<Prefix, ListWord>> listed;

  // Of the allowed ones that are listed those alone that lie within a blocked one.
  [[nodiscard]] std::vector<xdp::Prefix> all() const;
};

// The allowed ones among the first that are not so among the second; null: none.
[[nodiscard]] std::shared_ptr<const AddressLists> no_longer_allowed(const std::vector<xdp::Prefix>& before,
                                                                    const std::vector<xdp::Prefix>& after);

}  // namespace lockstep
