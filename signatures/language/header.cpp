#include "signatures/language/header.hpp"

#include <algorithm>

#include "signatures/language/keywords.hpp"

namespace lockstep::signatures {
namespace {

constexpr std::size_t kMaxRemembered = 4096;  // field texts in each cache

// The next field: up to a blank or a parenthesis outside brackets.
std::string_view take_field(std::string_view& rest) {
  rest = trimmed(rest);
  std::size_t depth = 0;
  std::size_t end = 0;
  for (; end < rest.size(); ++end) {
    const char c = rest[end];
    if (c == '[') ++depth;
    if (c == ']' && depth > 0) --depth;
    if (c == '(' || (depth == 0 && is_blank(c))) break;
  }
  const std::string_view field = rest.substr(0, end);
  rest.remove_prefix(end);
  return field;
}

struct NamedAction {
  std::string_view name;
  Action action;
};
constexpr NamedAction kActions[] = {
    {"alert", Action::alert},           {"pass", Action::pass},        {"drop", Action::drop},
    {"reject", Action::reject},         {"rejectsrc", Action::reject}, {"rejectdst", Action::reject_dst},
    {"rejectboth", Action::reject_both}};

struct NamedProtocol {
  std::string_view name;
  RuleProtocol protocol;
};
constexpr NamedProtocol kProtocols[] = {
    {"ip", RuleProtocol::ip},           {"ip4", RuleProtocol::ipv4},
    {"ipv4", RuleProtocol::ipv4},       {"ip6", RuleProtocol::ipv6},
    {"ipv6", RuleProtocol::ipv6},       {"tcp", RuleProtocol::tcp},
    {"tcp-pkt", RuleProtocol::tcp_pkt}, {"tcp-stream", RuleProtocol::tcp_stream},
    {"udp", RuleProtocol::udp},         {"icmp", RuleProtocol::icmp},
    {"icmpv4", RuleProtocol::icmp},     {"icmpv6", RuleProtocol::icmpv6},
    {"sctp", RuleProtocol::sctp}};

// Layers that rules can name and this engine never judges.
constexpr std::string_view kOtherLayers[] = {"igmp", "pkthdr", "ether", "arp"};

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

bool among(std::span<const std::string_view> names, std::string_view name) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view known) { return same_word(known, name); });
}

Parsed read_action(std::string_view field, Draft& draft) {
  const std::string_view name = field.substr(0, field.find_first_of(":,"));
  if (name.size() != field.size()) draft.lacks("action scope");
  for (const NamedAction& known : kActions) {
    if (!same_word(known.name, name)) continue;
    draft.rule.action = known.action;
    return {};
  }
  if (same_word(name, "accept") || same_word(name, "config")) {
    draft.lacks("action " + lowered(name));
    return {};
  }
  return refused(field, "`" + std::string(field) + "` is no action",
                 "a rule begins with alert, pass, drop, reject, rejectsrc, rejectdst or rejectboth");
}

bool is_other_transport(RuleProtocol protocol) {
  return protocol == RuleProtocol::udp || protocol == RuleProtocol::icmp ||
         protocol == RuleProtocol::icmpv6 || protocol == RuleProtocol::sctp;
}

Parsed read_protocol(std::string_view field, Draft& draft) {
  const std::string_view name = field.substr(0, field.find(':'));
  if (name.size() != field.size()) draft.lacks("rule hook");
  for (const NamedProtocol& known : kProtocols) {
    if (!same_word(known.name, name)) continue;
    draft.rule.protocol = known.protocol;
    if (!draft.settings.other_transports && is_other_transport(known.protocol)) {
      draft.lacks("protocol " + lowered(name));
    }
    return {};
  }
  if (is_application_protocol(name) || among(kOtherLayers, name)) {
    draft.rule.protocol = RuleProtocol::application;
    draft.ip_compatible = false;
    if (const auto protocols = protocols_named(lowered(name))) {
      draft.rule.application = *protocols;
    } else {
      draft.lacks("protocol " + lowered(name));
    }
    return {};
  }
  return refused(field, "`" + std::string(field) + "` is no protocol",
                 "for example tcp, tcp-pkt, udp, ip, http or tls");
}

Parsed read_direction(std::string_view field, Draft& draft) {
  if (field == "<>") {
    draft.rule.bidirectional = true;
  } else if (field == "=>") {
    draft.lacks("direction =>");
  } else if (field != "->") {
    return refused(field, "`" + std::string(field) + "` is no direction", "a direction is -> or <>");
  }
  return {};
}

template <typename Set>
Parsed assign(tl::expected<Set, SyntaxError> from, Set& to) {
  if (!from) return tl::unexpected(from.error());
  to = std::move(*from);
  return {};
}

}  // namespace

tl::expected<RuleFields, SyntaxError> split_rule(std::string_view line) {
  RuleFields fields;
  std::string_view rest = trimmed(line);
  const std::pair<std::string_view*, std::string_view> order[] = {
      {&fields.action, "the action"},
      {&fields.protocol, "the protocol"},
      {&fields.source, "the source address"},
      {&fields.source_ports, "the source port"},
      {&fields.direction, "the direction"},
      {&fields.destination, "the destination address"},
      {&fields.destination_ports, "the destination port"}};
  for (const auto& [field, what] : order) {
    *field = take_field(rest);
    if (field->empty()) {
      return refused(rest, std::string(what) + " is missing",
                     "a rule is: action protocol address port -> address port (options)");
    }
  }
  rest = trimmed(rest);
  if (rest.empty() || rest.front() != '(')
    return refused(rest.substr(0, 1), "the options' opening `(` is missing");
  rest.remove_prefix(1);
  fields.closed = !rest.empty() && rest.back() == ')';
  while (!rest.empty() && (rest.back() == ')' || is_blank(rest.back()))) rest.remove_suffix(1);
  fields.options = rest;
  return fields;
}

tl::expected<AddressSet, SyntaxError> HeaderReader::addresses(std::string_view field) {
  if (const auto known = address_sets_.find(field); known != address_sets_.end()) return known->second;
  auto set = parse_addresses(field, settings_.variables);
  if (set && address_sets_.size() < kMaxRemembered) address_sets_.emplace(field, *set);
  return set;
}

tl::expected<PortSet, SyntaxError> HeaderReader::ports(std::string_view field) {
  if (const auto known = port_sets_.find(field); known != port_sets_.end()) return known->second;
  auto set = parse_ports(field, settings_.variables);
  if (set && port_sets_.size() < kMaxRemembered) port_sets_.emplace(field, *set);
  return set;
}

Parsed HeaderReader::read(const RuleFields& fields, Draft& draft) {
  if (Parsed parsed = read_action(fields.action, draft); !parsed) return parsed;
  if (Parsed parsed = read_protocol(fields.protocol, draft); !parsed) return parsed;
  if (Parsed parsed = read_direction(fields.direction, draft); !parsed) return parsed;
  Rule& rule = draft.rule;
  if (Parsed parsed = assign(addresses(fields.source), rule.source); !parsed) return parsed;
  if (Parsed parsed = assign(ports(fields.source_ports), rule.source_ports); !parsed) return parsed;
  if (Parsed parsed = assign(addresses(fields.destination), rule.destination); !parsed) return parsed;
  if (Parsed parsed = assign(ports(fields.destination_ports), rule.destination_ports); !parsed) return parsed;
  const bool portless = rule.protocol == RuleProtocol::icmp || rule.protocol == RuleProtocol::icmpv6;
  if (portless) rule.source_ports = rule.destination_ports = PortSet::any();
  return {};
}

}  // namespace lockstep::signatures
