// Frames of every kind that the program tells apart, and changes to them.
#pragma once
#include <random>
#include <vector>

#include "tests/support/packet_builder.hpp"

namespace lockstep::test {

[[nodiscard]] Bytes cut(Bytes frame, std::size_t size);
// A datagram, whatever `spec` says of TCP.
[[nodiscard]] Bytes udp(const PacketSpec& spec);
// A TCP header behind an authentication header (RFC 4302).
[[nodiscard]] Bytes authenticated(const PacketSpec& spec);

[[nodiscard]] std::vector<Bytes> seed_frames();
// Up to two bytes behind the addresses of the link are others, and now and then the frame ends early.
[[nodiscard]] Bytes mutate(Bytes frame, std::mt19937& random);

}  // namespace lockstep::test
