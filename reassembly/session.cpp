#include "reassembly/session.hpp"

#include <algorithm>

#include "reassembly/fault.hpp"
#include "reassembly/rulings.hpp"

namespace lockstep::reassembly {
namespace {

// Of a host whose ACKs go another way: a usual receive window. Bytes further back can't be compared any more.
constexpr StreamOffset under_way = 256LL << 10U;

}  // namespace

Session::Session(BytePool& pool, const SessionLimits& limits)
    : limits_(&limits), mirrors_{HostMirror(pool), HostMirror(pool)} {
  if (limits.enforcing || limits.logs == nullptr) return;
  rare().logs.emplace(std::array<SegmentLog, 2>{SegmentLog(*limits.logs), SegmentLog(*limits.logs)});
}

Session::Session(BytePool& pool, const SessionLimits& limits, const SynOffer& syn, const Segment& syn_ack)
    : Session(pool, limits) {
  const SynOffer answer = SynOffer::of(syn_ack);
  timestamps_ = syn.timestamps && answer.timestamps;
  sack_ = syn.sack && answer.sack;
  md5_ = syn.md5 && answer.md5;
  ao_ = syn.ao && answer.ao;
  const bool scales = syn.scales && answer.scales;

  HostMirror& server = mirror(Direction::to_server);
  server.first = syn.iss.plus(1);
  const std::int32_t taken = syn_ack.ack.distance_from(server.first);
  if (syn_ack.has(TcpFlag::ack) && taken > 0) {
    server.bytes.start_at(taken);  // what came with the SYN was not kept
    server.acknowledge(taken);
  }
  server.max_window = answer.window;
  server.offer_edge(answer.window);
  server.window_shift = scales ? answer.window_shift : 0;
  server.known = true;
  server.timed = timestamps_;
  server.ts_recent =
      limits.enforcing ? syn.timestamp : syn_ack.options.timestamps.value_or(TimestampOption{}).echo;
  server.ts_recent_at = seconds(syn_ack.time);

  HostMirror& client = mirror(Direction::to_client);
  client.first = answer.iss.plus(1);
  client.rcv_nxt_min = -1;
  client.max_window = syn.window;
  client.offer_edge(syn.window);
  client.window_shift = scales ? syn.window_shift : 0;
  client.known = true;
  client.timed = timestamps_ && limits.enforcing;  // observing, once it has echoed it
  client.ts_recent = answer.timestamp;
  client.ts_recent_at = seconds(syn_ack.time);
  synack_timestamp_ = answer.timestamp;
}

Ruling Session::judge(const Segment& segment, Direction direction) const {
  if (auto refused = refuse_authentication(segment)) return *refused;
  const bool believes = faulty(Fault::reset_in_window_ends_tracking) || faulty(Fault::reset_ends_tracking);
  if (believes && closed()) return Ruling{};
  Ruling ruling = [&] {
    if (segment.has(TcpFlag::rst)) return judge_reset(segment, direction);
    if (receiver(direction).gone && !faulty(Fault::reset_sender_reads_on) && !segment.has(TcpFlag::syn))
      return drop(Reason::data_after_fin);
    if (segment.has(TcpFlag::syn)) {
      return segment.has(TcpFlag::ack) ? judge_syn_ack(segment, direction) : judge_syn(segment, direction);
    }
    if (faulty(Fault::ackless_stored) && established_ && !segment.has(TcpFlag::ack)) {
      Ruling stored;
      stored.accepted = stored.old_ack = true;
      return judge_payload(segment, direction, stored);
    }
    if (!segment.has(TcpFlag::ack)) return drop_without_ack(segment);
    return established_ ? judge_segment(segment, direction) : judge_handshake(segment, direction);
  }();
  // Which byte leaves the stream depends on when the application reads, and on how (EVASIONS U04, U06).
  if (!limits_->enforcing && segment.has(TcpFlag::urg) && ruling.forwards()) {
    ruling.events.add(StreamEvent::ambiguous);
  }
  // What MD5 or AO signs is forwarded as it is or not at all.
  const bool signed_segment = (md5_ || ao_) && (segment.options.md5 || segment.options.ao);
  if (signed_segment && ruling.forwards() && ruling.edits.any()) return drop(ruling.reason);
  return ruling;
}

std::optional<Ruling> Session::refuse_authentication(const Segment& segment) const {
  // RFC 2385, RFC 5925: hosts that know the option discard the segment, others take it (EVASIONS D09, D10,
  // R07-R09).
  if (segment.options.md5 && !md5_ && !faulty(Fault::md5_unchecked))
    return drop(Reason::md5_unasked, StreamEvent::unasked_authentication);
  // Observing, the host is taken for a Linux that knows MD5 and not AO.
  if (segment.options.ao && !ao_ && limits_->enforcing)
    return drop(Reason::ao_unasked, StreamEvent::unasked_authentication);
  return std::nullopt;
}

std::optional<Ruling> Session::refuse_timestamp(const Segment& segment, Direction direction) const {
  // Linux takes it all the same (EVASIONS D05); enforcing, no host may be left to differ.
  if (limits_->enforcing && timestamps_ && !segment.options.timestamps) {
    return drop(Reason::timestamp_missing, StreamEvent::pkt_invalid_timestamp);
  }
  if (!faulty(Fault::paws_unchecked) && paws_refuses(receiver(direction), segment))
    return drop(Reason::paws_old, StreamEvent::pkt_invalid_timestamp);
  return std::nullopt;
}

Ruling Session::judge_segment(const Segment& segment, Direction direction) const {
  if (auto refused = refuse_timestamp(segment, direction)) return *refused;
  const HostMirror& to = receiver(direction);
  const HostMirror& from = sender(direction);
  if (auto doubted = doubt_adoption(segment, direction)) return *doubted;
  Ruling ruling;
  const StreamOffset begin = to.to_offset(segment.seq);
  const StreamOffset end = begin + segment.sequence_length();
  if (!to.heard && begin < end && begin < to.bytes.in_order()) {
    // What the other end claimed to have of it proves nothing: its own first word does.
    ruling.kind = Ruling::Kind::start;
    ruling.gap_to = begin;
    return ruling;
  }
  const bool left = begin == end ? begin < to.rcv_nxt_min : end <= to.rcv_nxt_min;
  if (left && to.known) {
    if (faulty(Fault::repeat_dropped)) return drop(Reason::left_of_store);
    // A repeat or a keep-alive: the host can't deliver it, but answers with the ACK that its sender may need.
    if (!segment.payload.empty()) ruling.events.add(StreamEvent::pkt_spurious_retransmission);
    // Its urgent pointer the host may take, and then a byte leaves the stream that comes later.
    if (!faulty(Fault::urgent_repeat_kept)) clear_urgent(segment, ruling);
    if (ruling.edits.any()) ruling.reason = Reason::urgent_cleared;
    return ruling;
  }
  const StreamOffset ack = from.to_offset(segment.ack);
  if (one_direction(direction)) {
    if (ack > from.bytes.in_order()) {
      if (!limits_->async_oneside) return drop(Reason::one_direction, StreamEvent::one_direction);
      if (!told_one_direction_) ruling.events.add(StreamEvent::one_direction);
    }
  } else if (!from.known) {
    if (ack > from.bytes.in_order()) return judge_unsent_ack(segment, direction, ack);
  } else {
    switch (place_of_ack(from, ack)) {
      case AckPlace::unsent:
        if (faulty(Fault::ack_of_unsent_taken)) {
          ruling.old_ack = true;
          break;
        }
        return judge_unsent_ack(segment, direction, ack);
      case AckPlace::too_old:
        if (!may_be_predicted(to, from, begin, ack) && !faulty(Fault::ack_too_old_taken))
          return drop(Reason::ack_too_old, StreamEvent::est_invalid_ack);
        ruling.events.add(StreamEvent::est_invalid_ack);
        ruling.old_ack = true;
        break;
      case AckPlace::old:
        ruling.old_ack = true;
        break;
      case AckPlace::good:
        break;
    }
  }
  if (from.reset_possible) ruling.events.add(StreamEvent::suspected_rst_inject);
  if (to.timed && segment.options.timestamps &&
      segment.options.timestamps->value - to.ts_recent - (1U << 30U) < (1U << 30U)) {
    ruling.events.add(StreamEvent::timestamp_jump);  // EVASIONS D06: poisons what comes later
  }
  ruling.ack = ack;
  ruling.accepted = true;
  return judge_payload(segment, direction, ruling);
}

Ruling Session::judge_unsent_ack(const Segment& segment, Direction direction, StreamOffset ack) const {
  const HostMirror& from = sender(direction);
  const StreamOffset missing = from.bytes.in_order();
  Ruling ruling;
  ruling.gap_in_reverse = true;
  const bool ahead = from.bytes.has_islands();
  const StreamOffset next = ahead && from.bytes.first_island() < ack ? from.bytes.first_island() : ack;
  if (!from.known) {
    // Its first own word on what it has: what lies before was sent before we looked.
    ruling.kind = Ruling::Kind::gap;
    ruling.gap_to = next;
    return ruling;
  }
  if (from.holds_more) {
    ruling.kind = Ruling::Kind::gap;
    ruling.gap_to = next;
    ruling.events.add(StreamEvent::capture_gap);
    return ruling;
  }
  if (limits_->captured_hosts) {
    const CaptureNotes noted = notes(reverse(direction));
    // A host that took a segment whose ACK was doubted here vouches for that ACK: the capture has the gap.
    const bool vouched = noted.dropped_for_ack && missing < noted.dropped_to && ack > noted.dropped_from;
    const bool refused = noted.dropped_from <= missing && missing < noted.dropped_to;
    if (refused && limits_->enforcing && !vouched) {
      ruling.kind = Ruling::Kind::diverged;
      return ruling;
    }
    // The host took what was thought to be refused. Which of several is not certain.
    const bool forgotten = memory_ && memory_->more_refused[index(reverse(direction))];
    if ((refused || forgotten) && !limits_->enforcing &&
        (refused_payloads(reverse(direction), missing) != 1 || refused_contradicts(reverse(direction))))
      ruling.events.add(StreamEvent::ambiguous);
    if (ahead || refused || vouched) {
      ruling.kind = Ruling::Kind::gap;
      ruling.gap_to = next;
      ruling.events.add(StreamEvent::capture_gap);
      ruling.events.add(StreamEvent::reassembly_seq_gap);
      return ruling;
    }
  }
  Ruling refusal = drop(Reason::ack_of_unsent, StreamEvent::pkt_invalid_ack);
  if (memory_ && memory_->more_refused[index(reverse(direction))]) refusal.events.add(StreamEvent::ambiguous);
  // If the capture only lacks what it acknowledges, it was taken, in the place of what waits there.
  const HostMirror& to = receiver(direction);
  if (!limits_->enforcing && to.bytes.has_islands() && was_sent(reverse(direction), ack) &&
      to.bytes.compare(to.to_offset(segment.seq), segment.payload).ahead)
    refusal.events.add(StreamEvent::ambiguous);
  return refusal;
}

std::uint32_t Session::ticks(Timestamp time) {
  const auto count = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  return std::max(static_cast<std::uint32_t>(count), 1U);  // 0 means never
}

bool Session::interval_over(const Segment& segment, std::uint32_t since) const {
  const auto interval =
      std::chrono::duration_cast<std::chrono::milliseconds>(limits_->challenge_interval).count();
  return since == 0 || ticks(segment.time) - since >= static_cast<std::uint32_t>(interval);
}

CaptureNotes Session::notes(Direction direction) const {
  return memory_ ? memory_->notes[index(direction)] : CaptureNotes{};
}

void Session::commit(const Ruling& ruling, const Segment& segment, Direction direction, bool forwarded) {
  if (!limits_->enforcing && memory_ && !segment.has(TcpFlag::rst)) {
    StreamOffset& sent = memory_->sent[index(direction)];
    sent = std::max(sent, receiver(direction).to_offset(segment.seq));
  }
  if (!forwarded || !ruling.forwards()) {
    if (ruling.transition == Transition::ask_sender) {
      rare().asked = AskedReset{direction, segment.seq, ruling.edits.bare_ack, ticks(segment.time)};
    }
    if (limits_->captured_hosts) note_dropped(ruling, segment, direction);
    return;
  }
  if (segment.has(TcpFlag::rst)) {
    if ((ruling.edits.to_bare & TcpFlag::ack) != 0) challenged_ = ticks(segment.time);
    if (ruling.transition == Transition::reset_possible) {
      mirror(direction).reset_possible = true;
      mirror(reverse(direction)).gone = !limits_->enforcing && segment.side != Side::unknown;
    }
    const bool believes = faulty(Fault::reset_in_window_ends_tracking) || faulty(Fault::reset_ends_tracking);
    if (believes && ruling.transition == Transition::reset_possible) {
      mirror(reverse(direction)).reset_possible = true;
    }
    return;
  }
  if (segment.has(TcpFlag::syn)) {
    commit_handshake(ruling, segment, direction);
    return;
  }
  if (ruling.accepted) commit_accepted(ruling, segment, direction);
}

void Session::commit_handshake(const Ruling& ruling, const Segment& segment, Direction direction) {
  if (established_) syn_passed_ = ticks(segment.time);
  mirror(reverse(direction)).gone = false;
  if (ruling.transition == Transition::complete_handshake) {
    complete_handshake(ruling);
  } else if (ruling.transition == Transition::another_syn) {
    remember_offer(segment, direction == Direction::to_server ? Other::syn_of_client : Other::syn_of_server);
  } else if (ruling.transition == Transition::another_synack) {
    remember_offer(segment, Other::syn_ack);
  } else if (!established_ && segment.has(TcpFlag::ack) && segment.options.timestamps) {
    HostMirror& client = mirror(Direction::to_client);
    if (segment.seq.plus(1) == client.first) client.ts_recent = segment.options.timestamps->value;
  }
}

void Session::remember_offer(const Segment& segment, Other kind) {
  SynOffer& offer = rare().offer;
  if (other_ != Other::none && offer.iss != segment.seq) memory_->more_offers = !limits_->enforcing;
  offer = SynOffer::of(segment);
  other_ = kind;
}

void Session::complete_handshake(const Ruling& ruling) {
  HostMirror& client = mirror(Direction::to_client);
  if (ruling.candidate == 1) {
    client.first = memory_->offer.iss.plus(1);
    client.ts_recent = memory_->offer.timestamp;
  }
  established_ = true;
  other_ = Other::none;
  client.acknowledge(0);
}

void Session::commit_accepted(const Ruling& ruling, const Segment& segment, Direction direction) {
  if (ruling.transition == Transition::complete_handshake) complete_handshake(ruling);
  mirror(direction).heard = true;
  if (adopted_at_ != 0) confirm_adoption(segment, direction);
  // It lives: the RST in its name was forged.
  if (memory_ && memory_->asked && memory_->asked->direction == direction) memory_->asked.reset();
  take_ack(ruling, segment, direction);
  // Before the last ACK the client's ts_recent is what a SYN-ACK said.
  if (established_ || direction == Direction::to_server) take_timestamp(segment, direction);
  take_payload(ruling, segment, direction);
  mirror(reverse(direction)).reset_possible = false;  // it lives on: the RST was ignored
  mirror(reverse(direction)).gone = false;
}

void Session::take_ack(const Ruling& ruling, const Segment& segment, Direction direction) {
  HostMirror& from = mirror(reverse(direction));
  if (one_direction(direction)) {
    // A claim that nothing proves yet.
    if (ruling.ack > from.bytes.in_order()) {
      from.bytes.skip_to(ruling.ack);
      told_one_direction_ = true;
    }
  } else if (!from.known) {
    if (ruling.ack < from.bytes.in_order()) from.bytes.retreat_to(ruling.ack);
    from.acknowledge(ruling.ack);
    from.known = true;
  }
  if (ruling.old_ack) return;
  // Without SACK blocks it has nothing ahead of a hole; what it gets from now on goes by here. (Without SACK
  // its peer sends all again, and no ACK runs ahead.)
  if (segment.options.sack_count == 0) from.holds_more = false;
  from.acknowledge(std::max(from.rcv_nxt_min, ruling.ack));
  const unsigned shift = faulty(Fault::window_unscaled) ? 0U : from.window_shift;
  const std::uint32_t window = static_cast<std::uint32_t>(segment.window) << shift;
  from.max_window = std::max(from.max_window, window);
  // The scale of an adopted session is unknown: it has no edge.
  if (!adopted_ && !faulty(Fault::window_update_ignored))
    from.offer_edge(ruling.ack + static_cast<StreamOffset>(window));
  for (std::size_t i = 0; sack_ && i < segment.options.sack_count; ++i) {
    const StreamOffset right = from.to_offset(segment.options.sack[i].right);
    // A lie about what was never forwarded is no edge (EVASIONS D28).
    if (right <= from.bytes.end()) from.sack_edge = std::max(from.sack_edge, right);
  }
  if (faulty(Fault::store_freed_on_any_ack)) return from.bytes.release(from.bytes.in_order());
  // Once the FIN is acknowledged no byte can follow for which a rule would look back.
  const StreamOffset kept_back = from.fin_acked() ? 0 : history();
  from.bytes.release(std::min(from.rcv_nxt_min, from.bytes.in_order() - kept_back));
}

void Session::take_timestamp(const Segment& segment, Direction direction) {
  HostMirror& to = mirror(direction);
  // Those that were not negotiated mean nothing to the host (EVASIONS H30).
  if (!segment.options.timestamps || !(timestamps_ || adopted_)) return;
  if (!limits_->enforcing && !one_direction(direction) && !faulty(Fault::timestamp_unproved))
    return take_echo(segment, direction);
  // RFC 7323 §4.3: only from segments that are not ahead of what was acknowledged; the latest that can be is
  // the in-order end.
  if (to.to_offset(segment.seq) > to.bytes.in_order() && !faulty(Fault::timestamp_ahead_taken)) return;
  const std::uint32_t value = segment.options.timestamps->value;
  if (to.timed && static_cast<std::int32_t>(value - to.ts_recent) < 0) return;
  to.timed = true;
  to.ts_recent = value;
  to.ts_recent_at = seconds(segment.time);
}

void Session::take_payload(const Ruling& ruling, const Segment& segment, Direction direction) {
  HostMirror& to = mirror(direction);
  if (ruling.length > 0) {
    const auto payload = segment.payload.subspan(ruling.edits.trim_front, ruling.length);
    if (SegmentLog* log = segment_log(direction)) log->add(ruling.offset, payload, to.bytes);
    const bool covers = ruling.offset <= to.fin && ruling.offset + ruling.length > to.fin;
    if (!limits_->enforcing && covers && !to.fin_acked() && !faulty(Fault::fin_never_erased))
      to.fin = HostMirror::none;
    to.bytes.insert(ruling.offset, payload);
    // Observing, the bytes are read only after this.
    if (limits_->enforcing && to.rcv_nxt_min >= to.bytes.in_order())
      to.bytes.release(to.bytes.in_order() - history());
    // No ACK will tell what it has taken: as many bytes as may be under way.
    if (one_direction(direction)) to.bytes.release(to.bytes.in_order() - std::max(history(), under_way));
  }
  if (!ruling.fin) return;
  if (to.fin == HostMirror::none && mirror(reverse(direction)).fin == HostMirror::none) {
    client_closed_first_ = direction == Direction::to_server;
  }
  to.fin = ruling.offset + ruling.length;
  if (limits_->enforcing) return;
  StreamOffset& first = rare().unacked_fin[index(direction)];
  const bool open = first != HostMirror::none && first >= to.rcv_nxt_min;
  first = open ? std::min(first, to.fin) : to.fin;
}

void Session::note_dropped(const Ruling& ruling, const Segment& segment, Direction direction) {
  static_cast<void>(rare());
  if (ruling.reason == Reason::ack_of_unsent) {
    CaptureNotes& noted = memory_->notes[index(reverse(direction))];
    const HostMirror& from = sender(direction);
    noted.claimed = std::max(noted.claimed, from.to_offset(segment.ack));
    const StreamOffset window = static_cast<StreamOffset>(segment.window) << from.window_shift;
    noted.claimed_edge = std::max(noted.claimed_edge, noted.claimed + window);
  }
  const std::uint32_t length = segment.sequence_length();
  if (length == 0 || segment.has(TcpFlag::syn) || segment.has(TcpFlag::rst)) return;
  if (!limits_->enforcing && !segment.payload.empty())
    remember_refused(segment, direction,
                     ruling.reason == Reason::ack_of_unsent
                         ? std::optional(sender(direction).to_offset(segment.ack))
                         : std::nullopt);
  CaptureNotes& noted = memory_->notes[index(direction)];
  const StreamOffset begin = receiver(direction).to_offset(segment.seq);
  const StreamOffset end = begin + length;
  const bool joins =
      noted.dropped_from != HostMirror::none && begin <= noted.dropped_to && end >= noted.dropped_from;
  noted.dropped_for_ack = ruling.reason == Reason::ack_of_unsent && (noted.dropped_for_ack || !joins);
  noted.dropped_from = joins ? std::min(begin, noted.dropped_from) : begin;
  noted.dropped_to = joins ? std::max(end, noted.dropped_to) : end;
}

std::pair<StreamOffset, StreamOffset> Session::skip_gap(Direction direction, StreamOffset to) {
  HostMirror& receiver = mirror(direction);
  receiver.bytes.skip_to(to);
  const CaptureNotes noted = notes(direction);
  if (receiver.rcv_edge() != HostMirror::none && noted.claimed >= to) receiver.offer_edge(noted.claimed_edge);
  return {to, receiver.bytes.in_order()};
}

void Session::start_at(Direction direction, StreamOffset at) {
  HostMirror& to = mirror(direction);
  to.bytes.start_at(at);
  to.acknowledge(at);
  to.heard = true;
  to.known = false;
}

void Session::forget_bytes() {
  for (HostMirror& mirror : mirrors_) mirror.bytes.clear();
}

void Session::overlay(const Ruling& ruling, const Segment& segment, Direction direction) const {
  receiver(direction).bytes.overlay(ruling.offset,
                                    segment.payload.subspan(ruling.edits.trim_front, ruling.length));
}

TcpState Session::state_of_sender(Direction direction) const {
  const HostMirror& peer = receiver(direction);  // knows what this host sent
  const HostMirror& self = sender(direction);
  if (!established_) return direction == Direction::to_server ? TcpState::syn_sent : TcpState::syn_received;
  if (self.reset_possible && peer.reset_possible) return TcpState::closed;
  const bool sent_fin = peer.fin != HostMirror::none;
  const bool acked = peer.fin_acked();
  const bool received_fin = self.fin_in_order();
  if (!sent_fin) return received_fin ? TcpState::close_wait : TcpState::established;
  if (!received_fin) return acked ? TcpState::fin_wait_2 : TcpState::fin_wait_1;
  const bool first = client_closed_first_ == (direction == Direction::to_server);
  if (first) return acked ? TcpState::time_wait : TcpState::closing;
  return acked ? TcpState::closed : TcpState::last_ack;
}

bool Session::closed() const {
  const HostMirror& a = mirrors_[0];
  const HostMirror& b = mirrors_[1];
  return (a.fin_acked() && b.fin_acked()) || (a.reset_possible && b.reset_possible);
}

Standing Session::take_standing(const Segment& segment, Direction direction) {
  HostMirror& host = mirror(reverse(direction));
  const StreamOffset at = host.to_offset(segment.ack);
  if (host.known && at == host.rcv_nxt_min) return Standing::same;
  if (host.known && at < host.rcv_nxt_min) return Standing::back;
  if (host.known && at > host.rcv_nxt_max()) return Standing::unsent;
  host.acknowledge(at);
  host.known = true;
  return Standing::further;
}

bool Session::settled() const {
  const auto quiet = [](const HostMirror& host) {
    return host.known && host.heard && host.rcv_nxt_min == host.rcv_nxt_max() && !host.bytes.has_islands() &&
           host.fin == HostMirror::none && !host.reset_possible;
  };
  const bool asked = memory_ && memory_->asked;
  return established_ && adopted_at_ == 0 && other_ == Other::none && !asked && quiet(mirrors_[0]) &&
         quiet(mirrors_[1]);
}

Seq Session::reset_number(Direction direction) const {
  const HostMirror& to = receiver(direction);
  return to.to_seq(to.rcv_nxt_min);
}

Seq Session::ack_number(Direction direction) const {
  const HostMirror& from = sender(direction);
  return from.to_seq(from.rcv_nxt_min);
}

}  // namespace lockstep::reassembly
