// From the rules that matched one packet to what happens to it: Suricata's order (RULE_LANGUAGE §1),
// thresholds applied. The matches are taken in the order of their rules' numbers, which is the order of
// evaluation (pass, drop, reject, alert unless configured otherwise, then flowbits … priority). For each:
//   1. suppressions, then the threshold, then the rate_filter say whether it acts, alerts, and how;
//   2. a pass that acts ends the list: what comes behind it neither acts nor alerts. Once the packet is
//   dropped a
//      later pass changes nothing, but still ends the list;
//   3. drop and reject act however many alerts there are; alerts beyond packet_alert_max are counted, not
//   logged.
// A rule that is judged on packet and stream and matched both alerts for the stream only. Shadow rules are
// taken behind all others, as if they were alone: they alert, within a maximum of their own, and lead to
// nothing.
//
// One decider per worker: its memory is reused. The answer depends on the arguments and the host table alone.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/reason.hpp"
#include "engine/rule_policy.hpp"
#include "signatures/match.hpp"

namespace lockstep {

struct ActionSettings {
  bool enforce = true;  // false (observing): drop rules only alert, as "allowed"
  std::uint32_t packet_alert_max = 15;
};

struct LoggedAlert {
  std::uint32_t match = 0;                                // index into the matches given
  signatures::Action action = signatures::Action::alert;  // the rule's, or that of its rate_filter
  bool blocked =
      false;  // alert.action in EVE: drop while enforcing, reject always; the rule's word, not the verdict
  bool shadow = false;  // of a shadow rule: nothing came of it
  bool operator==(const LoggedAlert&) const = default;
};

enum class Effect : std::uint8_t { none, pass, drop };
[[nodiscard]] std::string_view name(Effect effect);

// Who gets a RST: ends as the packet that matched names them.
struct ResetTargets {
  bool sender = false;
  bool receiver = false;
  bool operator==(const ResetTargets&) const = default;
};

struct Decision {
  Effect effect = Effect::none;
  signatures::EffectScope scope = signatures::EffectScope::packet;  // of the effect: the widest that acted
  ResetTargets resets;                                              // with effect drop only
  bool bypass = false;           // a rule with `bypass` matched, and nothing was dropped
  Reason reason = Reason::none;  // of a drop, from the rule that decided
  // Indices into the matches: the first rule that caused the effect, and the first that caused it for the
  // flow.
  std::optional<std::uint32_t> decided_by;
  std::optional<std::uint32_t> decided_flow_by;
  std::vector<LoggedAlert> alerts;
  std::uint32_t suppressed = 0;  // matches without an alert by threshold, suppression or noalert
  std::uint32_t discarded = 0;   // alerts beyond packet_alert_max

  // By a rule that acts.
  [[nodiscard]] bool alerted() const { return !alerts.empty() && !alerts.front().shadow; }
};

class ActionDecider {
 public:
  explicit ActionDecider(ActionSettings settings) : settings_(settings) {}

  // `already_dropped`: the packet goes no further anyway (the session refused it); rules still alert. An
  // effect for the flow is the packet's alone where no connection is known; the caller sees to that. Valid
  // until the next call.
  const Decision& decide(std::span<const signatures::Match> matches, const RulePolicies& policies,
                         const RatePacket& packet, bool already_dropped, HostTable& hosts);

 private:
  struct Counted {
    RateAnswer answer = RateAnswer::alert;
    signatures::Action action = signatures::Action::alert;
    bool rate_filtered = false;
  };
  [[nodiscard]] static Counted count(const RulePolicy& policy, const RatePacket& packet, HostTable& hosts);
  void put_in_order(std::span<const signatures::Match> matches);
  struct Turn {
    std::span<const signatures::Match> matches;
    const RulePolicies& policies;
    const RatePacket& packet;
    bool already_dropped;
    HostTable& hosts;
  };
  void judge(const Turn& turn, bool shadows);
  void act(const Counted& counted, std::uint32_t match, bool on_flow, bool already_dropped);
  void log(const Counted& counted, const RulePolicy& policy, std::uint32_t match);

  ActionSettings settings_;
  Decision decision_;
  std::vector<std::uint32_t> order_;
  std::size_t alerts_before_ = 0;  // the shadows'
};

}  // namespace lockstep
