#include "signatures/variables.hpp"

#include <algorithm>

#include "signatures/language/address_text.hpp"

namespace lockstep::signatures {
namespace {

// What a group consists of, per kind: the text of one item is read into a range, a list of ranges, or `any`.
struct AddressKind {
  using Set = AddressSet;
  using Range = std::pair<std::uint8_t, AddressSet::Range>;
  static constexpr std::string_view noun = "address";
  static const std::string* variable(const Variables& variables, std::string_view name) {
    return variables.addresses(name);
  }
  static tl::expected<Range, SyntaxError> item(std::string_view text) { return parse_address_range(text); }
  static Set build(const std::vector<Range>& positives, const std::vector<Range>& negatives) {
    return AddressSet::build({positives, negatives});
  }
};

struct PortKind {
  using Set = PortSet;
  using Range = PortSet::Range;
  static constexpr std::string_view noun = "port";
  static const std::string* variable(const Variables& variables, std::string_view name) {
    return variables.ports(name);
  }
  static tl::expected<Range, SyntaxError> item(std::string_view text) { return parse_port_range(text); }
  static Set build(const std::vector<Range>& positives, const std::vector<Range>& negatives) {
    return PortSet::build(positives, negatives);
  }
};

std::size_t closing_bracket(std::string_view text) {
  std::size_t depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '[') ++depth;
    if (text[i] == ']' && --depth == 0) return i;
  }
  return std::string_view::npos;
}

// Splits at the commas outside inner brackets; unbalanced brackets show up in the pieces.
std::vector<std::string_view> members(std::string_view text) {
  std::vector<std::string_view> out;
  std::size_t depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '[') ++depth;
    if (text[i] == ']' && depth > 0) --depth;
    if (text[i] == ',' && depth == 0) {
      out.push_back(trimmed(text.substr(begin, i - begin)));
      begin = i + 1;
    }
  }
  out.push_back(trimmed(text.substr(begin)));
  return out;
}

template <typename Kind>
class GroupReader {
 public:
  explicit GroupReader(const Variables& variables) : variables_(variables) {}

  tl::expected<typename Kind::Set, SyntaxError> read(std::string_view text) {
    if (auto parsed = list(text, false, 0); !parsed) return tl::unexpected(parsed.error());
    if (everything_ && negatives_.empty()) return Kind::Set::any();
    auto set = Kind::build(everything_ ? std::vector<typename Kind::Range>{} : positives_, negatives_);
    if (set.empty()) {
      return refused(text,
                     "this group covers no " + std::string(Kind::noun) + ": all it names is taken away again",
                     "a `!` takes away from the whole field, groups and variables included");
    }
    return set;
  }

 private:
  Parsed group(std::string_view text, bool negated, std::size_t depth) {
    if (depth > kMaxGroupDepth) {
      return fault(text, "groups nest deeper than " + std::to_string(kMaxGroupDepth));
    }
    while (!text.empty() && text.front() == '!') {
      negated = !negated;
      text = trimmed(text.substr(1));
    }
    if (text.empty()) return fault(text, "a " + std::string(Kind::noun) + " is missing here");
    if (text.front() == '$') return variable(text, negated, depth);
    if (text.front() != '[') return item(text, negated);
    const std::size_t end = closing_bracket(text);
    if (end == std::string_view::npos) return fault(text.substr(0, 1), "this `[` is never closed");
    if (end + 1 != text.size()) return fault(text.substr(end + 1), "unexpected text behind `]`");
    return list(text.substr(1, end - 1), negated, depth + 1);
  }

  Parsed list(std::string_view text, bool negated, std::size_t depth) {
    for (const std::string_view member : members(text)) {
      if (auto parsed = group(member, negated, depth); !parsed) return parsed;
    }
    return {};
  }

  Parsed variable(std::string_view text, bool negated, std::size_t depth) {
    const std::string_view name = trimmed(text.substr(1));
    const std::string* value = Kind::variable(variables_, name);
    if (value == nullptr) {
      return fault(text,
                   "the " + std::string(Kind::noun) + " variable $" + std::string(name) + " is not defined",
                   "define it in the configuration");
    }
    if (std::find(chain_.begin(), chain_.end(), name) != chain_.end()) {
      return fault(text, "the variable $" + std::string(name) + " is defined by itself");
    }
    if (chain_.empty()) in_field_ = text;
    chain_.push_back(name);
    Parsed parsed = list(*value, negated, depth + 1);
    chain_.pop_back();
    return parsed;
  }

