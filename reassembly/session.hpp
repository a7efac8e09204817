// One TCP connection as both of its end hosts see it. judge() says what the receiver of a segment will do
// with it and what must leave the device so that every value its state can have leads to the same stream; it
// changes nothing. commit() moves the mirrors, and only by what was really forwarded.
//
//   const Ruling ruling = session.judge(segment, direction);
//   if (ruling.overlay) session.overlay(ruling, segment, direction);       // one value per byte position
//   session.read(ruling, segment, direction, scan);                        // what becomes readable by it
//   session.commit(ruling, segment, direction, forwarded);
//
// Time is the segment's own. Memory: the pool's blocks and islands, bounded by SessionLimits. Not
// thread-safe.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "reassembly/acceptance.hpp"
#include "reassembly/direction.hpp"
#include "reassembly/handshake.hpp"
#include "reassembly/host_mirror.hpp"
#include "reassembly/ruling.hpp"
#include "reassembly/segment.hpp"
#include "reassembly/segment_log.hpp"
#include "reassembly/tcp_state.hpp"

namespace lockstep::reassembly {

// Shared by all sessions of a worker; must outlive them.
struct SessionLimits {
  std::uint32_t max_islands = 256;            // holes per direction
  std::uint32_t max_bytes_ahead = 4U << 20U;  // out-of-order bytes per direction
  Duration challenge_interval =
      std::chrono::milliseconds(500);  // between RST challenges, and between SYNs inside
  StreamOffset history = 0;            // in-order bytes kept for the scanner beyond what must be kept anyway
  bool enforcing = true;  // false: nothing can be dropped or changed, the host is followed (observing)
  SegmentLogPool* logs = nullptr;  // observing only
  bool probe_resets = false;       // the sender of an exact RST is asked before the RST goes out
  std::uint64_t secret = 0;        // of the numbers that are asked with; random, but in replay
  bool async_oneside = true;    // connections of which one direction is seen only are followed, not refused
  bool captured_hosts = false;  // replay: the hosts saw the capture's packets, not what is forwarded here
};

// What a replay remembers of a host that saw the capture's packets rather than ours. Offsets of its peer's
// stream.
struct CaptureNotes {
  StreamOffset dropped_from =
      HostMirror::none;  // bytes [dropped_from, dropped_to) came and were not forwarded
  StreamOffset dropped_to = HostMirror::none;
  bool dropped_for_ack = false;  // all of them came with an ACK of what the capture had not shown
  StreamOffset claimed =
      HostMirror::none;  // an ACK of its own beyond everything that the capture showed so far
  StreamOffset claimed_edge = HostMirror::none;  // and the right edge of its window that came with it
};

// Observing: payload that the receiver was thought to refuse. If it acknowledges the bytes, it took them.
struct RefusedPayload {
  StreamOffset offset = 0;
  std::vector<std::uint8_t> bytes;
  std::optional<StreamOffset> unsent{};  // refused for acknowledging so much, which the capture does not show

  [[nodiscard]] bool holds(StreamOffset at) const {
    return offset <= at && at < offset + static_cast<StreamOffset>(bytes.size());
  }
};

// A RST that is held until its claimed sender has answered.
struct AskedReset {
  Direction direction = Direction::to_server;  // of the RST
  Seq reset;                                   // its number
  Seq number;                                  // what a host that closed answers with
  std::uint32_t at = 0;                        // ticks

