// One address range and one port range as rules write them.
#pragma once
#include "signatures/address_set.hpp"
#include "signatures/language/text.hpp"
#include "signatures/port_set.hpp"

namespace lockstep::signatures {

// 1.2.3.4, 1.2.3.0/24, 1.2.3.0/255.255.255.0, 1.2.3.4-1.2.3.9, and the same for IPv6; the IP version and both
// ends.
[[nodiscard]] tl::expected<std::pair<std::uint8_t, AddressSet::Range>, SyntaxError> parse_address_range(
    std::string_view text);

// 80, 80:90, :1023, 1024:
[[nodiscard]] tl::expected<PortSet::Range, SyntaxError> parse_port_range(std::string_view text);

}  // namespace lockstep::signatures