  Parsed item(std::string_view text, bool negated) {
    if (++items_ > kMaxGroupItems) {
      return fault(text, "the group has more than " + std::to_string(kMaxGroupItems) + " members");
    }
    if (same_word(text, "any")) {
      if (negated)
        return fault(text, "`!any` covers nothing", "leave the exclusion out, or give the variable a value");
      everything_ = true;
      return {};
    }
    auto range = Kind::item(text);
    if (!range) return fault(range.error().where, range.error().message, range.error().remedy);
    (negated ? negatives_ : positives_).push_back(*range);
    return {};
  }

  // Inside a variable the field's own text is all that the rule's author can see: point there, tell the way.
  [[nodiscard]] Parsed fault(std::string_view where, std::string message, std::string remedy = {}) const {
    if (chain_.empty()) return refused(where, std::move(message), std::move(remedy));
    std::string way;
    for (const std::string_view name : chain_) way += "$" + std::string(name) + " -> ";
    const std::string* value = Kind::variable(variables_, chain_.back());
    constexpr std::size_t shown = 120;
    return refused(in_field_, message + " (" + way + value->substr(0, shown) + ")", std::move(remedy));
  }

  const Variables& variables_;
  std::vector<std::string_view> chain_;
  std::string_view in_field_;
  std::vector<typename Kind::Range> positives_;
  std::vector<typename Kind::Range> negatives_;
  std::size_t items_ = 0;
  bool everything_ = false;
};

const std::string* found(const std::map<std::string, std::string, std::less<>>& map, std::string_view name) {
  const auto it = map.find(name);
  return it == map.end() ? nullptr : &it->second;
}

}  // namespace

// The values of Suricata's suricata.yaml; what it derives from HOME_NET is derived here as well.
Variables Variables::defaults() {
  Variables variables;
  variables.addresses_ = {{"HOME_NET", "any"},
                          {"EXTERNAL_NET", "any"},
                          {"HTTP_SERVERS", "$HOME_NET"},
                          {"SMTP_SERVERS", "$HOME_NET"},
                          {"SQL_SERVERS", "$HOME_NET"},
                          {"DNS_SERVERS", "$HOME_NET"},
                          {"TELNET_SERVERS", "$HOME_NET"},
                          {"AIM_SERVERS", "$EXTERNAL_NET"},
                          {"DC_SERVERS", "$HOME_NET"},
                          {"DNP3_SERVER", "$HOME_NET"},
                          {"DNP3_CLIENT", "$HOME_NET"},
                          {"MODBUS_CLIENT", "$HOME_NET"},
                          {"MODBUS_SERVER", "$HOME_NET"},
                          {"ENIP_CLIENT", "$HOME_NET"},
                          {"ENIP_SERVER", "$HOME_NET"}};
  variables.ports_ = {
      {"HTTP_PORTS", "80"},     {"SHELLCODE_PORTS", "!80"},   {"ORACLE_PORTS", "1521"},
      {"SSH_PORTS", "22"},      {"DNP3_PORTS", "20000"},      {"MODBUS_PORTS", "502"},
      {"FTP_PORTS", "21"},      {"GENEVE_PORTS", "6081"},     {"VXLAN_PORTS", "4789"},
      {"TEREDO_PORTS", "3544"}, {"SIP_PORTS", "[5060,5061]"}, {"FILE_DATA_PORTS", "[$HTTP_PORTS,110,143]"}};
  return variables;
}

const std::string* Variables::addresses(std::string_view name) const {
  return found(addresses_, name);
}
const std::string* Variables::ports(std::string_view name) const {
  return found(ports_, name);
}

Parsed Variables::check() const {
  const auto named = [](const std::string& name, SyntaxError error) {
    error.message = "$" + name + ": " + error.message;
    return tl::unexpected(std::move(error));
  };
  for (const auto& [name, value] : addresses_) {
    if (auto set = parse_addresses(value, *this); !set) return named(name, set.error());
  }
  for (const auto& [name, value] : ports_) {
    if (auto set = parse_ports(value, *this); !set) return named(name, set.error());
  }
  return {};
}

tl::expected<AddressSet, SyntaxError> parse_addresses(std::string_view text, const Variables& variables) {
  return GroupReader<AddressKind>(variables).read(text);
}

tl::expected<PortSet, SyntaxError> parse_ports(std::string_view text, const Variables& variables) {
  return GroupReader<PortKind>(variables).read(text);
}

}  // namespace lockstep::signatures