  [[nodiscard]] bool answered_by(const Segment& segment, Direction of) const {
    return of == direction && segment.seq == number && !segment.has(TcpFlag::ack);
  }
};

// What few flows need is kept apart: observing from the start, else once there is something to note.
struct RareMemory {
  std::array<CaptureNotes, 2> notes;  // replay only
  std::optional<AskedReset> asked;
  SynOffer offer;  // of another SYN or SYN-ACK than the one that opened the connection
  // Observing: the first FIN that came and was not acknowledged, though data may have erased it since.
  std::array<StreamOffset, 2> unacked_fin{HostMirror::none, HostMirror::none};
  // Observing: the highest number that a segment of the direction began with, seen in the capture or not.
  std::array<StreamOffset, 2> sent{};
  bool more_offers = false;                            // observing: there were others, and they were not kept
  std::array<std::vector<RefusedPayload>, 2> refused;  // observing: the latest, by direction
  std::array<bool, 2> more_refused{};                  // there were others, and they were not kept
  std::optional<std::array<SegmentLog, 2>> logs;       // observing only
};

// Where a host says that it stands, against its highest ACK before. What was under way says less; `unsent`:
// it acknowledges what never went out to it (a replay's, which took what was dropped here).
enum class Standing : std::uint8_t { further, same, back, unsent };

class Session {
 public:
  // From a SYN-ACK that was forwarded, and the SYN that it answers.
  Session(BytePool& pool, const SessionLimits& limits, const SynOffer& syn, const Segment& syn_ack);
  // From a segment in the middle of a connection: nothing is known but its numbers.
  static Session adopt(BytePool& pool, const SessionLimits& limits, const Segment& segment,
                       Direction direction);
  // From the client's ACK where no SYN-ACK was seen: the way back may go elsewhere. A SYN-ACK that answers
  // `syn` after all starts a session of its own.
  static Session adopt(BytePool& pool, const SessionLimits& limits, const SynOffer& syn,
                       const Segment& segment);

  [[nodiscard]] Ruling judge(const Segment& segment, Direction direction) const;

  // Writes the kept values over the payload that `ruling` leaves (after its trims).
  void overlay(const Ruling& ruling, const Segment& segment, Direction direction) const;

  // Calls use(offset, bytes) for consecutive runs that make up what becomes readable: [in order,
  // readable_to).
  template <class Use>
  void read(const Ruling& ruling, const Segment& segment, Direction direction, Use use) const;

  // `forwarded` false: the verdict was against it; only what a replay must remember is noted.
  void commit(const Ruling& ruling, const Segment& segment, Direction direction, bool forwarded);

  // Gives up the bytes of `direction` up to `to`, which will never be seen. What was held right behind them
  // becomes in order: the caller scans those bytes, [first, second) of the answer, as the start of a new
  // stream.
  std::pair<StreamOffset, StreamOffset> skip_gap(Direction direction, StreamOffset to);

  // Observing: bytes of `direction` up to `to` that the receiver was thought to refuse, and acknowledged, are
  // in the stream. Those that are in order now, [first, second) of the answer, are to be read; none: the
  // capture lacks them.
  std::pair<StreamOffset, StreamOffset> recall(Direction direction, StreamOffset to);

  // The stream of `direction`, of which nothing was seen, starts at `at`.
  void start_at(Direction direction, StreamOffset at);

  // Whether SessionLimits::history counts for this session; it does from the start.
  void keep_history(bool keep) { keeps_history_ = keep; }

  // Observing: what [from, in order) may read as where copies differed, and then the choice made for it. Call
  // both, in this order, after each commit() that moved the in-order end. `policy` is the receiver's kind.
  [[nodiscard]] bool has_conflicts(Direction direction) const;
  [[nodiscard]] std::vector<RunReadings> readings(Direction direction, StreamOffset from,
                                                  OverlapPolicy policy, const ReadingLimits& limits) const;
  void settle(Direction direction, const std::vector<RunReadings>& runs);

