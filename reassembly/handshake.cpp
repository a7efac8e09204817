#include "reassembly/handshake.hpp"

#include <algorithm>
#include <span>

#include "reassembly/fault.hpp"
#include "reassembly/rulings.hpp"

namespace lockstep::reassembly {
namespace {

// The candidate whose SYN has this number; nullptr if none. No two have the same.
template <class Offer>
Offer* find(std::span<Offer> candidates, Seq iss) {
  const auto found = std::find_if(candidates.begin(), candidates.end(),
                                  [&](const Offer& offer) { return offer.iss == iss; });
  return found == candidates.end() ? nullptr : &*found;
}

}  // namespace

SynOffer SynOffer::of(const Segment& segment) {
  SynOffer offer;
  offer.iss = segment.seq;
  offer.window = segment.window;
  offer.payload = static_cast<std::uint16_t>(segment.payload.size());
  offer.timestamps = segment.options.timestamps.has_value();
  if (offer.timestamps) offer.timestamp = segment.options.timestamps->value;
  offer.scales = segment.options.window_scale.has_value();
  // RFC 7323 §2.3: a shift above 14 counts as 14.
  if (offer.scales) offer.window_shift = std::min<std::uint8_t>(*segment.options.window_scale, 14) & 0xfU;
  offer.sack = segment.options.sack_permitted;
  offer.md5 = segment.options.md5;
  offer.ao = segment.options.ao;
  offer.side = segment.side;
  return offer;
}

SynOffer SynOffer::answered_by(const Segment& syn_ack) {
  SynOffer offer = of(syn_ack);
  offer.iss = syn_ack.ack.plus(-1);
  offer.window = UINT16_MAX;
  offer.window_shift = 14;
  offer.payload = 0;
  offer.side = Side::unknown;
  return offer;
}

void SynOffer::came_again(const SynOffer& again) {
  const SynOffer before = *this;
  *this = again;
  returned = before.returned;
  if (!timestamps || !before.timestamps) return;
  // In whichever order they came, and forged or not: an answer to any of them counts.
  const std::uint32_t first = before.timestamp - before.timestamp_span;
  const bool earlier = Seq(again.timestamp).before(Seq(before.timestamp));
  const std::uint32_t begin = Seq(again.timestamp).before(Seq(first)) ? again.timestamp : first;
  timestamp = earlier ? before.timestamp : again.timestamp;
  timestamp_span = static_cast<std::uint16_t>(std::min<std::uint32_t>(timestamp - begin, UINT16_MAX));
}

// An answer without an echo says nothing against itself.
bool SynOffer::echoed_by(const Segment& answer) const {
  if (!timestamps || !answer.has(TcpFlag::ack) || !answer.options.timestamps) return true;
  const std::uint32_t echo = answer.options.timestamps->echo;
  return echo == 0 || timestamp_span == UINT16_MAX || timestamp - echo <= timestamp_span;
}

Ruling sanitized_syn(const Segment& segment, bool enforcing) {
  if (segment.options.mp_join && enforcing && !faulty(Fault::mp_join_passed))
    return drop(Reason::mptcp_join, StreamEvent::mptcp);
  Ruling ruling;
  Edits& edits = ruling.edits;
  if (!faulty(Fault::syn_payload_kept)) edits.trim_back = static_cast<std::uint32_t>(segment.payload.size());
  if (!faulty(Fault::syn_urgent_kept)) {
    edits.clear_flags = segment.flags.bits & (TcpFlag::urg | TcpFlag::psh);  // EVASIONS H06
    edits.zero_urgent = segment.urgent != 0;
  }
  edits.zero_ack = !segment.has(TcpFlag::ack) && segment.ack.value() != 0 &&
                   !faulty(Fault::syn_ack_number_kept);  // EVASIONS H09
  // Under an authentication option the segment must not be edited; MD5 and AO cover what we would change.
  const bool authenticated = segment.options.md5 || segment.options.ao;
  edits.strip_fast_open = segment.options.fast_open && !authenticated && !faulty(Fault::fast_open_kept);
  edits.strip_mptcp = segment.options.mp_capable && !authenticated && !faulty(Fault::mp_capable_kept);
  edits.strip_unknown = segment.options.unknown && !authenticated && !faulty(Fault::unknown_option_kept);
  edits.clamp_window_scale =
      segment.options.window_scale.value_or(0) > 14 && !faulty(Fault::window_scale_kept);
  if (authenticated && edits.any() && enforcing)
    return drop(Reason::md5_unasked, StreamEvent::unasked_authentication);
  if (edits.zero_ack) ruling.events.add(StreamEvent::pkt_broken_ack);
  if (edits.strip_mptcp) ruling.events.add(StreamEvent::mptcp);
  if (edits.any()) ruling.reason = Reason::syn_stripped;
  if (edits.strip_mptcp) ruling.reason = Reason::mptcp_stripped;
  return ruling;
}

Ruling HalfOpen::judge(const Segment& segment, bool from_client, bool enforcing) const {
  return from_client ? judge_client(segment, enforcing) : judge_server(segment, enforcing);
}

Ruling HalfOpen::judge_client(const Segment& segment, bool enforcing) const {
  if (segment.has(TcpFlag::rst)) {
    // The client's answer to a challenge ACK, or its abort: anything else would be taken for neither.
    const bool answers = was_challenged_ && segment.seq == challenged_;
    if (!answers && find(std::span(offers_).first(count_), segment.seq.plus(-1)) == nullptr)
      return drop(Reason::rst_in_handshake, StreamEvent::rst_out_of_window);
    return stripped_reset(segment);
  }
  if (!segment.has(TcpFlag::syn))
    return drop(Reason::data_before_handshake, StreamEvent::whs_ack_data_inject);
  if (segment.has(TcpFlag::ack))
    return drop(Reason::synack_without_syn, StreamEvent::whs_synack_in_wrong_direction);
  const SynOffer* same = find(std::span(offers_).first(count_), segment.seq);
  if (same != nullptr && same->side != segment.side) return drop(Reason::wrong_side);
  if (same == nullptr && count_ == max_candidates) return drop(Reason::syn_limit, StreamEvent::whs_syn_flood);
  return sanitized_syn(segment, enforcing);
}

Ruling HalfOpen::judge_server(const Segment& segment, bool enforcing) const {
  if (!segment.has(TcpFlag::syn) && echoes_amiss(segment))
    return drop(segment.has(TcpFlag::rst) ? Reason::rst_in_handshake : Reason::data_before_handshake,
                StreamEvent::pkt_invalid_timestamp);
  if (segment.has(TcpFlag::rst)) {
    // RFC 9293 §3.10.7.3: in SYN-SENT a RST counts only if it acknowledges the SYN.
    const bool acknowledges = segment.has(TcpFlag::ack) && answered_by(segment) != nullptr;
    return acknowledges ? stripped_reset(segment)
                        : drop(Reason::rst_in_handshake, StreamEvent::rst_invalid_ack);
  }
  if (segment.has(TcpFlag::syn)) {
    if (!segment.has(TcpFlag::ack) && faulty(Fault::listener_syn_passed)) return Ruling{};
    if (!segment.has(TcpFlag::ack))
      return drop(Reason::syn_from_listener, StreamEvent::whs_syn_toclient_on_syn_recv);
    const SynOffer* answered = answered_by(segment);
    if (answered == nullptr) return drop(Reason::synack_bad_ack, StreamEvent::whs_synack_with_wrong_ack);
    // A handshake is completed across the pair.
    if (segment.side != Side::unknown && segment.side == answered->side && !answered->returned)
      return drop(Reason::wrong_side);
    // The client refuses it, and would stand for one of the few that it may take.
    if (enforcing && !answered->echoed_by(segment) && !faulty(Fault::synack_echo_unchecked))
      return drop(Reason::synack_bad_echo, StreamEvent::pkt_invalid_timestamp);
    Ruling ruling = sanitized_syn(segment, enforcing);
    // The SYN's data went no further than to us, or the server had no cookie for it (RFC 7413 §4.2).
    if (answered->payload > 0) ruling.events.add(StreamEvent::whs_synack_tfo_data_ignored);
    return ruling;
  }
  // A bare ACK is how a server that still holds an old connection answers a new SYN (RFC 9293 §3.5.1).
  if (segment.has(TcpFlag::ack) && segment.payload.empty() && !segment.has(TcpFlag::fin)) return Ruling{};
  return drop(Reason::data_before_handshake, StreamEvent::whs_ack_data_inject);
}

// Linux in SYN-SENT takes nothing, a RST no more than data, whose TSecr it can't have sent. Any but the SYNs'
// own counts as such: who answers a SYN echoes it (RFC 7323 §3.2), and what is dropped here is asked for
// again.
bool HalfOpen::echoes_amiss(const Segment& segment) const {
  const SynOffer* syn = answered_by(segment);
  return syn != nullptr && !syn->echoed_by(segment);
}

const SynOffer* HalfOpen::answered_by(const Segment& syn_ack) const {
  if (faulty(Fault::first_syn_binds)) return &offers_[0];
  const SynOffer* answered = find(std::span(offers_).first(count_), syn_ack.ack.plus(-1));
  return answered == nullptr && faulty(Fault::synack_number_unchecked) ? &latest() : answered;
}

void HalfOpen::came_back(const Segment& syn) {
  if (SynOffer* offer = find(std::span(offers_).first(count_), syn.seq)) offer->returned = true;
}

const SynOffer* HalfOpen::fast_opened_by(const Segment& syn_ack) const {
  for (std::size_t i = 0; i < count_; ++i) {
    const std::int32_t taken = syn_ack.ack.distance_from(offers_[i].iss.plus(1));
    if (taken > 0 && taken <= offers_[i].payload && !faulty(Fault::fast_open_unnoticed)) return &offers_[i];
  }
  return nullptr;
}

const SynOffer* HalfOpen::continued_by(const Segment& segment) const {
  if (!segment.has(TcpFlag::ack) || segment.has(TcpFlag::syn) || segment.has(TcpFlag::rst)) return nullptr;
  return find(std::span(offers_).first(count_), segment.seq.plus(-1));
}

void HalfOpen::commit(const Ruling& ruling, const Segment& segment, bool from_client) {
  if (!ruling.forwards() || segment.has(TcpFlag::rst)) return;
  if (!from_client) {
    if (!segment.has(TcpFlag::syn)) {
      challenged_ = segment.ack;
      was_challenged_ = true;
    }
    return;
  }
  const SynOffer offer = SynOffer::of(segment);
  if (SynOffer* same = find(std::span(offers_).first(count_), offer.iss)) {
    same->came_again(offer);
    return;
  }
  // Observing, the latest one takes the last place; enforcing, none comes that has no place.
  overflowed_ = count_ == max_candidates;
  count_ = static_cast<std::uint8_t>(std::min<std::size_t>(count_ + 1U, max_candidates));
  offers_[count_ - 1U] = offer;
}

}  // namespace lockstep::reassembly
