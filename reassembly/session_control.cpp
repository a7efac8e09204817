// Session: RST and SYN inside a connection, and the handshake's last step.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "reassembly/fault.hpp"
#include "reassembly/rulings.hpp"
#include "reassembly/session.hpp"

namespace lockstep::reassembly {

std::optional<Ruling> without_numbers(const Segment& segment) {
  if (segment.has(TcpFlag::rst)) return stripped_reset(segment);
  if (!segment.has(TcpFlag::ack)) return drop_without_ack(segment);
  return std::nullopt;
}

Ruling stripped_reset(const Segment& segment) {
  Ruling ruling;
  ruling.transition = Transition::reset_possible;
  if (!faulty(Fault::reset_payload_kept))
    ruling.edits.trim_back = static_cast<std::uint32_t>(segment.payload.size());
  if (!faulty(Fault::reset_flags_kept)) {
    ruling.edits.clear_flags =
        segment.flags.bits & (TcpFlag::syn | TcpFlag::fin | TcpFlag::psh | TcpFlag::urg);
    ruling.edits.zero_urgent = segment.urgent != 0;
  }
  if (!segment.payload.empty()) ruling.events.add(StreamEvent::rst_with_data);
  if (ruling.edits.any()) ruling.reason = Reason::rst_stripped;
  return ruling;
}

Ruling Session::judge_reset(const Segment& segment, Direction direction) const {
  const HostMirror& to = receiver(direction);
  const HostMirror& from = sender(direction);
  const StreamOffset offset = to.to_offset(segment.seq);
  if (!established_) return judge_handshake_reset(segment, direction);
  if (memory_ && memory_->asked && memory_->asked->answered_by(segment, direction)) {
    Ruling ruling = stripped_reset(segment);
    ruling.reason = Reason::rst_confirmed;
    ruling.edits.to_bare = TcpFlag::rst;
    ruling.edits.bare_seq = memory_->asked->reset;
    return ruling;
  }
  if (segment.has(TcpFlag::ack) && from.known) {
    const AckPlace place = place_of_ack(from, from.to_offset(segment.ack));
    if (place == AckPlace::unsent || place == AckPlace::too_old) {
      return drop(Reason::rst_bad_ack, StreamEvent::rst_invalid_ack);  // EVASIONS R12
    }
  }
  // RFC 7323 §5.2 says that a RST's timestamp is ignored; hosts differ (EVASIONS R10).
  if (paws_refuses(to, segment)) return drop(Reason::rst_bad_timestamp, StreamEvent::pkt_invalid_timestamp);
  if (faulty(Fault::sack_edge_reset_ignored) && offset == to.sack_edge && offset > to.rcv_nxt_max()) {
    return Ruling{};
  }
  if (faulty(Fault::fin_edge_reset_ignored) && to.fin_acked() && offset == to.fin) return Ruling{};
  switch (place_of_reset(to, offset)) {
    case ResetPlace::possible:
      return limits_->probe_resets ? ask_sender(segment, direction) : stripped_reset(segment);
    case ResetPlace::outside:
      return drop(Reason::rst_out_of_window, StreamEvent::rst_out_of_window);
    case ResetPlace::in_window:
      if (faulty(Fault::reset_in_window_ends_tracking)) return stripped_reset(segment);
      break;
  }
  if (!interval_over(segment, challenged_))
    return drop(Reason::rst_not_at_rcv_nxt, StreamEvent::rst_out_of_window);
  // Never as a RST; the ACK in its place makes a peer that really closed send the exact one (EVASIONS section
  // 0, 12).
  Ruling ruling;
  ruling.reason = Reason::rst_challenged;
  ruling.events.add(StreamEvent::rst_out_of_window);
  ruling.edits.to_bare = TcpFlag::ack;
  ruling.edits.bare_seq = to.to_seq(to.rcv_nxt_min - 1);
  ruling.edits.bare_ack = from.to_seq(from.rcv_nxt_min);
  return ruling;
}

// The claimed sender is asked by an ACK that nobody else sees: left of its window, so that a host that lives
// answers whatever the rest says (RFC 9293 §3.10.7.4), and with a number that a closed one puts into its RST
// (§3.10.7.1).
Ruling Session::ask_sender(const Segment& segment, Direction direction) const {
  Ruling ruling = drop(Reason::rst_held);
  if (memory_ && memory_->asked && !interval_over(segment, memory_->asked->at)) return ruling;
  const std::array<std::uint64_t, 2> words{
      static_cast<std::uint64_t>(segment.time.time_since_epoch().count()),
      static_cast<std::uint64_t>(segment.seq.value()) << 32U | receiver(direction).first.value()};
  const HostMirror& from = sender(direction);
  ruling.transition = Transition::ask_sender;
  ruling.edits.bare_seq = from.to_seq(from.rcv_nxt_min - 1);
  ruling.edits.bare_ack =
      Seq(static_cast<std::uint32_t>(XXH3_64bits_withSeed(&words, sizeof words, limits_->secret)));
  return ruling;
}

Ruling Session::judge_handshake_reset(const Segment& segment, Direction direction) const {
  const HostMirror& to = receiver(direction);
  const StreamOffset offset = to.to_offset(segment.seq);
  if (direction == Direction::to_server) {
    // Linux in SYN-RECEIVED, strict (EVASIONS H23-H25): the exact number, a good timestamp, no window.
    if (offset != to.rcv_nxt_min || paws_refuses(to, segment)) {
      return drop(Reason::rst_in_handshake, StreamEvent::rst_out_of_window);
    }
    return stripped_reset(segment);
  }
  // The client is in SYN-SENT (only the ACK of its SYN counts) or, if the SYN-ACK arrived, established.
  const bool refuses = segment.has(TcpFlag::ack) && segment.ack == receiver(Direction::to_server).first;
  if (faulty(Fault::handshake_reset_untold) && offset == 0) return Ruling{};
  if (refuses || offset == 0) return stripped_reset(segment);
  return drop(Reason::rst_in_handshake, StreamEvent::rst_invalid_ack);
}

Ruling Session::judge_syn(const Segment& segment, Direction direction) const {
  const bool same = segment.seq.plus(1) == receiver(direction).first;
  if (!established_) {
    if (direction == Direction::to_client) {
      if (limits_->enforcing || faulty(Fault::split_handshake_unnoticed))
        return drop(Reason::syn_from_listener, StreamEvent::whs_syn_toclient_on_syn_recv);
      Ruling ruling;  // a split handshake (EVASIONS H14), if the client answers it
      ruling.events.add(StreamEvent::whs_syn_toclient_on_syn_recv);
      ruling.transition = Transition::another_synack;
      return ruling;
    }
    if (!same && !limits_->enforcing) {
      Ruling ruling;  // the server may have given up the first one; its SYN-ACK will tell
      ruling.events.add(StreamEvent::whs_syn_resend_diff_seq_on_syn_recv);
      ruling.transition = Transition::another_syn;
      return ruling;
    }
    // Another SYN in the window would kill the server's request (EVASIONS H08).
    if (!same) return drop(Reason::syn_in_connection, StreamEvent::whs_syn_resend_diff_seq_on_syn_recv);
    return sanitized_syn(segment, limits_->enforcing);
  }
  const StreamEvent event = closed()                            ? StreamEvent::shutdown_syn_resend
                            : direction == Direction::to_client ? StreamEvent::est_syn_toclient
                            : same                              ? StreamEvent::est_syn_resend
                                                                : StreamEvent::est_syn_resend_diff_seq;
  // Behind a RST that its receiver may have taken the SYN is no SYN inside: a host that was restarted resets
  // what it has forgotten, and opens again at once (RFC 9293 §3.5.1).
  const bool may_be_over = closed() || receiver(direction).reset_possible;
  if (limits_->enforcing && !may_be_over && !interval_over(segment, syn_passed_)) {
    return drop(Reason::syn_in_connection, event);
  }
  // The host answers with a challenge ACK, or starts anew: the SYN-ACK will tell (RFC 5961 §4, EVASIONS D14,
  // C10).
  Ruling ruling = sanitized_syn(segment, limits_->enforcing);
  ruling.events.add(event);
  if (ruling.forwards()) ruling.transition = Transition::another_syn;
  return ruling;
}

// Does it answer the SYN that was seen inside the connection? Observing, it may acknowledge what came with it
// (RFC 7413), or answer one that was not kept.
bool Session::answers_offer(const Segment& syn_ack) const {
  if (faulty(Fault::reuse_unnoticed)) return false;
  const std::int32_t taken = syn_ack.ack.distance_from(memory_->offer.iss.plus(1));
  if (taken == 0) return true;
  return !limits_->enforcing && (memory_->more_offers || (taken > 0 && taken <= memory_->offer.payload));
}

Ruling Session::new_connection(const Segment& syn_ack) const {
  Ruling ruling = sanitized_syn(syn_ack, limits_->enforcing);
  if (ruling.forwards()) ruling.transition = Transition::reincarnate;
  // What came with the SYN was not scanned.
  if (syn_ack.ack != memory_->offer.iss.plus(1)) ruling.events.add(StreamEvent::ambiguous);
  return ruling;
}

SynOffer Session::reuse(const Segment& syn_ack) const {
  const SynOffer& offer = memory_->offer;
  const std::int32_t taken = syn_ack.ack.distance_from(offer.iss.plus(1));
  return taken >= 0 && taken <= offer.payload ? offer : SynOffer::answered_by(syn_ack);
}

Ruling Session::judge_syn_ack(const Segment& segment, Direction direction) const {
  const bool same = segment.ack == receiver(Direction::to_server).first &&
                    segment.seq.plus(1) == receiver(Direction::to_client).first &&
                    direction == Direction::to_client;
  if (!established_) {
    if (direction == Direction::to_server) {
      const bool first = segment.ack == receiver(Direction::to_client).first;
      const bool other = other_ == Other::syn_ack && segment.ack == memory_->offer.iss.plus(1);
      if (!limits_->enforcing && (first || other)) {
        Ruling ruling;  // a split handshake (EVASIONS H14): the client answers the server's SYN
        ruling.events.add(StreamEvent::whs_synack_in_wrong_direction);
        ruling.transition = Transition::complete_handshake;
        ruling.candidate = first ? 0 : 1;
        return ruling;
      }
      return drop(Reason::synack_without_syn, StreamEvent::whs_synack_in_wrong_direction);
    }
    if (other_ == Other::syn_of_client && answers_offer(segment)) return new_connection(segment);
    if (segment.ack != receiver(Direction::to_server).first) {
      Ruling refusal = drop(Reason::synack_bad_ack, StreamEvent::whs_synack_with_wrong_ack);
      // Observing, its host may have taken what came with a SYN after all (RFC 7413).
      if (!limits_->enforcing) refusal.events.add(StreamEvent::ambiguous);
      return refusal;
    }
    const bool other = other_ == Other::syn_ack;
    const bool begun =
        receiver(Direction::to_client).bytes.end() > 0;  // what is stored has the first one's numbers
    const bool third = limits_->enforcing && other && segment.seq != memory_->offer.iss;
    if (!same && (begun || third)) {
      Ruling ruling = drop(Reason::synack_changed, StreamEvent::whs_synack_resend_with_diff_seq);
      if (!limits_->enforcing) ruling.events.add(StreamEvent::ambiguous);  // the client may have taken it
      return ruling;
    }
    Ruling ruling = sanitized_syn(segment, limits_->enforcing);
    if (!same) {
      ruling.events.add(StreamEvent::whs_synack_resend_with_diff_seq);
      if (ruling.forwards() && !faulty(Fault::second_synack_forgotten))
        ruling.transition = Transition::another_synack;
    }
    return ruling;
  }
  // Forged, maybe, and nothing of the client's has come yet: the client knows which one answers it.
  if (adopted_at_ != 0 && !same && direction == Direction::to_client &&
      !receiver(Direction::to_server).heard) {
    Ruling ruling;
    ruling.kind = Ruling::Kind::anew;
    return ruling;
  }
  const Other awaited = direction == Direction::to_client ? Other::syn_of_client : Other::syn_of_server;
  // The same SYN-ACK again belongs to the connection that is.
  if (other_ == awaited && answers_offer(segment) && !same) return new_connection(segment);
  if (!same) {
    return drop(Reason::synack_changed, direction == Direction::to_server
                                            ? StreamEvent::est_synack_toserver
                                            : StreamEvent::est_synack_resend_with_diff_seq);
  }
  // The server repeats it because it misses the last ACK; the client's challenge ACK is that ACK.
  if (!interval_over(segment, syn_passed_)) {
    return drop(Reason::syn_in_connection, StreamEvent::est_synack_resend);
  }
  Ruling ruling = sanitized_syn(segment, limits_->enforcing);
  ruling.events.add(StreamEvent::est_synack_resend);
  return ruling;
}

Ruling Session::judge_handshake(const Segment& segment, Direction direction) const {
  if (direction == Direction::to_server) return judge_handshake_ack(segment);
  // A capture may show the server's first data before the ACK that it had seen by then (CVE-2018-6794).
  if ((limits_->captured_hosts || faulty(Fault::early_data_taken)) && other_ == Other::none)
    return judge_segment(segment, direction);
  // The server sends nothing but SYN-ACKs before the last ACK; a bare ACK may answer a stray segment.
  if (!segment.payload.empty() || segment.has(TcpFlag::fin)) {
    Ruling ruling = drop(Reason::data_before_handshake, StreamEvent::whs_ack_data_inject);
    // Which of two SYN-ACKs the client took is not known yet.
    if (!limits_->enforcing && other_ != Other::none) ruling.events.add(StreamEvent::ambiguous);
    return ruling;
  }
  const HostMirror& server = receiver(Direction::to_server);
  if (place_of_ack(server, server.to_offset(segment.ack)) == AckPlace::unsent) {
    return drop(Reason::ack_of_unsent, StreamEvent::pkt_invalid_ack);
  }
  return Ruling{};
}

Ruling Session::judge_handshake_ack(const Segment& segment) const {
  const HostMirror& client = receiver(Direction::to_client);
  const StreamOffset ack = client.to_offset(segment.ack);
  const bool first =
      ack >= 0 &&
      ack <= client.rcv_nxt_max();  // more than 0 only where the capture's order is not the hosts'
  const bool other = other_ == Other::syn_ack && segment.ack == memory_->offer.iss.plus(1);
  if (!first && !other && !faulty(Fault::handshake_ack_unchecked)) {
    Ruling ruling = drop(Reason::handshake_bad_ack, StreamEvent::whs_right_seq_wrong_ack_evasion);
    // Observing, the client may have taken a SYN-ACK that was not kept.
    if (memory_ && memory_->more_offers) ruling.events.add(StreamEvent::ambiguous);
    return ruling;
  }
  if (auto refused = refuse_timestamp(segment, Direction::to_server);
      refused && !faulty(Fault::handshake_paws_unchecked))
    return *refused;
  const bool echoes = segment.options.timestamps.has_value() && segment.options.timestamps->echo != 0;
  if (timestamps_ && (echoes || limits_->enforcing)) {
    // Linux since 6.15 checks the echo in SYN-RECEIVED (EVASIONS H34), if there is one.
    const std::uint32_t echo = segment.options.timestamps->echo;
    const std::uint32_t from = !other || first ? synack_timestamp_ : memory_->offer.timestamp;
    const std::uint32_t to = !other || first ? client.ts_recent : memory_->offer.timestamp;
    if (!faulty(Fault::echo_unchecked) && echo - from > to - from)
      return drop(Reason::handshake_bad_echo, StreamEvent::pkt_invalid_timestamp);
  }
  const HostMirror& server = receiver(Direction::to_server);
  const StreamOffset begin = server.to_offset(segment.seq);
  const StreamOffset end = begin + segment.sequence_length();
  // RFC 9293 §3.10.7.4: no overlap with the window, no handshake; the server answers with an ACK.
  if (begin == end ? begin < 0 : end <= 0)
    return drop(Reason::handshake_bad_ack, StreamEvent::est_pkt_before_last_ack);
  Ruling ruling;
  ruling.accepted = true;
  ruling.ack = first ? ack : 0;
  ruling.transition = Transition::complete_handshake;
  ruling.candidate = other && !first ? 1 : 0;
  return judge_payload(segment, Direction::to_server, ruling);
}

}  // namespace lockstep::reassembly
