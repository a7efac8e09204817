// The way of a packet: Frame → Segment → Flow → Ruling → StreamChunk → Match → Verdict. One object per
// worker, used by one thread; it owns the worker's tables and pools, all made at start. Time is the frames'
// own and must not go back. Replay and inline differ only in the PacketPort and in
// PipelineConfig::captured_hosts.
//
// Every frame given to process() is finished at the port before it returns, and told to the observer exactly
// once, with its verdict: at once, or when the datagram that it is a fragment of is judged or given up.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "engine/flow_table.hpp"
#include "engine/gauges.hpp"
#include "engine/hairpins.hpp"
#include "engine/half_open_table.hpp"
#include "engine/host_policies.hpp"
#include "engine/packet.hpp"
#include "engine/ports/packet_port.hpp"
#include "reassembly/build.hpp"
#include "reassembly/fragments.hpp"
#include "reassembly/session.hpp"
#include "reassembly/wire.hpp"
#include "signatures/scratch.hpp"

namespace lockstep {

class AddressLists;
class HeldFragments;
class Inspector;

struct FlowTimeouts {
  Duration fresh = std::chrono::seconds(130);  // handshake not complete
  Duration established = std::chrono::hours(120);
  Duration closed = std::chrono::seconds(60);
  Duration hole = std::chrono::seconds(60);  // out-of-order data waits this long for the bytes before it
};

struct PipelineConfig {
  bool enforcing = true;
  MidstreamPolicy midstream = MidstreamPolicy::adopt;
  bool drop_silent = false;  // a dropped connection's protected host is not reset
  reassembly::WireConfig wire;
  reassembly::FragmentConfig fragments;
  reassembly::SessionLimits session;
  FlowTableLimits flows;
  HalfOpenLimits half_open;
  FlowTimeouts timeouts;
  HostPolicies hosts;               // observing
  std::size_t max_readings = 16;    // observing: of one direction; at least 1
  std::size_t blocks = 131'072;     // Block::size bytes each: bytes of all streams
  std::size_t islands = 262'144;    // runs ahead of holes, all streams: two a block
  std::uint32_t source_share = 25;  // percent of the pool that one source prefix may hold when it is full
  std::size_t segment_logs =
      1024;  // observing: directions with a hole whose segments are remembered one by one
  HashSeed seed = replay_hash_seed;
  std::uint64_t flows_before = 0;  // Flow::number counts on from here, so that workers number apart
};

class Pipeline {
 public:
  // `inspector` may be null: nothing is matched. All must outlive the pipeline.
  Pipeline(const PipelineConfig& config, Inspector* inspector, Observer& observer, PacketPort& port);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  void process(reassembly::Frame& frame);
  // Time passes without packets.
  void advance(Timestamp now);
  // Takes a rule set up, between two packets: it holds for new flows at once, for known ones from their next
  // packet on. Needs an inspector. Not to wait for the packets of idle flows, which would keep the old set in
  // memory, sweep() brings `flows` of them or few more under it; false when none is left. One costs a scan of
  // its tail, with thousands of rules some 100 us: an inline worker gives 1. `ready`: see Inspector::adopt.
  [[nodiscard]] tl::expected<void, std::string> adopt(std::shared_ptr<const RuleGeneration> rules,
                                                      std::optional<signatures::Scratch> ready = {});
  bool sweep(std::size_t flows);
  // What an operator said of addresses holds from the next packet on; null: nothing. Of TCP and of fragments
  // that may be TCP; a connection that was allowed once stays so.
  void set_lists(std::shared_ptr<const AddressLists> lists) {
    lists_ = std::move(lists);
    observer_->on_recall(nullptr);
  }
  // `flows` known connections, or few more, from a place on that begins with 0; where to go on, 0 at the end.
  template <class Visit>
  std::size_t walk(std::size_t place, std::size_t flows, Visit&& visit) {
    return flows_.walk(place, flows, std::forward<Visit>(visit));
  }
  // Resets both ends of a connection and drops what they send. False: when only observing, nothing is.
  bool block(Flow& flow);
  // It is inspected no more, unless it was decided for good before.
  static void allow(Flow& flow);
  // Why the rest of this connection needs nobody to look at it, or none: it must be inspected, or held to
  // what went out and is not acknowledged. Whoever forwards it alone from here on (the kernel) may do so only
  // while the answer stands, from a packet on of which the engine holds none.
  [[nodiscard]] static Release released(const Flow& flow);
  // Packets were forwarded in the engine's stead. What it believes of the hosts is given up.
  void miss(Timestamp now);
  // The same of one connection.
  void miss(Flow& flow);
  // Connections that are not known may have begun before now.
  void forget_unknown();
  // A flow with `in_kernel` comes back from the kernel, which saw its last packet at `last_seen`. It is met
  // anew, in its middle, unless it is dropped.
  void take_back(Flow& flow, Timestamp last_seen);
  [[nodiscard]] Flow* find(const FlowKey& key);
  void seen_by_kernel(Flow& flow, Timestamp at) { flows_.touch(flow, at); }
  // The input has ended: held fragments are given up, flows are told to the observer.
  void finish();

