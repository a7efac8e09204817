#include "reassembly/acceptance.hpp"

#include <algorithm>

namespace lockstep::reassembly {
namespace {

constexpr std::int64_t paws_valid_seconds = 24LL * 24 * 60 * 60;

std::int64_t seconds_since(Timestamp now, std::uint32_t then) {
  return std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count() -
         static_cast<std::int64_t>(then);
}

}  // namespace

bool paws_refuses(const HostMirror& receiver, const Segment& segment) {
  if (!receiver.timed || !segment.options.timestamps) return false;
  return paws_old(segment.options.timestamps->value, receiver.ts_recent) &&
         seconds_since(segment.time, receiver.ts_recent_at) <= paws_valid_seconds;
}

ResetPlace place_of_reset(const HostMirror& receiver, StreamOffset offset) {
  if (offset >= receiver.rcv_nxt_min && offset <= receiver.rcv_nxt_max()) return ResetPlace::possible;
  // RFC 5961 §3.2 as Linux extends it: the right edge of the highest SACKed block (EVASIONS R13).
  if (receiver.sack_edge != HostMirror::none && offset == receiver.sack_edge) return ResetPlace::possible;
  // rcv_nxt - 1 after the peer's FIN (EVASIONS R14).
  if (receiver.fin_in_order() && offset == receiver.fin) return ResetPlace::possible;
  if (offset < receiver.rcv_nxt_min) return ResetPlace::outside;
  // Without a word from the receiver its window is unknown; then any number ahead may be in it.
  const bool beyond = receiver.rcv_edge() != HostMirror::none && offset > receiver.rcv_edge();
  return beyond ? ResetPlace::outside : ResetPlace::in_window;
}

AckPlace place_of_ack(const HostMirror& acker, StreamOffset offset) {
  if (offset > acker.rcv_nxt_max()) return AckPlace::unsent;
  if (offset >= acker.rcv_nxt_min) return AckPlace::good;
  // Linux, tcp_ack(): min(max_window, bytes_acked); stricter than RFC 5961 §5 alone (EVASIONS D03).
  const auto allowed = std::min<StreamOffset>(acker.max_window, std::max<StreamOffset>(acker.rcv_nxt_min, 0));
  return offset < acker.rcv_nxt_min - allowed ? AckPlace::too_old : AckPlace::old;
}

}  // namespace lockstep::reassembly
