#include "signatures/language/address_text.hpp"

#include <algorithm>

#include <arpa/inet.h>

namespace lockstep::signatures {
namespace {

using Versioned = std::pair<std::uint8_t, AddressSet::Range>;

std::optional<Address> parse_address(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN + 1> terminated{};
  if (text.empty() || text.size() >= terminated.size()) return std::nullopt;
  std::copy(text.begin(), text.end(), terminated.begin());
  Address address;
  address.version = text.find(':') == std::string_view::npos ? 4 : 6;
  const int family = address.version == 4 ? AF_INET : AF_INET6;
  if (inet_pton(family, terminated.data(), address.bytes.data()) != 1) return std::nullopt;
  return address;
}

std::size_t bits_of(const Address& address) {
  return address.version == 4 ? 32 : 128;
}

// The prefix length that a dotted mask stands for, or nothing if its ones are not all in front.
std::optional<std::size_t> mask_length(const Address& mask) {
  std::size_t ones = 0;
  while (ones < 32 && (mask.bytes[ones / 8] >> (7 - ones % 8) & 1) != 0) ++ones;
  for (std::size_t bit = ones; bit < 32; ++bit) {
    if ((mask.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0) return std::nullopt;
  }
  return ones;
}

Versioned network(const Address& address, std::size_t prefix) {
  AddressSet::Range range{address.bytes, address.bytes};
  for (std::size_t bit = prefix; bit < bits_of(address); ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80U >> (bit % 8));
    range.first[bit / 8] = static_cast<std::uint8_t>(range.first[bit / 8] & ~mask);
    range.second[bit / 8] = static_cast<std::uint8_t>(range.second[bit / 8] | mask);
  }
  return {address.version, range};
}

tl::expected<Versioned, SyntaxError> parse_network(std::string_view text, std::size_t slash) {
  const std::string_view prefix_text = trimmed(text.substr(slash + 1));
  const auto address = parse_address(trimmed(text.substr(0, slash)));
  if (!address) return refused(text, "`" + std::string(text.substr(0, slash)) + "` is not an IP address");
  if (const auto prefix = number<std::size_t>(prefix_text)) {
    if (*prefix <= bits_of(*address)) return network(*address, *prefix);
    return refused(prefix_text, "a prefix of IPv" + std::to_string(address->version) + " has at most " +
                                    std::to_string(bits_of(*address)) + " bits");
  }
  const auto mask = parse_address(prefix_text);
  const auto length = mask && mask->version == 4 && address->version == 4 ? mask_length(*mask) : std::nullopt;
  if (!length)
    return refused(prefix_text,
                   "`" + std::string(prefix_text) + "` is neither a prefix length nor a netmask");
  return network(*address, *length);
}

}  // namespace

tl::expected<Versioned, SyntaxError> parse_address_range(std::string_view text) {
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos)
    return parse_network(text, slash);
  const std::size_t dash = text.find('-');
  const auto first = parse_address(trimmed(text.substr(0, dash)));
  if (!first) return refused(text, "`" + std::string(text) + "` is not an IP address, network or range");
  if (dash == std::string_view::npos) return Versioned{first->version, {first->bytes, first->bytes}};
  const auto last = parse_address(trimmed(text.substr(dash + 1)));
  if (!last || last->version != first->version) {
    return refused(text.substr(dash + 1), "the end of an address range is an address of the same IP version");
  }
  if (*last < *first) return refused(text, "this address range ends before it begins");
  return Versioned{first->version, {first->bytes, last->bytes}};
}

tl::expected<PortSet::Range, SyntaxError> parse_port_range(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view low = trimmed(text.substr(0, colon));
  const std::string_view high = colon == std::string_view::npos ? low : trimmed(text.substr(colon + 1));
  const auto port = [](std::string_view digits, std::uint16_t open_end) {
    return digits.empty() ? std::optional<std::uint16_t>(open_end) : number<std::uint16_t>(digits);
  };
  const auto first = port(low, 0);
  const auto last = port(high, 65535);
  if (!first || !last || (low.empty() && high.empty())) {
    return refused(text, "`" + std::string(text) + "` is not a port (0 to 65535) or a range of ports");
  }
  if (*last < *first)
    return refused(text, "this port range ends before it begins", "write the lower port first");
  return PortSet::Range{*first, *last};
}

}  // namespace lockstep::signatures
