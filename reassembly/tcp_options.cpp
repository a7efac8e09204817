#include "reassembly/tcp_options.hpp"

#include "reassembly/bytes.hpp"

namespace lockstep::reassembly {
namespace {

// Sets `value` unless it is set to something else already.
template <typename T>
bool settle(std::optional<T>& value, T found) {
  const bool agrees = !value || *value == found;
  value = found;
  return agrees;
}

bool parse_timestamps(std::span<const std::uint8_t> option, TcpOptions& options) {
  if (option.size() != 10) return false;
  const TimestampOption found{load32(&option[2]), load32(&option[6])};
  const bool agrees = !options.timestamps ||
                      (options.timestamps->value == found.value && options.timestamps->echo == found.echo);
  options.timestamps = found;
  return agrees;
}

// A list without blocks means nothing, but real senders emit it (EVASIONS D28).
bool parse_sack(std::span<const std::uint8_t> option, TcpOptions& options) {
  const std::size_t blocks = (option.size() - 2) / 8;
  if ((option.size() - 2) % 8 != 0 || blocks > options.sack.size()) return false;
  options.sack_count = static_cast<std::uint8_t>(blocks);
  for (std::size_t i = 0; i < blocks; ++i) {
    options.sack[i] = {Seq(load32(&option[2 + i * 8])), Seq(load32(&option[6 + i * 8]))};
  }
  return true;
}

bool parse_multipath(std::span<const std::uint8_t> option, TcpOptions& options) {
  if (option.size() < 3) return false;
  const int subtype = option[2] >> 4;
  options.mp_capable |= subtype == 0;
  options.mp_join |= subtype == 1;
  return true;
}

// RFC 7413 §4.1.1: a request is empty, a cookie has 4 to 16 bytes, an even number.
bool is_cookie_length(std::size_t bytes) {
  return bytes == 0 || (bytes >= 4 && bytes <= 16 && bytes % 2 == 0);
}

bool parse_option(std::span<const std::uint8_t> option, TcpOptions& options) {
  switch (option[0]) {
    case tcp_option::maximum_segment_size:
      return option.size() == 4 && settle(options.mss, load16(&option[2]));
    case tcp_option::window_scale:
      return option.size() == 3 && settle(options.window_scale, option[2]);
    case tcp_option::sack_permitted:
      options.sack_permitted = true;
      return option.size() == 2;
    case tcp_option::selective_ack:
      return parse_sack(option, options);
    case tcp_option::timestamps:
      return parse_timestamps(option, options);
    case tcp_option::md5_signature:
      options.md5 = true;
      return option.size() == md5_option_length;
    case tcp_option::authentication:
      options.ao = true;
      return option.size() >= 4;
    case tcp_option::multipath:
      return parse_multipath(option, options);
    case tcp_option::fast_open:
      options.fast_open = true;
      return is_cookie_length(option.size() - 2);
    case tcp_option::experimental:
      if (is_fast_open(option)) {
        options.fast_open = true;
        return is_cookie_length(option.size() - 4);
      }
      [[fallthrough]];
    default:
      options.unknown = true;
      return true;
  }
}

}  // namespace

bool parse_tcp_options(std::span<const std::uint8_t> list, TcpOptions& options, bool as_linux) {
  // RFC 7323 §A: two NOPs and the timestamps, what nearly every segment of an open connection carries.
  if (list.size() == 12 && load32(list.data()) == 0x0101080a) {
    options.timestamps = TimestampOption{load32(&list[4]), load32(&list[8])};
    return true;
  }
  std::size_t at = 0;
  while (at < list.size()) {
    if (list[at] == tcp_option::end_of_list) return true;
    if (list[at] == tcp_option::no_operation) {
      ++at;
      continue;
    }
    const bool forgives = as_linux && list.size() - at < md5_option_length;
    if (list.size() - at < 2) return forgives;
    const std::size_t length = list[at + 1];
    if (length < 2 || length > list.size() - at) return forgives;
    TcpOptions before = options;
    if (!parse_option(list.subspan(at, length), options)) {
      if (!as_linux || (list[at] == tcp_option::md5_signature && !forgives)) return false;
      options = before;
    }
    at += length;
  }
  return true;
}

bool is_fast_open(std::span<const std::uint8_t> option) {
  return option[0] == tcp_option::fast_open || (option[0] == tcp_option::experimental && option.size() >= 4 &&
                                                load16(&option[2]) == fast_open_experiment);
}

bool is_mp_capable(std::span<const std::uint8_t> option) {
  return option[0] == tcp_option::multipath && option.size() >= 3 && option[2] >> 4 == 0;
}

bool is_unknown_kind(std::span<const std::uint8_t> option) {
  switch (option[0]) {
    case tcp_option::end_of_list:
    case tcp_option::no_operation:
    case tcp_option::maximum_segment_size:
    case tcp_option::window_scale:
    case tcp_option::sack_permitted:
    case tcp_option::selective_ack:
    case tcp_option::timestamps:
    case tcp_option::md5_signature:
    case tcp_option::authentication:
    case tcp_option::multipath:
    case tcp_option::fast_open:
      return false;
    default:
      return !is_fast_open(option);
  }
}

}  // namespace lockstep::reassembly
