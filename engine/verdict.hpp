// What happens to a packet: the one answer of the pipeline. Values.
#pragma once
#include <cstdint>
#include <string_view>

#include "engine/reason.hpp"

namespace lockstep {

enum class Action : std::uint8_t {
  forward,    // as it came
  rewrite,    // forwarded with changes, `reason` names them
  drop,       // this packet
  drop_flow,  // this packet and all later ones of the connection
  reject,     // drop_flow, and the ends that the rule names are reset
  bypass,     // as it came, and nothing of the connection is inspected any more
  hold,       // an IP fragment: its datagram's verdict will be its own
};

[[nodiscard]] constexpr std::string_view name(Action action) {
  switch (action) {
    case Action::forward:
      return "forward";
    case Action::rewrite:
      return "rewrite";
    case Action::drop:
      return "drop";
    case Action::drop_flow:
      return "drop_flow";
    case Action::reject:
      return "reject";
    case Action::bypass:
      return "bypass";
    case Action::hold:
      return "hold";
  }
  return "forward";
}

// A decision that later packets follow without being judged again.
enum class Final : std::uint8_t {
  none,
  dropped,   // by a rule or because the stream became ambiguous
  passed,    // by a pass rule: tracked, not scanned
  bypassed,  // by a bypass rule
  diverged,  // replay: the captured host took bytes that were not forwarded here
};

struct Verdict {
  Action action = Action::forward;
  Reason reason = Reason::none;

  [[nodiscard]] bool passes() const {
    return action == Action::forward || action == Action::rewrite || action == Action::bypass;
  }
};

}  // namespace lockstep
