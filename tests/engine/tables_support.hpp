// Short ways to write endpoints and times, for the tests of the tables.
#pragma once
#include <chrono>

#include <arpa/inet.h>

#include "engine/flow_key.hpp"
#include "reassembly/time.hpp"

namespace lockstep::test {

inline reassembly::Address ip(const char* text) {
  reassembly::Address address;
  address.version = std::string_view(text).find(':') == std::string_view::npos ? 4 : 6;
  inet_pton(address.version == 4 ? AF_INET : AF_INET6, text, address.bytes.data());
  return address;
}

inline reassembly::Endpoint end(const char* text, std::uint16_t port) {
  return {ip(text), port};
}

// Client number n of the prefix 10.0.p.0/24.
inline reassembly::Endpoint client(unsigned p, unsigned n) {
  reassembly::Endpoint endpoint;
  endpoint.address.bytes = {10, static_cast<std::uint8_t>(p >> 8U), static_cast<std::uint8_t>(p),
                            static_cast<std::uint8_t>(n >> 14U)};
  endpoint.port = static_cast<std::uint16_t>(1024 + (n & 0x3FFFU));
  return endpoint;
}

inline const reassembly::Endpoint server = end("192.0.2.1", 80);

// Seconds after a point in 2024.
inline reassembly::Timestamp at(double seconds) {
  return reassembly::Timestamp(std::chrono::seconds(1'710'000'000)) +
         std::chrono::duration_cast<reassembly::Duration>(std::chrono::duration<double>(seconds));
}

}  // namespace lockstep::test
