// What stands before the options: action, protocol, addresses, ports, direction.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "signatures/language/draft.hpp"

namespace lockstep::signatures {

// The fields of a rule as text; `options` is what stands between the outer parentheses.
struct RuleFields {
  std::string_view action, protocol, source, source_ports, direction, destination, destination_ports, options;
  bool closed = true;  // the last parenthesis is there; Suricata loads rules without it
};

[[nodiscard]] tl::expected<RuleFields, SyntaxError> split_rule(std::string_view line);

// Reads header fields into rules. Remembers the sets of fields it has read: a rule file names few of them,
// often.
class HeaderReader {
 public:
  explicit HeaderReader(const ParserSettings& settings) : settings_(settings) {}

  // What is known and not built (an application protocol, an action of the firewall mode) marks the draft.
  Parsed read(const RuleFields& fields, Draft& draft);

 private:
  tl::expected<AddressSet, SyntaxError> addresses(std::string_view field);
  tl::expected<PortSet, SyntaxError> ports(std::string_view field);

  const ParserSettings& settings_;
  std::map<std::string, AddressSet, std::less<>> address_sets_;
  std::map<std::string, PortSet, std::less<>> port_sets_;
};

}  // namespace lockstep::signatures
