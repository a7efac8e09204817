// What happens to a packet: the one answer of the pipeline. Values.
#pragma once
#include <array>
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
  bypassed,  // for Flow::release
  diverged,  // replay: the captured host took bytes that were not forwarded here
};

// What is done with a connection that is met in its middle; Suricata's words for stream.midstream-policy.
enum class MidstreamPolicy : std::uint8_t {
  adopt,      // stream.midstream = true: inspected like any other
  ignore,     // its packets are judged one by one, its streams are not inspected
  pass_flow,  // not inspected
  bypass,
  drop_flow,
  reject,  // drop_flow, and both ends are reset
};

[[nodiscard]] constexpr std::string_view name(MidstreamPolicy policy) {
  constexpr std::array<std::string_view, 6> names{"adopt",  "ignore",    "pass_flow",
                                                  "bypass", "drop_flow", "reject"};
  return names[static_cast<std::size_t>(policy)];
}

// What is done with a connection of which both directions are encrypted.
enum class EncryptionHandling : std::uint8_t { full, bypass };

// Why nothing of a connection is inspected any more although it goes on.
enum class Release : std::uint8_t {
  none,       // it is inspected
  rule,       // a pass or bypass rule, or a policy's or an operator's word
  no_rule,    // no loaded rule can match it any more
  encrypted,  // both directions are encrypted, and encryption-handling is bypass
};

[[nodiscard]] constexpr std::string_view name(Release release) {
  switch (release) {
    case Release::none:
      return "none";
    case Release::rule:
      return "bypass_rule";
    case Release::no_rule:
      return "bypass_no_rule";
    case Release::encrypted:
      return "bypass_encrypted";
  }
  return "none";
}

struct Verdict {
  Action action = Action::forward;
  Reason reason = Reason::none;

  [[nodiscard]] bool passes() const {
    return action == Action::forward || action == Action::rewrite || action == Action::bypass;
  }
};

}  // namespace lockstep
