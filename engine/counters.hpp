// What one worker counts. Plain numbers, written by that worker alone and added up by who reads them. The
// sums hold at any time between two packets: received = forwarded + rewritten + Σ drops by reason + held.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/reason.hpp"
#include "engine/verdict.hpp"
#include "reassembly/wire.hpp"
#include "signatures/rule.hpp"

namespace lockstep {

// What a packet is as far as this engine cares; each has exactly one.
enum class PacketKind : std::uint8_t {
  tcp,
  fragment,  // of a datagram that is or may be TCP
  udp,
  icmp,
  neighbour_discovery,
  sctp,
  tunnel,
  other_ip,
  arp,
  non_ip,
  malformed,
  lost,  // by the kernel or an interface, before it was looked at
};
inline constexpr std::size_t packet_kind_count = 12;
[[nodiscard]] std::string_view name(PacketKind kind);

[[nodiscard]] PacketKind packet_kind(reassembly::PassKind kind);

inline constexpr std::size_t action_count = static_cast<std::size_t>(Action::hold) + 1;

struct Amount {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;

  Amount& operator+=(const Amount& other) {
    packets += other.packets;
    bytes += other.bytes;
    return *this;
  }
  Amount& operator-=(const Amount& other) {
    packets -= other.packets;
    bytes -= other.bytes;
    return *this;
  }
  bool operator==(const Amount&) const = default;
};

// The end of a packet's way: one frame, or the frames of a datagram that was put together from fragments.
struct Outcome {
  PacketKind kind = PacketKind::non_ip;
  std::uint8_t ip_version = 0;  // 4, 6, or 0 if none or unknown
  std::uint8_t vlan_tags = 0;
  Verdict verdict = {};
  std::uint32_t frames = 1;
  std::uint64_t bytes = 0;  // on the wire as they arrived, of all frames
};

struct TcpCounters {
  std::uint64_t syn = 0;
  std::uint64_t syn_ack = 0;
  std::uint64_t rst = 0;
  std::uint64_t sessions = 0;  // handshakes completed
  std::uint64_t adopted = 0;   // connections in progress that were taken up
  std::uint64_t gaps = 0;      // holes that never filled
  std::uint64_t gap_bytes = 0;
  std::uint64_t overlaps = 0;                // segments with bytes that were there already
  std::uint64_t overlap_conflicts = 0;       // ... and differed
  std::uint64_t depth_reached = 0;           // directions
  std::array<std::uint64_t, 6> midstream{};  // connections met in their middle, by MidstreamPolicy
  std::uint64_t hairpins = 0;                // segments that a router sent back where they had come from
};

struct FlowCounters {
  std::uint64_t total = 0;
  std::uint64_t active = 0;  // a gauge
  std::uint64_t reused = 0;  // a new connection on the addresses and ports of an old one
  std::uint64_t timed_out = 0;
  std::uint64_t given_up = 0;  // for want of room
  std::uint64_t dropped = 0;
  std::uint64_t bypassed = 0;
  std::uint64_t bypass_rule = 0;  // of these, and of those that a rule let pass: by Release
  std::uint64_t bypass_no_rule = 0;
  std::uint64_t bypass_encrypted = 0;
  // Inline, the kernel's share; counted by KernelVerdicts.
  std::uint64_t kernel_bypassed = 0;  // given to it to be forwarded
  std::uint64_t kernel_blocked = 0;   // ... to be dropped
  std::uint64_t kernel_returned = 0;  // came back
  std::uint64_t kernel_refused = 0;   // found no room there
  std::uint64_t diverged = 0;         // replay: flows whose hosts took what was not forwarded here
  std::uint64_t with_capture_gap =
      0;  // replay: flows of which the capture lacks bytes that were acknowledged
};

struct DetectCounters {
  std::uint64_t alerts = 0;
  std::uint64_t suppressed = 0;       // by a threshold
  std::uint64_t shadow_alerts = 0;    // of shadow rules, not among `alerts`
  std::uint64_t recursion_limit = 0;  // evaluations that were cut short
  std::uint64_t pcre_limit = 0;
};

class Counters {
 public:
  TcpCounters tcp;
  FlowCounters flow;
  DetectCounters detect;

  void arrived(std::uint64_t size);
  // The verdict's reason is Reason::none exactly for what goes out unchanged; Action::hold is not told.
  void decided(const Outcome& outcome);

  // Inline: frames that the kernel or an interface lost, each count of one reason, before they were seen here
  // (bytes may be unknown), ...
  void lost(Reason reason, const Amount& amount);
  // ... or after they were decided to leave as they came; ...
  void not_sent(Reason reason, const Amount& amount);
  // ... or packets of our own.
  void made_in_vain(const Amount& amount) { made_in_vain_ += amount; }

  void made(std::uint64_t size) { made_ += {1, size}; }  // a packet of our own: a reset, a challenge
  void matched(const signatures::RuleId& rule);          // an alert

  [[nodiscard]] const Amount& received() const { return received_; }
  [[nodiscard]] const Amount& kind(PacketKind kind) const { return kinds_[static_cast<std::size_t>(kind)]; }
  [[nodiscard]] const Amount& action(Action action) const {
    return actions_[static_cast<std::size_t>(action)];
  }
  [[nodiscard]] const Amount& reason(Reason reason) const {
    return reasons_[static_cast<std::size_t>(reason)];
  }
  [[nodiscard]] const Amount& drops(Reason reason) const {
    return drop_reasons_[static_cast<std::size_t>(reason)];
  }
  [[nodiscard]] const Amount& held() const { return held_; }
  [[nodiscard]] const Amount& made() const { return made_; }
  [[nodiscard]] const Amount& made_in_vain() const { return made_in_vain_; }
  [[nodiscard]] std::uint64_t ipv4() const { return ipv4_; }
  [[nodiscard]] std::uint64_t ipv6() const { return ipv6_; }
  [[nodiscard]] std::uint64_t vlan() const { return vlan_; }
  [[nodiscard]] std::uint64_t vlan_in_vlan() const { return vlan_in_vlan_; }
  [[nodiscard]] std::uint64_t largest() const { return largest_; }
  // Alerts by gid and sid; the latest rev counts them all.
  [[nodiscard]] const std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint64_t>& alerts() const {
    return alerts_;
  }

  [[nodiscard]] Amount forwarded() const;  // unchanged
  [[nodiscard]] Amount rewritten() const { return action(Action::rewrite); }
  [[nodiscard]] Amount dropped() const;

  // Adds another worker's numbers.
  Counters& operator+=(const Counters& other);

  // A line for each sum that does not hold; empty when all is well. `waiting`: what the tables hold, nothing
  // at the end of a run.
  [[nodiscard]] std::vector<std::string> imbalances(const Amount& waiting = {}) const;

 private:
  Amount received_, held_, made_, made_in_vain_;
  std::array<Amount, packet_kind_count> kinds_{};
  std::array<Amount, action_count> actions_{};
  Amount tolerated_;                                 // observing: malformed, and forwarded as they came
  std::array<Amount, reason_count> reasons_{};       // of drops and rewrites, and of what was tolerated
  std::array<Amount, reason_count> drop_reasons_{};  // of drops alone
  std::uint64_t ipv4_ = 0, ipv6_ = 0, vlan_ = 0, vlan_in_vlan_ = 0;
  std::uint64_t largest_ = 0;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint64_t> alerts_;
};

}  // namespace lockstep
