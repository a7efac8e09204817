#include "engine/event_ends.hpp"

#include "reassembly/bytes.hpp"
#include "reassembly/ip.hpp"
#include "reassembly/link.hpp"

namespace lockstep {

bool read_ends(const reassembly::Frame& frame, EventHeader& header) {
  reassembly::Link link;
  if (unwrap_link(frame, link) != reassembly::Reason::none) return false;
  reassembly::IpPacket packet;
  if (link.type == reassembly::ethertype::ipv4)
    static_cast<void>(parse_ipv4(frame, link, false, packet));
  else if (link.type == reassembly::ethertype::ipv6)
    static_cast<void>(parse_ipv6(frame, link, packet));
  if (packet.payload == 0) return false;
  header.vlan = link.vlan;
  header.source.address = packet.source;
  header.destination.address = packet.destination;
  header.protocol = packet.protocol;
  const std::uint8_t* payload = frame.bytes.data() + packet.payload;
  if (packet.fragment_offset != 0 || packet.payload + 4 > frame.bytes.size()) return true;
  header.source.port = reassembly::load16(payload);
  header.destination.port = reassembly::load16(payload + 2);
  header.icmp_type = payload[0];
  header.icmp_code = payload[1];
  return true;
}

}  // namespace lockstep
