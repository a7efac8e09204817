// Finds out what protocol a TCP connection speaks. Fed the bytes of both directions, each in order; the
// decision of a direction is taken at the smallest number of its bytes that suffice, so it does not depend on
// how they were cut. One a flow; one thread. Memory: while a direction is undecided, a copy of its first
// bytes, at most `max_prefix`.
//
//   detector.take(Direction::to_server, 0, bytes);
//   detector.seen(Direction::to_server, 3).flow   // what rules see at offset 3 of that direction
#pragma once
#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "signatures/app_protocol.hpp"
#include "signatures/packet.hpp"

namespace lockstep::signatures {

// The protocols as a rule sees them. `flow` is that of the direction which was recognised first, and failed
// once both directions are.
struct SeenProtocols {
  std::array<AppProtocol, 2> of{};  // by Direction
  AppProtocol flow = AppProtocol::unknown;

  // The flow counts for a rule of its protocol whichever direction speaks it.
  [[nodiscard]] bool any_of(ProtocolSet set) const { return set.contains(of[0]) || set.contains(of[1]); }
};

class ProtocolDetector {
 public:
  ProtocolDetector() = default;
  // `either_side`: the connection was met in its middle: its directions start with what comes first, and who
  // is the server is a guess. Others start at offset 0.
  explicit ProtocolDetector(std::uint16_t server_port, bool either_side = false)
      : server_port_(server_port), either_side_(either_side) {}

  // The next bytes. A chunk that does not continue the last one comes behind a gap, and an undecided
  // direction fails there.
  void take(Direction direction, std::uint64_t offset, std::span<const std::uint8_t> bytes);

  [[nodiscard]] AppProtocol of(Direction direction) const { return side(direction).protocol; }
  [[nodiscard]] AppProtocol flow() const;
  [[nodiscard]] bool decided(Direction direction) const { return of(direction) != AppProtocol::unknown; }

  [[nodiscard]] bool complete() const {
    return decided(Direction::to_server) && decided(Direction::to_client);
  }

  // At an offset of a direction: the direction's own protocol counts from the byte on that decided it.
  [[nodiscard]] SeenProtocols seen(Direction direction, std::uint64_t at = never) const;
  // Where the direction was decided, or `never`.
  [[nodiscard]] std::uint64_t decided_at(Direction direction) const {
    return decided(direction) ? side(direction).decided_at : never;
  }

  static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

 private:
  struct Side {
    AppProtocol protocol = AppProtocol::unknown;
    bool started = false;
    bool greets = false;  // ProbeAnswer::greeting
    std::uint64_t begin = 0;
    std::uint64_t next = 0;  // offset of the byte that comes next
    std::uint64_t decided_at = 0;
    std::vector<std::uint8_t> prefix;  // of an undecided direction, if not all in one chunk
  };
  [[nodiscard]] const Side& side(Direction direction) const {
    return sides_[static_cast<std::size_t>(direction)];
  }
  [[nodiscard]] Side& side(Direction direction) { return sides_[static_cast<std::size_t>(direction)]; }
  void look(Direction direction, std::span<const std::uint8_t> prefix);
  void decide(Direction direction, AppProtocol protocol, std::uint64_t at);
  void settle_greeting(Direction moved);

  std::array<Side, 2> sides_;
  std::uint16_t server_port_ = 0;
  bool either_side_ = false;
  Direction first_ = Direction::to_server;  // of those recognised
};

}  // namespace lockstep::signatures
