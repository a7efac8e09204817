#include "engine/output/fast.hpp"

#include <fmt/format.h>

namespace lockstep {
namespace {

std::string_view prefix(const AlertEvent& event) {
  using signatures::Action;
  if (event.own.shadow) return "[Shadow] ";
  if (event.blocked) return "[Drop] ";
  return event.action == Action::alert || event.action == Action::pass ? "" : "[wDrop] ";
}

std::string endpoint(const Endpoint& end, std::uint8_t protocol, std::uint8_t icmp_number) {
  const unsigned number = is_icmp(protocol) ? icmp_number : end.port;
  return fmt::format("{}:{}", full_text(end.address), number);
}

// A message is one line, whatever the rule says.
std::string one_line(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return out;
}

}  // namespace

void FastWriter::write(std::string& out, const AlertEvent& event) {
  const signatures::Rule& rule = *event.rule;
  const EventHeader& header = event.header;
  const std::string protocol = protocol_text(header.protocol);
  const bool unnamed = protocol.front() >= '0' && protocol.front() <= '9';
  out += fmt::format("{}  {}[**] [{}:{}:{}] {} [**] [Classification: {}] [Priority: {}]",
                     time_.american(header.time), prefix(event), rule.id.gid, rule.id.sid, rule.id.rev,
                     one_line(rule.message), rule.category.empty() ? "(null)" : one_line(rule.category),
                     rule.priority);
  if (header.addressed) {
    out += fmt::format(" {{{}{}}} {} -> {}", unnamed ? "PROTO:" : "", protocol,
                       endpoint(header.source, header.protocol, header.icmp_type),
                       endpoint(header.destination, header.protocol, header.icmp_code));
  }
  out += '\n';
}

}  // namespace lockstep
