// Which application protocol the first bytes of a direction are, as a function of those bytes: the same for
// every longer run of the same stream. Patterns hold on any port; probes that would take too much for theirs
// hold on the ports of the server that are usual for the protocol, or where the other direction is known to
// be that protocol. Bounded: looks at no byte beyond `max_prefix`.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "signatures/app_protocol.hpp"
#include "signatures/packet.hpp"

namespace lockstep::signatures {

// Bytes of a direction after which there is an answer in any case.
inline constexpr std::size_t max_prefix = 512;

struct ProbeInput {
  Direction direction = Direction::to_server;
  std::uint16_t server_port = 0;
  AppProtocol other = AppProtocol::unknown;  // of the other direction
  bool either_side = false;                  // who is the server is a guess: look for both sides' patterns
  std::span<const std::uint8_t> bytes;       // from the first one of the direction
};

struct ProbeAnswer {
  AppProtocol protocol = AppProtocol::unknown;
  std::size_t length = 0;  // the bytes that decided it; 0 with unknown
  // The greeting `220 text` of a mail or file server: the other direction tells which. Its length, or 0.
  std::size_t greeting = 0;
};

[[nodiscard]] ProbeAnswer probe(const ProbeInput& input);

// Ports on which a `220` greeting speaks for the protocol although the client's words do not.
[[nodiscard]] bool greets_on(AppProtocol protocol, std::uint16_t server_port);

}  // namespace lockstep::signatures