  [[nodiscard]] const HostMirror& receiver(Direction direction) const { return mirrors_[index(direction)]; }
  [[nodiscard]] bool established() const { return established_; }
  [[nodiscard]] bool adopted() const { return adopted_; }
  [[nodiscard]] bool observed() const { return !limits_->enforcing; }
  // The state of the host that sends in `direction`, as far as its peer's view and ours tell.
  [[nodiscard]] TcpState state_of_sender(Direction direction) const;
  // Both ends have closed, or both may have taken a RST.
  [[nodiscard]] bool closed() const;
  // Both hosts have acknowledged everything that was forwarded to them, and nothing is held, ends or is
  // doubted: no hole, no FIN, no RST under way, no guess about numbers. What follows can't change what they
  // have read.
  [[nodiscard]] bool settled() const;
  // The SYN that a SYN-ACK with a ruling `reincarnate` answers.
  [[nodiscard]] SynOffer reuse(const Segment& syn_ack) const;
  // Bytes that were forwarded to the receiver ahead of a hole and not scanned.
  [[nodiscard]] bool holds_unscanned(Direction direction) const {
    return receiver(direction).bytes.has_islands();
  }
  // The connection is given up: notes where the sender of `segment` stands by its ACK.
  Standing take_standing(const Segment& segment, Direction direction);
  // The connection is given up: no byte of it is kept, and none can be read any more.
  void forget_bytes();
  // Both ends have spoken to each other: the handshake is complete, or, adopted, the other end's numbers,
  // from the other side where sides are known, go with those of the first segment.
  [[nodiscard]] bool confirmed() const { return established_ && adopted_at_ == 0; }
  // Numbers of a RST that the receiver of `direction` takes: its highest ACK.
  [[nodiscard]] Seq reset_number(Direction direction) const;
  [[nodiscard]] Seq ack_number(Direction direction) const;

 private:
  Session(BytePool& pool, const SessionLimits& limits);

  [[nodiscard]] HostMirror& mirror(Direction direction) { return mirrors_[index(direction)]; }
  // The sender of `direction` as a receiver itself.
  [[nodiscard]] const HostMirror& sender(Direction direction) const { return receiver(reverse(direction)); }

  [[nodiscard]] std::optional<Ruling> refuse_authentication(const Segment& segment) const;
  [[nodiscard]] Ruling judge_reset(const Segment& segment, Direction direction) const;
  [[nodiscard]] Ruling ask_sender(const Segment& segment, Direction direction) const;
  [[nodiscard]] Ruling judge_handshake_reset(const Segment& segment, Direction direction) const;
  [[nodiscard]] Ruling judge_syn(const Segment& segment, Direction direction) const;
  [[nodiscard]] Ruling judge_syn_ack(const Segment& segment, Direction direction) const;
  [[nodiscard]] bool answers_offer(const Segment& syn_ack) const;
  [[nodiscard]] Ruling new_connection(const Segment& syn_ack) const;
  [[nodiscard]] Ruling judge_handshake(const Segment& segment, Direction direction) const;
  [[nodiscard]] Ruling judge_handshake_ack(const Segment& segment) const;
  [[nodiscard]] Ruling judge_segment(const Segment& segment, Direction direction) const;
  [[nodiscard]] std::optional<Ruling> refuse_timestamp(const Segment& segment, Direction direction) const;
  [[nodiscard]] std::optional<Ruling> doubt_adoption(const Segment& segment, Direction direction) const;
  [[nodiscard]] bool may_be_predicted(const HostMirror& to, const HostMirror& from, StreamOffset begin,
                                      StreamOffset ack) const;
  // The side where none of the segments that the adoption rests on came from: nobody there forged them, and
  // nobody who did forges this one.
  [[nodiscard]] bool from_other_side(const Segment& segment) const {
    const Side other = segment.side == Side::inside ? Side::outside : Side::inside;
    const bool seen = adopted_sides_[0] == other || adopted_sides_[1] == other;
    return segment.side != Side::unknown && seen && adopted_sides_[0] != segment.side &&
           adopted_sides_[1] != segment.side;
  }
  void confirm_adoption(const Segment& segment, Direction direction);
  [[nodiscard]] Ruling judge_unsent_ack(const Segment& segment, Direction direction, StreamOffset ack) const;
  // The other end of an adopted connection has never spoken: its segments may go another way (EVASIONS I10).
  [[nodiscard]] bool one_direction(Direction direction) const { return !sender(direction).heard; }
  [[nodiscard]] Ruling judge_payload(const Segment& segment, Direction direction, Ruling ruling) const;
  [[nodiscard]] std::optional<Ruling> place_payload(const Segment& segment, Direction direction,
                                                    Ruling& ruling) const;
  [[nodiscard]] static Ruling ask_receiver(const Segment& segment);
  [[nodiscard]] std::optional<Ruling> place_fin(const HostMirror& to, const Segment& segment,
                                                Ruling& ruling) const;

