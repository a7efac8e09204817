// How the packets of a pair are taken: the one place that chooses the ports of a run.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "engine/ports/inline_port.hpp"
#include "engine/settings.hpp"
#include "engine/wire_pair.hpp"

namespace lockstep {

// One port for each worker of the pair, at least one; all packets of a connection come to one of them. In the
// network namespace of the calling thread. The error names the interface.
[[nodiscard]] tl::expected<std::vector<std::unique_ptr<InlinePort>>, std::string> open_ports(
    const WirePair& pair, const WireSettings& settings);

}  // namespace lockstep
