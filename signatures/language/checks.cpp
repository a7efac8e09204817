#include "signatures/language/checks.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace lockstep::signatures {
namespace {

bool placed(const Content& content) {
  return content.offset || content.depth || content.relative() || content.starts_with;
}

Parsed check_content(const Content& content, std::string_view place) {
  if (content.negated && content.fast_pattern != FastPattern::automatic && placed(content)) {
    return refused(
        place,
        "fast_pattern can't stand on a negated content with offset, depth, distance, within or startswith");
  }
  if (content.fast_pattern == FastPattern::only && (content.negated || placed(content))) {
    return refused(place, "fast_pattern:only can't stand on a content that is negated or placed");
  }
  return {};
}

// The largest payload that the comparison allows.
std::uint64_t largest(const Comparison& size) {
  using Op = Comparison::Op;
  switch (size.op) {
    case Op::equal:
    case Op::less_equal:
      return size.a;
    case Op::less:
      return size.a == 0 ? 0 : size.a - 1;
    case Op::between:
      return size.b - 1;
    default:
      return 65535;
  }
}

// A content that can't lie inside the payload that dsize asks for makes a rule that never matches.
Parsed check_size(const Draft& draft, const Content& content, std::string_view place) {
  if (content.negated) return {};
  const bool fixed = content.offset && !content.offset->is_variable();
  const std::uint64_t needed =
      content.pattern.size() + (fixed ? static_cast<std::uint64_t>(content.offset->value) : 0);
  for (const PacketOption& option : draft.rule.packet) {
    const auto* dsize = std::get_if<Dsize>(&option);
    if (dsize == nullptr || needed <= largest(dsize->size)) continue;
    return refused(place, "this content ends at byte " + std::to_string(needed) + ", dsize allows " +
                              std::to_string(largest(dsize->size)) + ": the rule could never match");
  }
  return {};
}

bool has_state(const Rule& rule, bool (*is)(const StateOption&)) {
  return std::any_of(rule.state.begin(), rule.state.end(), is);
}

bool is_tcp(RuleProtocol protocol) {
  return protocol == RuleProtocol::tcp || protocol == RuleProtocol::tcp_pkt ||
         protocol == RuleProtocol::tcp_stream || protocol == RuleProtocol::application;
}

bool has_streams(RuleProtocol protocol) {
  return is_tcp(protocol) || protocol == RuleProtocol::ip || protocol == RuleProtocol::ipv4 ||
         protocol == RuleProtocol::ipv6;
}

bool anchored(const Rule& rule) {
  return std::any_of(rule.payload.begin(), rule.payload.end(), [](const PayloadOption& option) {
    const auto* content = std::get_if<Content>(&option);
    return content != nullptr && (content->offset || content->depth || content->starts_with);
  });
}

bool ip_only(const Draft& draft) {
  const Rule& rule = draft.rule;
  return draft.ip_compatible && rule.payload.empty() && rule.source_ports.is_any() &&
         rule.destination_ports.is_any() && rule.protocol != RuleProtocol::tcp_pkt &&
         rule.protocol != RuleProtocol::tcp_stream;
}

// Nothing but app-layer-protocol beside the header.
bool protocol_only(const Rule& rule) {
  return !rule.protocols.empty() && rule.packet.empty() && rule.state.empty() && rule.flow == FlowOption{};
}

}  // namespace

Parsed check_rule(Draft& draft) {
  // What stands behind tcp.hdr goes to its place.
  draft.select_tcp_header(true);
  draft.rule.tcp_header = std::exchange(draft.rule.payload, {});
  draft.select_tcp_header(false);
  const Rule& rule = draft.rule;
  if (rule.id.sid == 0)
    return refused(draft.line.substr(0, 0), "the rule has no sid", "add sid:NUMBER; to its options");
  for (std::size_t i = 0; i < rule.payload.size(); ++i) {
    const auto* content = std::get_if<Content>(&rule.payload[i]);
    if (content == nullptr) continue;
    if (Parsed parsed = check_content(*content, draft.payload_places[i]); !parsed) return parsed;
    if (Parsed parsed = check_size(draft, *content, draft.payload_places[i]); !parsed) return parsed;
  }
  const bool stream_only =
      rule.protocol == RuleProtocol::tcp_stream || rule.flow.scope == FlowOption::Scope::only_stream;
  if (!draft.packet_option.empty() && stream_only) {
    return refused(draft.packet_option, "this option judges a packet; the rule asks for the stream alone",
                   "use tcp in place of tcp-stream, and leave only_stream out");
  }
  if (!draft.packet_option.empty() && !draft.application_buffer.empty()) {
    return refused(draft.packet_option, "this option judges a packet; `" +
                                            std::string(draft.application_buffer) +
                                            "` is a buffer of an application protocol, which has no packets");
  }
  return {};
}

Inspection inspection_of(const Draft& draft) {
  const Rule& rule = draft.rule;
  if (rule.payload.empty()) {
    if (protocol_only(rule)) return Inspection::protocol_only;
    return ip_only(draft) ? Inspection::ip_only : Inspection::header_only;
  }
  const bool packet_forced = !draft.packet_option.empty() || rule.protocol == RuleProtocol::tcp_pkt ||
                             rule.flow.scope == FlowOption::Scope::no_stream || !has_streams(rule.protocol);
  if (packet_forced) return Inspection::packet;
  if (rule.protocol == RuleProtocol::tcp_stream || rule.flow.scope == FlowOption::Scope::only_stream) {
    return Inspection::stream;
  }
  const bool sized =
      has_state(rule, [](const StateOption& option) { return std::holds_alternative<StreamSize>(option); });
  return anchored(rule) || sized ? Inspection::packet_and_stream : Inspection::stream;
}

}  // namespace lockstep::signatures
