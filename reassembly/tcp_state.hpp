// Connection states in the words of RFC 9293 §3.3.2.
#pragma once
#include <cstdint>
#include <string_view>

namespace lockstep::reassembly {

enum class TcpState : std::uint8_t {
  closed,
  listen,
  syn_sent,
  syn_received,
  established,
  fin_wait_1,
  fin_wait_2,
  close_wait,
  closing,
  last_ack,
  time_wait,
};

[[nodiscard]] constexpr std::string_view name(TcpState state) {
  switch (state) {
    case TcpState::closed:
      return "closed";
    case TcpState::listen:
      return "listen";
    case TcpState::syn_sent:
      return "syn_sent";
    case TcpState::syn_received:
      return "syn_received";
    case TcpState::established:
      return "established";
    case TcpState::fin_wait_1:
      return "fin_wait_1";
    case TcpState::fin_wait_2:
      return "fin_wait_2";
    case TcpState::close_wait:
      return "close_wait";
    case TcpState::closing:
      return "closing";
    case TcpState::last_ack:
      return "last_ack";
    case TcpState::time_wait:
      return "time_wait";
  }
  return "closed";
}

}  // namespace lockstep::reassembly
