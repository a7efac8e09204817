#include "signatures/protocol_detector.hpp"

#include <algorithm>

#include "signatures/protocol_probes.hpp"

namespace lockstep::signatures {
namespace {

bool recognised(AppProtocol protocol) {
  return protocol != AppProtocol::unknown && protocol != AppProtocol::failed;
}

Direction other(Direction direction) {
  return direction == Direction::to_server ? Direction::to_client : Direction::to_server;
}

}  // namespace

void ProtocolDetector::take(Direction direction, std::uint64_t offset, std::span<const std::uint8_t> bytes) {
  Side& own = side(direction);
  if (own.protocol != AppProtocol::unknown || bytes.empty()) return;
  if (either_side_ && !own.started) own.begin = own.next = offset;
  own.started = true;
  if (offset != own.next) {
    decide(direction, AppProtocol::failed, offset);
    return settle_greeting(direction);
  }
  own.next += bytes.size();
  if (own.prefix.empty()) {
    look(direction, bytes.first(std::min(bytes.size(), max_prefix)));
  } else {
    const std::size_t room = max_prefix - own.prefix.size();
    own.prefix.insert(own.prefix.end(), bytes.begin(),
                      bytes.begin() + static_cast<std::ptrdiff_t>(std::min(bytes.size(), room)));
    look(direction, own.prefix);
  }
  if (own.protocol == AppProtocol::unknown && own.prefix.empty() && !own.greets)
    own.prefix.assign(bytes.begin(),
                      bytes.begin() + static_cast<std::ptrdiff_t>(std::min(bytes.size(), max_prefix)));
  settle_greeting(direction);
}

void ProtocolDetector::look(Direction direction, std::span<const std::uint8_t> prefix) {
  Side& own = side(direction);
  if (own.greets) return;
  const ProbeAnswer answer = probe({direction, server_port_, of(other(direction)), either_side_, prefix});
  if (answer.greeting > 0) {
    own.greets = true;
    own.decided_at = own.begin + answer.greeting;
    own.prefix = {};
  } else if (answer.protocol != AppProtocol::unknown) {
    decide(direction, answer.protocol, own.begin + answer.length);
  }
}

void ProtocolDetector::decide(Direction direction, AppProtocol protocol, std::uint64_t at) {
  Side& own = side(direction);
  if (recognised(protocol) && !recognised(of(other(direction)))) first_ = direction;
  own.protocol = protocol;
  own.decided_at = at;
  own.prefix = {};
  // A pattern's other half may be looked for now: what the other direction waits with is asked again.
  Side& reverse = side(other(direction));
  if (recognised(protocol) && !reverse.prefix.empty()) {
    const std::vector<std::uint8_t> prefix = std::move(reverse.prefix);
    reverse.prefix.clear();
    look(other(direction), prefix);
    if (reverse.protocol == AppProtocol::unknown && !reverse.greets) reverse.prefix = prefix;
  }
}

// `220 …` is mail or file transfer by what the client says, else by the port.
void ProtocolDetector::settle_greeting(Direction moved) {
  for (const Direction direction : {Direction::to_server, Direction::to_client}) {
    const Side& own = side(direction);
    const AppProtocol client = of(other(direction));
    if (!own.greets || own.protocol != AppProtocol::unknown || client == AppProtocol::unknown) continue;
    AppProtocol protocol = AppProtocol::failed;
    if (client == AppProtocol::smtp || client == AppProtocol::ftp) protocol = client;
    for (const AppProtocol greeting : {AppProtocol::smtp, AppProtocol::ftp})
      if (client == AppProtocol::failed && greets_on(greeting, server_port_)) protocol = greeting;
    // What the other direction tells counts from the next byte on.
    decide(direction, protocol, direction == moved ? own.decided_at : own.next);
  }
}

AppProtocol ProtocolDetector::flow() const {
  return seen(Direction::to_server).flow;
}

SeenProtocols ProtocolDetector::seen(Direction direction, std::uint64_t at) const {
  SeenProtocols seen;
  for (const Direction way : {Direction::to_server, Direction::to_client}) {
    const bool hidden = way == direction && at < side(way).decided_at;
    seen.of[static_cast<std::size_t>(way)] = hidden ? AppProtocol::unknown : of(way);
  }
  const auto first = static_cast<std::size_t>(first_);
  if (recognised(seen.of[first])) {
    seen.flow = seen.of[first];
  } else if (recognised(seen.of[1 - first])) {
    seen.flow = seen.of[1 - first];
  } else if (seen.of[0] == AppProtocol::failed && seen.of[1] == AppProtocol::failed) {
    seen.flow = AppProtocol::failed;
  }
  return seen;
}

}  // namespace lockstep::signatures