  [[nodiscard]] const FlowTable<Flow>& flows() const { return flows_; }
  [[nodiscard]] const HalfOpenTable& half_open() const { return half_open_; }
  [[nodiscard]] const reassembly::BytePool& bytes() const { return bytes_; }
  [[nodiscard]] Gauges gauges() const;

 private:
  // listed.cpp
  [[nodiscard]] bool blocked(Packet& packet, const reassembly::Address& source,
                             const reassembly::Address& destination);
  void let_pass(Packet& packet);

  void process_fragment(reassembly::Frame& frame, const reassembly::Fragment& fragment);
  void judge_datagram();
  void inspect(Packet& packet);
  void follow(Packet& packet);
  void renew(Flow& flow);
  void judge(Packet& packet);
  void ask_sender(const Packet& packet);
  // absence.cpp: what the kernel forwarded.
  static void come_back(Flow& flow);
  void recall(Flow& flow);
  bool meet_again(Packet& packet);
  void adopt_session(Packet& packet);
  void refuse_side(Packet& packet);
  void give_up_gap(Packet& packet);
  void match(Packet& packet);
  void match_stream(Packet& packet);
  void decide(Packet& packet);
  void commit(Packet& packet);
  void release(Flow& flow);
  // observing.cpp: nothing is dropped; the host is followed, in every way that it may have gone.
  void observe(Packet& packet);
  void doubt_what_was_read(Packet& packet);
  void read_observed(Packet& packet, Direction direction, reassembly::StreamOffset from);
  [[nodiscard]] std::vector<reassembly::RunReadings> readings(const Flow& flow, Direction direction,
                                                              reassembly::StreamOffset from) const;
  void fork_readings(Flow& flow, Direction direction, const std::vector<reassembly::RunReadings>& runs);
  void match_handshake(Packet& packet);
  void match_headers(Packet& packet);
  void refuse(Packet& packet, const reassembly::Malformed& malformed);
  void obey(Packet& packet);
  void finish_flow(Packet& packet, Final verdict);
  [[nodiscard]] bool inspects(const Flow& flow) const;
  void deliver_held(Flow& flow, Direction direction, reassembly::StreamOffset from,
                    reassembly::StreamOffset to);
  std::size_t apply_edits(const Packet& packet);
  void leave(Packet& packet);

  // connections.cpp: which flow a segment belongs to, and how flows begin and end.
  bool find_flow(Packet& packet);
  void judge_half_open(Packet& packet, HalfOpenRecord& record, std::uint64_t hash);
  void open_half_open(Packet& packet, const FlowKey& key, std::uint64_t hash);
  void promote(Packet& packet, HalfOpenRecord& record, std::uint64_t hash, reassembly::Session&& session);
  void judge_unknown(Packet& packet, const FlowKey& key, std::uint64_t hash);
  void create_flow(Packet& packet, const FlowKey& key, std::uint64_t hash, reassembly::Session&& session,
                   bool client_is_low);
  bool refuse_midstream(Packet& packet);
  void reincarnate(Packet& packet);
  void follow_final(Packet& packet);
  void end_flow(Flow& flow, FlowEnd end, bool reset);
  void end_streams(Flow& flow);
  void count(Packet& packet);

  // pressure.cpp: memory that is short, flows that waited too long.
  [[nodiscard]] bool make_room(const Packet& packet);
  void expel(Flow& flow, Reason reason);
  void settle(const Packet& packet);
  void note_hole(Flow& flow, Direction direction, reassembly::StreamOffset in_order_before, bool had_hole);
  [[nodiscard]] Duration timeout_of(Flow& flow);
  [[nodiscard]] bool adopts() const;

  void send_bare(const reassembly::Frame& frame, std::span<const std::uint8_t> bytes, bool towards_sender);
  // A packet of the engine's own on a flow, made after `packet`, and told to the observer.
  void send_own(const Packet& packet, Direction towards, reassembly::TcpFlags flags,
                std::span<const std::uint8_t> bytes);
  void reset_unknown(const Packet& packet);
  void reset(Packet& packet, Direction towards);
  void repeat_reset(Packet& packet);
  void send_reset(const Packet& packet, Direction towards, reassembly::Seq number);
  void reset_idle(Flow& flow, Direction towards);

  PipelineConfig config_;
  Inspector* inspector_;
  Observer* observer_;
  PacketPort* port_;
  reassembly::BytePool bytes_;
  reassembly::SegmentLogPool logs_;
  FramingTable framings_;
  FlowTable<Flow> flows_;
  HalfOpenTable half_open_;
  reassembly::FragmentTable fragments_;
  std::unique_ptr<HeldFragments> held_;
  Hairpins hairpins_;
  std::shared_ptr<const AddressLists> lists_;  // null: nothing is listed
  std::uint64_t flow_count_;
  std::uint16_t pair_ = 0;  // the even port of the pair that packets come from
  bool sweeping_ = false;
  std::size_t swept_to_ = 0;
  std::array<std::uint64_t, reason_count> expelled_{};
  bool forgot_ = false;  // an established flow that was still open
  Timestamp start_{};
  Timestamp now_{};
};

}  // namespace lockstep
