#include "engine/counters.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace lockstep {
namespace {

template <std::size_t N>
Amount sum(const std::array<Amount, N>& amounts) {
  Amount total;
  for (const Amount& amount : amounts) total += amount;
  return total;
}

template <std::size_t N>
void add(std::array<Amount, N>& to, const std::array<Amount, N>& from) {
  for (std::size_t i = 0; i < N; ++i) to[i] += from[i];
}

std::string show(const Amount& amount) {
  return fmt::format("{} packets, {} bytes", amount.packets, amount.bytes);
}

}  // namespace

std::string_view name(PacketKind kind) {
  constexpr std::array<std::string_view, packet_kind_count> names{
      "tcp",    "fragment", "udp", "icmp",   "neighbour_discovery", "sctp",
      "tunnel", "other_ip", "arp", "non_ip", "malformed",           "lost"};
  return names[static_cast<std::size_t>(kind)];
}

PacketKind packet_kind(reassembly::PassKind kind) {
  using reassembly::PassKind;
  switch (kind) {
    case PassKind::arp:
      return PacketKind::arp;
    case PassKind::neighbour_discovery:
      return PacketKind::neighbour_discovery;
    case PassKind::icmp:
      return PacketKind::icmp;
    case PassKind::udp:
      return PacketKind::udp;
    case PassKind::sctp:
      return PacketKind::sctp;
    case PassKind::tunnel:
      return PacketKind::tunnel;
    case PassKind::other_ip:
      return PacketKind::other_ip;
    case PassKind::non_ip:
      break;
  }
  return PacketKind::non_ip;
}

void Counters::arrived(std::uint64_t size) {
  received_ += {1, size};
  held_ += {1, size};
  largest_ = std::max(largest_, size);
}

void Counters::decided(const Outcome& outcome) {
  const Amount amount{outcome.frames, outcome.bytes};
  held_ -= amount;
  kinds_[static_cast<std::size_t>(outcome.kind)] += amount;
  actions_[static_cast<std::size_t>(outcome.verdict.action)] += amount;
  if (outcome.ip_version == 4) ipv4_ += outcome.frames;
  if (outcome.ip_version == 6) ipv6_ += outcome.frames;
  if (outcome.vlan_tags > 0) vlan_ += outcome.frames;
  if (outcome.vlan_tags > 1) vlan_in_vlan_ += outcome.frames;
  if (outcome.verdict.reason == Reason::none) return;
  reasons_[static_cast<std::size_t>(outcome.verdict.reason)] += amount;
  if (!outcome.verdict.passes()) drop_reasons_[static_cast<std::size_t>(outcome.verdict.reason)] += amount;
  const bool faulty = outcome.kind == PacketKind::malformed || outcome.kind == PacketKind::fragment;
  if (faulty && outcome.verdict.action == Action::forward) tolerated_ += amount;
}

void Counters::lost(Reason reason, const Amount& amount) {
  received_ += amount;
  kinds_[static_cast<std::size_t>(PacketKind::lost)] += amount;
  actions_[static_cast<std::size_t>(Action::drop)] += amount;
  reasons_[static_cast<std::size_t>(reason)] += amount;
  drop_reasons_[static_cast<std::size_t>(reason)] += amount;
}

void Counters::not_sent(Reason reason, const Amount& amount) {
  // Whether it had been rewritten is not known any more; mostly it had not.
  Amount& forwarded = actions_[static_cast<std::size_t>(Action::forward)];
  (forwarded.packets >= amount.packets ? forwarded : actions_[static_cast<std::size_t>(Action::rewrite)]) -=
      amount;
  actions_[static_cast<std::size_t>(Action::drop)] += amount;
  reasons_[static_cast<std::size_t>(reason)] += amount;
  drop_reasons_[static_cast<std::size_t>(reason)] += amount;
}

void Counters::matched(const signatures::RuleId& rule) {
  ++detect.alerts;
  ++alerts_[{rule.gid, rule.sid}];
}

