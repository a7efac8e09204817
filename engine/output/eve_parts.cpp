#include "engine/output/eve_parts.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "engine/output/text.hpp"

namespace lockstep {
namespace {

using reassembly::TcpFlag;

// drop.reason has blanks where the counter has underscores, but for one name.
std::string drop_reason(Reason reason) {
  std::string text(suricata(reason));
  if (text == "threshold_detection_filter") return "threshold detection_filter";
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

std::string_view suricata_state(reassembly::TcpState state) {
  using reassembly::TcpState;
  switch (state) {
    case TcpState::listen:
      return "none";
    case TcpState::syn_received:
      return "syn_recv";
    case TcpState::fin_wait_1:
      return "fin_wait1";
    case TcpState::fin_wait_2:
      return "fin_wait2";
    default:
      return name(state);
  }
}

void put_ip(JsonLine& line, const reassembly::IpFields& ip) {
  line.field("len", ip.total_length);
  if (ip.version == 4) {
    line.field("tos", ip.tos);
    line.field("ttl", ip.ttl);
    line.field("ipid", ip.id);
  } else {
    line.field("tc", ip.tos);
    line.field("hoplimit", ip.ttl);
    line.field("flowlbl", ip.flow_label);
  }
}

std::string hex(std::uint8_t flags) {
  constexpr std::string_view digits = "0123456789abcdef";
  return {digits[flags >> 4], digits[flags & 15]};
}

void put_flags_seen(JsonLine& line, std::uint8_t flags) {
  constexpr std::array<std::pair<TcpFlag, std::string_view>, 8> names{{{TcpFlag::syn, "syn"},
                                                                       {TcpFlag::fin, "fin"},
                                                                       {TcpFlag::rst, "rst"},
                                                                       {TcpFlag::psh, "psh"},
                                                                       {TcpFlag::ack, "ack"},
                                                                       {TcpFlag::urg, "urg"},
                                                                       {TcpFlag::ece, "ecn"},
                                                                       {TcpFlag::cwr, "cwr"}}};
  for (const auto& [flag, key] : names) {
    if ((flags & flag) != 0) line.field(key, true);
  }
}

std::uint64_t sum_of(const Counters& counters, std::string_view suricata_class) {
  std::uint64_t total = 0;
  for (std::size_t i = 1; i < reason_count; ++i) {
    const auto reason = static_cast<Reason>(i);
    if (suricata(reason) == suricata_class) total += counters.drops(reason).packets;
  }
  return total;
}

void put_decoder(JsonLine& line, const Counters& counters) {
  line.open("decoder");
  const Amount& received = counters.received();
  line.field("pkts", received.packets);
  line.field("bytes", received.bytes);
  line.field("invalid", counters.kind(PacketKind::malformed).packets);
  line.field("ipv4", counters.ipv4());
  line.field("ipv6", counters.ipv6());
  line.field("arp", counters.kind(PacketKind::arp).packets);
  line.field("tcp", counters.kind(PacketKind::tcp).packets);
  line.field("udp", counters.kind(PacketKind::udp).packets);
  line.field("sctp", counters.kind(PacketKind::sctp).packets);
  line.field("vlan", counters.vlan());
  line.field("vlan_qinq", counters.vlan_in_vlan());
  line.field("avg_pkt_size", received.packets == 0 ? 0 : received.bytes / received.packets);
  line.field("max_pkt_size", counters.largest());
  line.close();
}

void put_flows(JsonLine& line, const Counters& counters) {
  const TcpCounters& tcp = counters.tcp;
  line.open("tcp");
  line.field("active_sessions", counters.flow.active);
  line.field("sessions", tcp.sessions);
  line.field("invalid_checksum", counters.reason(Reason::tcp_bad_checksum).packets);
  line.field("syn", tcp.syn);
  line.field("synack", tcp.syn_ack);
  line.field("rst", tcp.rst);
  line.field("midstream_pickups", tcp.adopted);
  line.field("stream_depth_reached", tcp.depth_reached);
  line.field("reassembly_gap", tcp.gaps);
  line.field("overlap", tcp.overlaps);
  line.field("overlap_diff_data", tcp.overlap_conflicts);
  line.close();
  line.open("flow");
  line.field("active", counters.flow.active);
  line.field("total", counters.flow.total);
  line.field("tcp", counters.flow.total);
  line.field("tcp_reuse", counters.flow.reused);
  line.field("memcap", counters.reason(Reason::flow_table_full).packets);
  line.close();
}

void put_detect(JsonLine& line, const StatsEvent& event) {
  const Counters& counters = *event.counters;
  line.open("detect");
  line.open_list("engines");
  line.open_item();
  line.field("id", 0U);
  if (event.last_reload) line.field("last_reload", TimeText().iso(*event.last_reload));
  line.field("rules_loaded", event.rules.loaded);
  line.field("rules_failed", event.rules.failed);
  line.field("rules_skipped", event.rules.skipped);
  line.close();
  line.close();
  line.field("alert", counters.detect.alerts);
  line.field("alerts_suppressed", counters.detect.suppressed);
  line.close();
}

void put_ips(JsonLine& line, const Counters& counters) {
  line.open("ips");
  line.field("accepted", counters.forwarded().packets);
  line.field("blocked", counters.dropped().packets - counters.action(Action::reject).packets);
  line.field("rejected", counters.action(Action::reject).packets);
  line.field("replaced", counters.rewritten().packets);
  line.open("drop_reason");
  std::map<std::string_view, std::uint64_t> classes;
  for (std::size_t i = 1; i < reason_count; ++i) classes[suricata(static_cast<Reason>(i))] = 0;
  for (const auto& entry : classes) line.field(entry.first, sum_of(counters, entry.first));
  line.close();
  line.close();
}

void put_exception_policy(JsonLine& line, const Counters& counters) {
  line.open("exception_policy");
  line.open("tcp");
  line.open("midstream");
  for (std::size_t i = 1; i < counters.tcp.midstream.size(); ++i)
    line.field(name(static_cast<MidstreamPolicy>(i)), counters.tcp.midstream[i]);
  line.close();
  line.close();
  line.close();
}

void put_amount(JsonLine& line, std::string_view key, const Amount& amount) {
  line.open(key);
  line.field("packets", amount.packets);
  line.field("bytes", amount.bytes);
  line.close();
}

void put_gauges(JsonLine& line, const Gauges& gauges) {
  line.open("memory");
  line.field("stream", gauges.stream_memory);
  line.field("islands", gauges.islands);
  line.field("flows", gauges.flows);
  line.field("unestablished", gauges.unestablished);
  line.field("half_open", gauges.half_open);
  line.field("datagrams", gauges.datagrams);
  line.field("fragments", gauges.fragment_memory);
  line.field("flows_given_up", gauges.given_up);
  line.field("unestablished_given_up", gauges.given_up_unestablished);
  line.field("syns_untracked", gauges.stateless_syns);
  line.field("holes_expired", gauges.holes_expired);
  line.field("over_share", gauges.over_share);
  line.close();
}

void put_own_stats(JsonLine& line, const StatsEvent& event) {
  const Counters& counters = *event.counters;
  line.open("lockstep");
  if (event.generation != 0) line.field("generation", event.generation);
  put_amount(line, "received", counters.received());
  put_amount(line, "forwarded", counters.forwarded());
  put_amount(line, "rewritten", counters.rewritten());
  put_amount(line, "dropped", counters.dropped());
  put_amount(line, "held", counters.held());
  put_amount(line, "made", counters.made());
  line.open("kind");
  for (std::size_t i = 0; i < packet_kind_count; ++i) {
    const auto kind = static_cast<PacketKind>(i);
    line.field(name(kind), counters.kind(kind).packets);
  }
  line.close();
  line.open("reason");
  for (std::size_t i = 1; i < reason_count; ++i) {
    const auto reason = static_cast<Reason>(i);
    line.field(name(reason), counters.reason(reason).packets);
  }
  line.close();
  line.open("flow");
  line.field("timed_out", counters.flow.timed_out);
  line.field("given_up", counters.flow.given_up);
  line.field("dropped", counters.flow.dropped);
  line.field("bypassed", counters.flow.bypassed);
  line.field(name(Release::rule), counters.flow.bypass_rule);
  line.field(name(Release::no_rule), counters.flow.bypass_no_rule);
  line.field(name(Release::encrypted), counters.flow.bypass_encrypted);
  line.field("kernel_bypassed", counters.flow.kernel_bypassed);
  line.field("kernel_blocked", counters.flow.kernel_blocked);
  line.field("kernel_returned", counters.flow.kernel_returned);
  line.field("kernel_refused", counters.flow.kernel_refused);
  line.field("diverged", counters.flow.diverged);
  line.field("capture_gap", counters.flow.with_capture_gap);
  line.close();
  put_gauges(line, event.gauges);
  line.field("gap_bytes", counters.tcp.gap_bytes);
  line.field("hairpin", counters.tcp.hairpins);
  line.field("recursion_limit", counters.detect.recursion_limit);
  line.field("pcre_limit", counters.detect.pcre_limit);
  line.field("shadow_alerts", counters.detect.shadow_alerts);
  line.close();
}

}  // namespace

void put_amounts(JsonLine& line, const FlowAmounts& amounts) {
  line.field("pkts_toserver", amounts.to_server.packets);
  line.field("pkts_toclient", amounts.to_client.packets);
  line.field("bytes_toserver", amounts.to_server.bytes);
  line.field("bytes_toclient", amounts.to_client.bytes);
}

void put_verdict(JsonLine& line, const Verdict& verdict, signatures::Action action, std::uint8_t protocol) {
  line.open("verdict");
  const bool passed = action == signatures::Action::pass;
  line.field("action", !verdict.passes() ? "drop" : passed ? "pass" : "alert");
  if (verdict.action == Action::reject) {
    line.field("reject_target", action == signatures::Action::reject_dst    ? "to_server"
                                : action == signatures::Action::reject_both ? "both"
                                                                            : "to_client");
    line.open_list("reject");
    line.item(protocol == 6 ? "tcp-reset" : "icmp-prohib");
    line.close();
  }
  line.close();
}

void put_drop(JsonLine& line, const DropEvent& event) {
  line.open("drop");
  if (event.segment != nullptr) {
    const reassembly::Segment& segment = *event.segment;
    put_ip(line, segment.ip);
    line.field("tcpseq", segment.seq.value());
    line.field("tcpack", segment.ack.value());
    line.field("tcpwin", segment.window);
    line.field("syn", segment.has(TcpFlag::syn));
    line.field("ack", segment.has(TcpFlag::ack));
    line.field("psh", segment.has(TcpFlag::psh));
    line.field("rst", segment.has(TcpFlag::rst));
    line.field("urg", segment.has(TcpFlag::urg));
    line.field("fin", segment.has(TcpFlag::fin));
    line.field("tcpres", segment.reserved);
    line.field("tcpurgp", segment.urgent);
  }
  line.field("reason", drop_reason(event.verdict.reason));
  line.close();
}

void put_tcp(JsonLine& line, const FlowEvent& event) {
  const auto all = static_cast<std::uint8_t>(event.to_server.flags | event.to_client.flags);
  line.open("tcp");
  line.field("tcp_flags", hex(all));
  line.field("tcp_flags_ts", hex(event.to_server.flags));
  line.field("tcp_flags_tc", hex(event.to_client.flags));
  put_flags_seen(line, all);
  line.field("state", suricata_state(event.tcp_state));
  if (event.to_server.gap) line.field("ts_gap", true);
  if (event.to_client.gap) line.field("tc_gap", true);
  line.field("ts_max_regions", event.to_server.max_regions);
  line.field("tc_max_regions", event.to_client.max_regions);
  line.close();
}

void put_stats(JsonLine& line, const StatsEvent& event) {
  line.field("uptime", event.uptime);
  put_decoder(line, *event.counters);
  put_flows(line, *event.counters);
  put_detect(line, event);
  put_ips(line, *event.counters);
  put_exception_policy(line, *event.counters);
  put_own_stats(line, event);
}

void put_own(JsonLine& line, const OwnFields& own, bool diverged, bool capture_gap) {
  const bool any = own.reason != Reason::none || own.offset || own.expected || own.got ||
                   own.generation != 0 || !own.state.empty() || own.rule != 0 || own.adopted || own.early ||
                   own.would || own.shadow || diverged || capture_gap;
  if (!any) return;
  line.open("lockstep");
  if (own.reason != Reason::none) line.field("reason", name(own.reason));
  if (own.offset) {
    line.open_list("offset");
    line.item(own.offset->from);
    line.item(own.offset->to);
    line.close();
  }
  if (own.generation != 0) line.field("generation", own.generation);
  if (own.expected) {
    line.open("expected");
    line.field("seq_lo", own.expected->from);
    line.field("seq_hi", own.expected->to);
    line.close();
  }
  if (own.got) {
    line.open("got");
    line.field("seq", *own.got);
    line.close();
  }
  if (!own.state.empty()) line.field("state", own.state);
  if (own.reason != Reason::none) line.field("stage", own.kernel ? "xdp" : "engine");
  if (own.rule != 0) line.field("rule", own.rule);
  if (own.adopted) line.field("adopted", true);
  if (own.early) line.field("early", true);
  if (own.would) line.field("would", true);
  if (own.shadow) line.field("shadow", true);
  if (own.kernel) line.field("sampled", true);
  if (diverged) line.field("diverged", true);
  if (capture_gap) line.field("capture_gap", true);
  line.close();
}

}  // namespace lockstep
