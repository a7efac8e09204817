// The variables of rule headers ($HOME_NET, $HTTP_PORTS) and the address and port groups that use them.
//
//   any  1.2.3.4  10.0.0.0/8  10.0.0.1-10.0.0.9  2001:db8::/32  [a,b,![c,d]]  !x  $VAR        addresses
//   any  80  1024:  :1023  80:90  [80,81,!82]  $VAR                                           ports
//
// The brackets around a whole field may be left out. A group is flattened, variables included: what stands
// under an odd number of `!` is taken away from the union of the rest, or from everything if there is no
// rest. Bounds: kMaxGroupDepth nested groups and variables, kMaxGroupItems items in one field after variables
// are replaced; beyond either the field is refused.
#pragma once
#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "signatures/address_set.hpp"
#include "signatures/language/text.hpp"
#include "signatures/port_set.hpp"

namespace lockstep::signatures {

constexpr std::size_t kMaxGroupDepth = 32;
constexpr std::size_t kMaxGroupItems = 65536;

class Variables {
 public:
  // Every variable of Suricata's default configuration. HOME_NET and EXTERNAL_NET are `any` here: a sensor
  // that was not told its network guards all of it.
  static Variables defaults();

  // Names come without the `$`. A value is checked when a rule uses it, or all at once by `check`.
  void set_addresses(std::string name, std::string value) { addresses_[std::move(name)] = std::move(value); }
  void set_ports(std::string name, std::string value) { ports_[std::move(name)] = std::move(value); }

  [[nodiscard]] const std::string* addresses(std::string_view name) const;
  [[nodiscard]] const std::string* ports(std::string_view name) const;

  // The first variable whose value can't be read, with the chain of variables that leads to the fault. The
  // error's `where` points into this object.
  [[nodiscard]] Parsed check() const;

 private:
  std::map<std::string, std::string, std::less<>> addresses_;
  std::map<std::string, std::string, std::less<>> ports_;
};

// `text` is a whole field. Errors point into it; an error inside a variable points at the variable's name in
// the field and names the chain.
[[nodiscard]] tl::expected<AddressSet, SyntaxError> parse_addresses(std::string_view text,
                                                                    const Variables& variables);
[[nodiscard]] tl::expected<PortSet, SyntaxError> parse_ports(std::string_view text,
                                                             const Variables& variables);

}  // namespace lockstep::signatures