Amount Counters::forwarded() const {
  Amount total = action(Action::forward);
  total += action(Action::bypass);
  return total;
}

Amount Counters::dropped() const {
  Amount total = action(Action::drop);
  total += action(Action::drop_flow);
  total += action(Action::reject);
  return total;
}

Counters& Counters::operator+=(const Counters& other) {
  received_ += other.received_;
  held_ += other.held_;
  made_ += other.made_;
  made_in_vain_ += other.made_in_vain_;
  add(kinds_, other.kinds_);
  add(actions_, other.actions_);
  tolerated_ += other.tolerated_;
  add(reasons_, other.reasons_);
  add(drop_reasons_, other.drop_reasons_);
  ipv4_ += other.ipv4_;
  ipv6_ += other.ipv6_;
  vlan_ += other.vlan_;
  vlan_in_vlan_ += other.vlan_in_vlan_;
  largest_ = std::max(largest_, other.largest_);
  for (const auto& [rule, count] : other.alerts_) alerts_[rule] += count;

  const auto plus = [](auto& mine, const auto& theirs, auto... fields) {
    ((mine.*fields += theirs.*fields), ...);
  };
  plus(tcp, other.tcp, &TcpCounters::syn, &TcpCounters::syn_ack, &TcpCounters::rst, &TcpCounters::sessions,
       &TcpCounters::adopted, &TcpCounters::gaps, &TcpCounters::gap_bytes, &TcpCounters::overlaps,
       &TcpCounters::overlap_conflicts, &TcpCounters::depth_reached, &TcpCounters::hairpins);
  for (std::size_t i = 0; i < tcp.midstream.size(); ++i) tcp.midstream[i] += other.tcp.midstream[i];
  plus(flow, other.flow, &FlowCounters::total, &FlowCounters::active, &FlowCounters::reused,
       &FlowCounters::timed_out, &FlowCounters::given_up, &FlowCounters::dropped, &FlowCounters::bypassed,
       &FlowCounters::bypass_rule, &FlowCounters::bypass_no_rule, &FlowCounters::bypass_encrypted,
       &FlowCounters::kernel_bypassed, &FlowCounters::kernel_blocked, &FlowCounters::kernel_returned,
       &FlowCounters::kernel_refused, &FlowCounters::diverged, &FlowCounters::with_capture_gap);
  plus(detect, other.detect, &DetectCounters::alerts, &DetectCounters::suppressed,
       &DetectCounters::shadow_alerts, &DetectCounters::recursion_limit, &DetectCounters::pcre_limit);
  return *this;
}

std::vector<std::string> Counters::imbalances(const Amount& waiting) const {
  std::vector<std::string> found;
  const auto same = [&](std::string_view left_name, const Amount& left, std::string_view right_name,
                        const Amount& right) {
    if (left == right) return;
    found.push_back(fmt::format("{} ({}) is not {} ({})", left_name, show(left), right_name, show(right)));
  };
  Amount accounted = forwarded();
  accounted += rewritten();
  accounted += sum(drop_reasons_);
  accounted += held_;
  same("received", received_, "forwarded + rewritten + drops by reason + held", accounted);
  Amount kinds = sum(kinds_);
  kinds += held_;
  same("received", received_, "the sum of all kinds + held", kinds);
  same("held", held_, "what waits", waiting);
  same("dropped", dropped(), "the sum of drops by reason", sum(drop_reasons_));
  Amount changed = rewritten();
  changed += dropped();
  changed += tolerated_;
  same("rewritten + dropped + tolerated", changed, "the sum of all reasons", sum(reasons_));
  std::uint64_t alerts = 0;
  for (const auto& entry : alerts_) alerts += entry.second;
  if (alerts != detect.alerts)
    found.push_back(fmt::format("{} alerts are not {} by rule", detect.alerts, alerts));
  return found;
}

}  // namespace lockstep
