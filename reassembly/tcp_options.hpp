// The option list of a TCP header (RFC 9293 §3.2). Strict, because hosts differ on everything else: each
// option's length must be true, an option known here must have one of its legal lengths, and a value must not
// come twice with two meanings (EVASIONS D11, D12, H29). Bytes behind End of Option List are padding.
#pragma once
#include <cstdint>
#include <span>

#include "reassembly/segment.hpp"

namespace lockstep::reassembly {

namespace tcp_option {

enum Kind : std::uint8_t {
  end_of_list = 0,
  no_operation = 1,
  maximum_segment_size = 2,  // RFC 9293 §3.7.1
  window_scale = 3,          // RFC 7323 §2
  sack_permitted = 4,        // RFC 2018 §2
  selective_ack = 5,         // RFC 2018 §3
  timestamps = 8,            // RFC 7323 §3
  md5_signature = 19,        // RFC 2385
  authentication = 29,       // RFC 5925
  multipath = 30,            // RFC 8684 §3
  fast_open = 34,            // RFC 7413 §4.1.1
  experimental = 254,        // RFC 6994
};

}  // namespace tcp_option

inline constexpr std::size_t md5_option_length = 18;           // RFC 2385
inline constexpr std::uint16_t fast_open_experiment = 0xF989;  // RFC 7413 §A.4
inline constexpr std::uint8_t largest_window_scale = 14;       // RFC 7323 §2.3

// False if the list does not parse cleanly. `options` must be fresh; on failure it is half filled.
// `as_linux`: false only where Linux discards the segment. Before anything else it looks for an
// authentication option, as long as the list has room for one, and refuses what does not parse so far; later
// it stops at what does not parse, and skips an option of a wrong length (EVASIONS D12;
// tcp_parse_auth_options, tcp_parse_options).
[[nodiscard]] bool parse_tcp_options(std::span<const std::uint8_t> list, TcpOptions& options,
                                     bool as_linux = false);

// What an option of a cleanly parsed list is to those who edit it; `option` starts at the kind byte and is as
// long as its length byte says.
[[nodiscard]] bool is_fast_open(std::span<const std::uint8_t> option);
[[nodiscard]] bool is_mp_capable(std::span<const std::uint8_t> option);
[[nodiscard]] bool is_unknown_kind(std::span<const std::uint8_t> option);

}  // namespace lockstep::reassembly
