#include "engine/output/eve.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "engine/output/eve_parts.hpp"
#include "engine/output/json.hpp"

namespace lockstep {
namespace {

// Numbers of the registry of link-layer header types (tcpdump.org/linktypes.html).
std::pair<unsigned, std::string_view> link_type(reassembly::LinkType link) {
  switch (link) {
    case reassembly::LinkType::ethernet:
      return {1, "EN10MB"};
    case reassembly::LinkType::raw_ip:
      return {101, "RAW"};
    case reassembly::LinkType::linux_sll:
      return {113, "LINUX_SLL"};
    case reassembly::LinkType::linux_sll2:
      return {276, "LINUX_SLL2"};
    case reassembly::LinkType::null_loopback:
      break;
  }
  return {0, "NULL"};
}

OwnFields with_reason(OwnFields own, Reason reason) {
  own.reason = reason;
  return own;
}

void metadata(JsonLine& line, const signatures::Rule& rule) {
  if (rule.metadata.empty()) return;
  line.open("metadata");
  const auto& entries = rule.metadata;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto same_key = [&](const auto& entry) { return entry.first == entries[i].first; };
    const auto here = entries.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::any_of(entries.begin(), here, same_key)) continue;
    line.open_list_of(entries[i].first);
    for (auto entry = here; entry != entries.end(); ++entry) {
      if (same_key(*entry)) line.item(entry->second);
    }
    line.close();
  }
  line.close();
}

void target(JsonLine& line, const AlertEvent& event) {
  using Target = signatures::Rule::Target;
  if (event.rule->target == Target::none || !event.header.addressed) return;
  const bool at_source = event.rule->target == Target::source;
  const auto put = [&](std::string_view key, const Endpoint& end) {
    line.open(key);
    line.field("ip", full_text(end.address));
    if (has_ports(event.header.protocol)) line.field("port", end.port);
    line.close();
  };
  put("source", at_source ? event.header.destination : event.header.source);
  put("target", at_source ? event.header.source : event.header.destination);
}

void app_proto(JsonLine& line, const AppProtoFields& fields) {
  using signatures::AppProtocol;
  if (fields.flow != AppProtocol::unknown) line.field("app_proto", name(fields.flow));
  const auto other = [&](std::string_view key, AppProtocol protocol) {
    if (protocol != AppProtocol::unknown && protocol != fields.flow) line.field(key, name(protocol));
  };
  other("app_proto_ts", fields.to_server);
  other("app_proto_tc", fields.to_client);
}

}  // namespace

void EveWriter::header(JsonLine& line, const EventHeader& header, std::string_view type) {
  line.field("timestamp", time_.iso(header.time));
  if (header.flow_id != 0) line.field("flow_id", header.flow_id);
  if (!header.interface.empty()) line.field("in_iface", header.interface);
  if (header.packet_number != 0) line.field("pcap_cnt", header.packet_number);
  line.field("event_type", type);
  if (header.vlan.count > 0) {
    line.open_list("vlan");
    for (std::size_t i = 0; i < header.vlan.count; ++i) line.item(header.vlan.ids[i]);
    line.close();
  }
  if (header.addressed) {
    const bool ports = has_ports(header.protocol);
    line.field("src_ip", full_text(header.source.address));
    if (ports) line.field("src_port", header.source.port);
    line.field("dest_ip", full_text(header.destination.address));
    if (ports) line.field("dest_port", header.destination.port);
    line.field("proto", protocol_text(header.protocol));
    line.field("ip_v", header.source.address.version);
    if (is_icmp(header.protocol)) {
      line.field("icmp_type", header.icmp_type);
      line.field("icmp_code", header.icmp_code);
    }
  }
  if (header.packet_source) line.field("pkt_src", name(*header.packet_source));
}

void EveWriter::alert_object(JsonLine& line, const AlertEvent& event) {
  const signatures::Rule& rule = *event.rule;
  line.open("alert");
  line.field("action", event.blocked ? "blocked" : "allowed");
  line.field("gid", rule.id.gid);
  line.field("signature_id", rule.id.sid);
  line.field("rev", rule.id.rev);
  line.field("signature", rule.message);
  line.field("category", rule.category);
  line.field("severity", rule.priority);
  target(line, event);
  if (!rule.references.empty()) {
    line.open_list("references");
    for (const signatures::Reference& reference : rule.references) {
      line.item(reference.url.empty() ? fmt::format("{}:{}", reference.type, reference.id) : reference.url);
    }
    line.close();
  }
  metadata(line, rule);
  line.close();
}

