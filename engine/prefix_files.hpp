// Files of addresses and prefixes, one a line, both families; "#" begins a comment, empty lines don't count.
#pragma once
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "engine/settings.hpp"
#include "xdp/prefixes.hpp"

namespace lockstep {

// Those of wire.block-files and wire.allow-files. The error names file and line.
[[nodiscard]] tl::expected<std::vector<xdp::Prefix>, std::string> read_prefixes(const WireSettings& settings);

}  // namespace lockstep
