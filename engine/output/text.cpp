#include "engine/output/text.hpp"

#include <array>
#include <chrono>

#include <fmt/format.h>

namespace lockstep {
namespace {

constexpr std::uint8_t icmp = 1, tcp = 6, udp = 17, icmpv6 = 58, sctp = 132;

// `count` decimal digits of `value` at text[at].
void put(std::string& text, std::size_t at, std::size_t count, std::uint64_t value) {
  for (std::size_t i = count; i-- > 0; value /= 10) text[at + i] = static_cast<char>('0' + value % 10);
}

}  // namespace

std::uint64_t flow_id(Timestamp start, std::uint32_t hash) {
  const auto second = std::chrono::floor<std::chrono::seconds>(start);
  const auto microsecond = std::chrono::duration_cast<std::chrono::microseconds>(start - second);
  const auto s = static_cast<std::uint64_t>(second.time_since_epoch().count()) & 0xffffU;
  const auto us = static_cast<std::uint64_t>(microsecond.count()) & 0xffffU;
  return (s << 48 | us << 32 | hash) & 0x7'ffff'ffff'ffffULL;
}

std::string_view name(PacketSource source) {
  constexpr std::array<std::string_view, 4> names{"wire/pcap", "defrag", "stream (flow timeout)",
                                                  "shutdown flush"};
  return names[static_cast<std::size_t>(source)];
}

void TimeText::refresh(Timestamp time) {
  using namespace std::chrono;
  const auto second = floor<seconds>(time);
  if (iso_.empty() || second.time_since_epoch().count() != second_) {
    second_ = second.time_since_epoch().count();
    const auto day = floor<days>(second);
    const year_month_day date(day);
    const auto year = static_cast<std::uint64_t>(static_cast<int>(date.year()));
    const auto month = static_cast<unsigned>(date.month());
    const auto day_of_month = static_cast<unsigned>(date.day());
    const auto of_day = static_cast<std::uint64_t>((second - day).count());
    iso_ = "0000-00-00T00:00:00.000000+0000";
    put(iso_, 0, 4, year);
    put(iso_, 5, 2, month);
    put(iso_, 8, 2, day_of_month);
    american_ = "00/00/0000-00:00:00.000000";
    put(american_, 0, 2, month);
    put(american_, 3, 2, day_of_month);
    put(american_, 6, 4, year);
    for (std::string* text : {&iso_, &american_}) {
      put(*text, 11, 2, of_day / 3600);
      put(*text, 14, 2, of_day / 60 % 60);
      put(*text, 17, 2, of_day % 60);
    }
  }
  const auto microsecond = static_cast<std::uint64_t>(duration_cast<microseconds>(time - second).count());
  put(iso_, 20, 6, microsecond);
  put(american_, 20, 6, microsecond);
}

std::string_view TimeText::iso(Timestamp time) {
  refresh(time);
  return iso_;
}

std::string_view TimeText::american(Timestamp time) {
  refresh(time);
  return american_;
}

std::string full_text(const reassembly::Address& address) {
  const auto& b = address.bytes;
  std::string out;
  if (address.version == 4) {
    for (std::size_t i = 0; i < 4; ++i) {
      if (i > 0) out += '.';
      const fmt::format_int digits(b[i]);
      out.append(digits.data(), digits.size());
    }
    return out;
  }
  for (std::size_t i = 0; i < b.size(); i += 2) {
    if (i > 0) out += ':';
    out += fmt::format("{:02x}{:02x}", b[i], b[i + 1]);
  }
  return out;
}

std::string protocol_text(std::uint8_t protocol) {
  switch (protocol) {
    case tcp:
      return "TCP";
    case udp:
      return "UDP";
    case icmp:
      return "ICMP";
    case icmpv6:
      return "IPv6-ICMP";
    case sctp:
      return "SCTP";
    default:
      return fmt::format("{:03}", protocol);
  }
}

bool has_ports(std::uint8_t protocol) {
  return protocol == tcp || protocol == udp || protocol == sctp;
}
bool is_icmp(std::uint8_t protocol) {
  return protocol == icmp || protocol == icmpv6;
}

}  // namespace lockstep
