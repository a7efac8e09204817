#include "tests/xdp/frames.hpp"

namespace lockstep::test {

using reassembly::TcpFlag;

Bytes cut(Bytes frame, std::size_t size) {
  frame.resize(size);
  return frame;
}

Bytes udp(const PacketSpec& spec) {
  PacketSpec datagram = spec;
  datagram.protocol = 17;
  return build_ip(datagram, {0x10, 0, 0x10, 1, 0, 12, 0, 0, 'd', 'a', 't', 'a'});
}

Bytes authenticated(const PacketSpec& spec) {
  Bytes body{6, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1};
  const Bytes tcp{0x9c, 0x40, 0, 80, 0, 0, 3, 0xe8, 0, 0, 0, 0, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0, 'G'};
  body.insert(body.end(), tcp.begin(), tcp.end());
  PacketSpec packet = spec;
  packet.protocol = 51;
  return build_ip(packet, body);
}

std::vector<Bytes> seed_frames() {
  const PacketSpec four{.payload = "payload"};
  const PacketSpec six{.source = "fd00::1", .destination = "fd00::2", .payload = "payload"};
  const PacketSpec land{.destination = "10.0.0.1", .source_port = 80};
  const Bytes large = build_packet({.payload = std::string(400, 'x')});
  const auto pieces = fragment_packet(large, reassembly::LinkType::ethernet, {80}, 9);
  std::vector<Bytes> frames{
      build_packet({.flags = TcpFlag::syn | TcpFlag::fin}),
      build_packet({.flags = TcpFlag::syn | TcpFlag::rst}),
      build_packet({.data_offset = 4}),
      build_packet({.data_offset = 15}),
      build_packet(land),
      build_ip({.ethertype = 0x0806}, {0, 1, 8, 0, 6, 4, 0, 1}),
      build_ip({.ethertype = 0x88cc}, {2, 7, 4, 0, 0, 0, 0, 0}),
      build_ip({.protocol = 1}, {8, 0, 0, 0, 0, 0, 0, 0}),
      build_ip({.protocol = 47}, {0, 0, 8, 0}),
      build_ip({.protocol = 6}, {1, 2, 3, 4}),
      pieces.front(),
      pieces.back(),
  };
  for (PacketSpec spec : {four, six}) {
    for (const std::vector<std::uint16_t>& vlans :
         {std::vector<std::uint16_t>{}, {42}, {100, 42}, {0, 42}, {1, 2, 3}}) {
      spec.vlans = vlans;
      spec.pppoe_session = std::nullopt;
      frames.push_back(build_packet(spec));
      frames.push_back(udp(spec));
      frames.push_back(authenticated(spec));
      spec.pppoe_session = 7;
      frames.push_back(build_packet(spec));
      frames.push_back(authenticated(spec));
    }
  }
  PacketSpec options = four;
  options.ip_options = {1, 1, 1, 1};
  frames.push_back(build_packet(options));
  options.ip_options = {7, 7, 4, 0, 0, 0, 0, 0};
  frames.push_back(build_packet(options));
  for (const std::uint8_t kind : Bytes{0, 43, 44, 51, 60}) {
    PacketSpec extended = six;
    extended.extensions = {{kind, {0, 1, 4, 0, 0, 0, 0}}};
    frames.push_back(build_packet(extended));
  }
  return frames;
}

Bytes mutate(Bytes frame, std::mt19937& random) {
  for (auto changes = random() % 3; changes > 0; --changes)
    frame[12 + random() % (frame.size() - 12)] = static_cast<std::uint8_t>(random());
  if (random() % 8 == 0) frame.resize(14 + random() % (frame.size() - 13));
  return frame;
}

}  // namespace lockstep::test
