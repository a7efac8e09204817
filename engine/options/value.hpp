// Values with units, as users write them and as they are shown.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "engine/settings.hpp"
#include "reassembly/segment.hpp"

namespace lockstep {

// "1500", "64kb", "64 MiB", "2gb": bytes; k, m, g, t count in 1024 (as in Suricata). Nothing on anything
// else.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

// "250ms", "30s", "2m", "1h", "5d"; a bare number is seconds. Nothing on anything else, or beyond 292 years.
[[nodiscard]] std::optional<Nanoseconds> parse_time(std::string_view text);

// A time from some beginning on ("90s", as above), or a date of its own: "2026-08-21T10:00:00.25Z", UTC.
using Moment = std::variant<Nanoseconds, reassembly::Timestamp>;
[[nodiscard]] std::optional<Moment> parse_moment(std::string_view text);

// true, yes, on, 1 and false, no, off, 0.
[[nodiscard]] std::optional<bool> parse_boolean(std::string_view text);

[[nodiscard]] std::optional<std::uint64_t> parse_count(std::string_view text);

// "10.0.0.0/8", "192.0.2.7", "2001:db8::/32"; an address alone is a prefix of all its bits.
struct Prefix {
  reassembly::Address address;
  std::uint8_t bits = 0;
};
// Without the bits behind the first `bits`.
[[nodiscard]] reassembly::Address masked(reassembly::Address address, unsigned bits);
[[nodiscard]] std::optional<Prefix> parse_prefix(std::string_view text);

// In the largest unit that divides the value: "64mb", "5d".
[[nodiscard]] std::string show_size(std::uint64_t bytes);
[[nodiscard]] std::string show_time(Nanoseconds time);

}  // namespace lockstep
