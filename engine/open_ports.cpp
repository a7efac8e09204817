#include "engine/open_ports.hpp"

#include "engine/ports/afpacket_port.hpp"

namespace lockstep {

tl::expected<std::vector<std::unique_ptr<InlinePort>>, std::string> open_ports(
    const WirePair& pair, const WireSettings& /*settings*/) {
  auto port = AfpacketPort::open(pair.outside(), pair.inside());
  if (!port) return tl::unexpected(port.error());
  std::vector<std::unique_ptr<InlinePort>> ports;
  ports.push_back(std::move(*port));
  return ports;
}

}  // namespace lockstep