  // A SYN-ACK that the client may take instead of the first, or a SYN inside the connection that the peer may
  // answer.
  enum class Other : std::uint8_t { none, syn_ack, syn_of_client, syn_of_server };
  void commit_handshake(const Ruling& ruling, const Segment& segment, Direction direction);
  void complete_handshake(const Ruling& ruling);
  void commit_accepted(const Ruling& ruling, const Segment& segment, Direction direction);
  void take_ack(const Ruling& ruling, const Segment& segment, Direction direction);
  void take_timestamp(const Segment& segment, Direction direction);
  void take_payload(const Ruling& ruling, const Segment& segment, Direction direction);
  void take_echo(const Segment& segment, Direction direction);
  void note_dropped(const Ruling& ruling, const Segment& segment, Direction direction);
  void remember_refused(const Segment& segment, Direction direction, std::optional<StreamOffset> unsent);
  [[nodiscard]] bool refused_contradicts(Direction direction) const;
  [[nodiscard]] bool was_sent(Direction direction, StreamOffset to) const;
  [[nodiscard]] bool may_have_taken_others(Direction direction, StreamOffset begin,
                                           std::span<const std::uint8_t> bytes) const;
  [[nodiscard]] std::ptrdiff_t refused_payloads(Direction direction, StreamOffset at) const;
  void remember_offer(const Segment& segment, Other kind);

  // Milliseconds of the capture's or wire's clock, modulo 2^32: enough to tell less from more than half a
  // second.
  [[nodiscard]] static std::uint32_t ticks(Timestamp time);
  [[nodiscard]] bool interval_over(const Segment& segment, std::uint32_t since) const;
  [[nodiscard]] StreamOffset history() const { return keeps_history_ ? limits_->history : 0; }
  RareMemory& rare() {
    if (!memory_) memory_ = std::make_unique<RareMemory>();
    return *memory_;
  }
  [[nodiscard]] CaptureNotes notes(Direction direction) const;
  [[nodiscard]] SegmentLog* segment_log(Direction direction) const {
    return memory_ && memory_->logs ? &(*memory_->logs)[index(direction)] : nullptr;
  }

  const SessionLimits* limits_;
  std::array<HostMirror, 2> mirrors_;  // by the direction whose receiver it is
  std::unique_ptr<RareMemory> memory_;
  std::uint32_t challenged_ = 0;  // ticks of the last RST challenge, 0: none yet
  std::uint32_t syn_passed_ = 0;  // of the last SYN or SYN-ACK inside the connection
  std::uint32_t synack_timestamp_ =
      0;  // TSval of the first SYN-ACK; the client's ts_recent holds the last one's
  std::uint32_t adopted_at_ =
      0;  // ticks of the last segment that went with the adoption; 0 once it is confirmed
  Other other_ = Other::none;
  bool keeps_history_ : 1 = true;
  bool established_ : 1 = false;
  bool adopted_ : 1 = false;
  bool timestamps_ : 1 = false;  // negotiated
  bool sack_ : 1 = false;
  bool md5_ : 1 = false;
  bool ao_ : 1 = false;
  bool client_closed_first_ : 1 = false;
  bool told_one_direction_ : 1 = false;
  // Where the segments came in that the adoption rests on, by Direction.
  std::array<Side, 2> adopted_sides_{Side::unknown, Side::unknown};
};

template <class Use>
void Session::read(const Ruling& ruling, const Segment& segment, Direction direction, Use use) const {
  const Assembler& bytes = receiver(direction).bytes;
  StreamOffset at = bytes.in_order();
  if (ruling.length == 0 || ruling.readable_to <= at) return;
  const StreamOffset end = ruling.offset + ruling.length;
  // Its own bytes first, then what was held behind the hole that it fills.
  const auto own = segment.payload.subspan(ruling.edits.trim_front, ruling.length);
  use(at, std::span<const std::uint8_t>(own.subspan(static_cast<std::size_t>(at - ruling.offset))));
  at = end;
  bytes.read(at, ruling.readable_to, [&](std::span<const std::uint8_t> run) {
    use(at, run);
    at += static_cast<StreamOffset>(run.size());
  });
}

}  // namespace lockstep::reassembly