void EveWriter::flow_object(JsonLine& line, const FlowFields& flow) {
  line.open("flow");
  put_amounts(line, flow.amounts);
  line.field("start", time_.iso(flow.start));
  line.field("src_ip", full_text(flow.client.address));
  line.field("dest_ip", full_text(flow.server.address));
  line.field("src_port", flow.client.port);
  line.field("dest_port", flow.server.port);
  line.close();
}

void EveWriter::evidence(JsonLine& line, const AlertEvent& event) {
  if (payload_) {
    line.base64("payload", event.payload);
    line.field("payload_length", event.payload.size());
    line.printable("payload_printable", event.payload);
    line.field("stream", event.stream ? 1U : 0U);
  }
  if (packet_ && !event.packet.empty()) {
    line.base64("packet", event.packet);
    const auto [number, text] = link_type(event.link);
    line.open("packet_info");
    line.field("linktype", number);
    line.field("linktype_name", text);
    line.close();
  }
}

void EveWriter::write(std::string& out, const AlertEvent& event) {
  JsonLine line(out);
  header(line, event.header, "alert");
  alert_object(line, event);
  app_proto(line, event.app_proto);
  if (event.direction) line.field("direction", name(*event.direction));
  if (event.flow) flow_object(line, *event.flow);
  evidence(line, event);
  put_verdict(line, event.verdict, event.action, event.header.protocol);
  put_own(line, with_reason(event.own, event.verdict.reason));
  line.finish();
}

void EveWriter::write(std::string& out, const DropEvent& event) {
  JsonLine line(out);
  header(line, event.header, "drop");
  if (event.direction) line.field("direction", name(*event.direction));
  put_drop(line, event);
  const auto action = event.alert != nullptr                   ? event.alert->action
                      : event.verdict.action == Action::reject ? signatures::Action::reject
                                                               : signatures::Action::drop;
  put_verdict(line, event.verdict, action, event.header.protocol);
  if (event.alert != nullptr) alert_object(line, *event.alert);
  put_own(line, with_reason(event.own, event.verdict.reason));
  line.finish();
}

void EveWriter::flow_life(JsonLine& line, const FlowEvent& event) {
  constexpr std::string_view states[] = {"new", "established", "closed", "bypassed"};
  line.field("start", time_.iso(event.start));
  line.field("end", time_.iso(event.end));
  // As Suricata counts: of the stamps' whole seconds.
  const auto whole = [](Timestamp time) { return std::chrono::floor<std::chrono::seconds>(time); };
  const auto age = (whole(event.end) - whole(event.start)).count();
  line.field("age", static_cast<std::uint64_t>(std::max<std::int64_t>(0, age)));
  line.field("state", states[static_cast<std::size_t>(event.state)]);
  if (event.state == FlowState::bypassed) line.field("bypass", "local");
  line.field("reason", event.end_reason);
  line.field("alerted", event.alerted);
  if (event.action != FlowAction::none)
    line.field("action", event.action == FlowAction::drop ? "drop" : "pass");
  if (event.midstream_policy.empty()) return;
  line.open_list("exception_policy");
  line.open_item();
  line.field("target", "stream_midstream");
  line.field("policy", event.midstream_policy);
  line.close();
  line.close();
}

void EveWriter::write(std::string& out, const FlowEvent& event) {
  JsonLine line(out);
  header(line, event.header, "flow");
  app_proto(line, event.app_proto);
  line.open("flow");
  put_amounts(line, event.amounts);
  if (event.bypassed.to_server.packets + event.bypassed.to_client.packets > 0) {
    line.open("bypassed");
    put_amounts(line, event.bypassed);
    line.close();
  }
  flow_life(line, event);
  line.close();
  if (event.tcp) put_tcp(line, event);
  put_own(line, event.own, event.diverged, event.capture_gap);
  line.finish();
}

void EveWriter::write(std::string& out, const AnomalyEvent& event) {
  JsonLine line(out);
  header(line, event.header, "anomaly");
  line.open("anomaly");
  line.field("type", event.type == AnomalyEvent::Type::decode ? "decode" : "stream");
  line.field("event", event.event);
  line.close();
  put_own(line, event.own);
  line.finish();
}

void EveWriter::write(std::string& out, const StatsEvent& event) {
  JsonLine line(out);
  line.field("timestamp", time_.iso(event.time));
  line.field("event_type", "stats");
  line.open("stats");
  put_stats(line, event);
  line.finish();
}

}  // namespace lockstep
