// Pieces of text that several outputs share.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/output/events.hpp"

namespace lockstep {

// Times as outputs write them, in UTC with microseconds. Keeps the last second, since most events of a run
// share it.
class TimeText {
 public:
  // "2026-08-21T10:00:00.000001+0000", valid until the next call.
  [[nodiscard]] std::string_view iso(Timestamp time);
  // "08/21/2026-10:00:00.000001", valid until the next call.
  [[nodiscard]] std::string_view american(Timestamp time);

 private:
  void refresh(Timestamp time);
  Timestamp::duration::rep second_ = -1;
  std::string iso_, american_;
};

// IPv6 with all eight groups in full, as Suricata writes them.
[[nodiscard]] std::string full_text(const reassembly::Address& address);

// "TCP", "UDP", "ICMP", "IPv6-ICMP", "SCTP", or the number.
[[nodiscard]] std::string protocol_text(std::uint8_t protocol);

[[nodiscard]] bool has_ports(std::uint8_t protocol);
[[nodiscard]] bool is_icmp(std::uint8_t protocol);

}  // namespace lockstep
