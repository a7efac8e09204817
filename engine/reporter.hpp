// Turns what the pipeline tells into numbers and log events. Used by the pipeline's thread.
#pragma once
#include <string>

#include "engine/counters.hpp"
#include "engine/output/event_log.hpp"
#include "engine/packet.hpp"

namespace lockstep {

class Pipeline;

// The interfaces of ports 2n and 2n+1; empty where there are none.
struct InterfaceNames {
  std::string outside, inside;
};

// Flows are named so in events.
[[nodiscard]] std::uint64_t event_id(const Flow& flow);

class Reporter final : public Observer {
 public:
  struct Settings {
    bool enforcing = true;
    Duration stats_interval = std::chrono::seconds(8);
    const RuleGeneration* rules = nullptr;  // in force from the start; null: none
    bool payload = false;                   // alerts carry what a rule was matched against
    InterfaceNames interfaces = {};
  };
  // `log` and `next` (another observer, told first; may be null) must outlive the reporter.
  Reporter(const Settings& settings, EventLog& log, Observer* next);

  // Of this pipeline the stats events tell what it holds. It must outlive the reporter's last call.
  void watch(const Pipeline& pipeline) { pipeline_ = &pipeline; }
  // A frame came in; call it before the pipeline processes the frame.
  void arrived(const reassembly::Frame& frame);
  // The kernel dropped this frame, of which it may have kept the first bytes alone, and others for the same
  // reason.
  void on_kernel_drop(const reassembly::Frame& frame, Reason reason);
  // Time passes without frames; a stats event if it is time for one.
  void tick(Timestamp now);
  // The last stats event.
  void finish(Timestamp now);
  [[nodiscard]] Counters& counters() { return counters_; }

  void on_arrival(const Packet& packet) override;
  void on_packet(const Packet& packet) override;
  void on_chunk(const Flow& flow, Direction direction, reassembly::StreamOffset offset,
                std::span<const std::uint8_t> bytes) override;
  void on_gap(const Flow& flow, Direction direction, reassembly::StreamOffset from,
              reassembly::StreamOffset to) override;
  void on_reload(const RuleGeneration& rules, Timestamp now) override;
  void on_late_matches(const LateMatches& late) override;
  void on_flow_end(const Flow& flow, FlowEnd end, Timestamp now) override;
  void on_half_open_end(const HalfOpenRecord& record, FlowEnd end, Timestamp now) override;
  void on_recall(const Flow* flow) override {
    if (next_ != nullptr) next_->on_recall(flow);
  }
  void on_made(Direction towards, reassembly::TcpFlags flags, std::size_t bytes) override;

 private:
  void count(const Packet& packet);
  void count_segment(const Packet& packet);
  void count_alert(const AlertEvent& event);
  void log_alerts(const Packet& packet);
  void log_lone_flow(const Packet& packet);
  void log_drop(const Packet& packet, const AlertEvent* alert);
  void log_anomalies(const Packet& packet);
  void log_stats(Timestamp now);
  [[nodiscard]] EventHeader header(const Packet& packet) const;
  [[nodiscard]] EventHeader header(const Flow& flow, Timestamp time) const;  // from client to server
  [[nodiscard]] std::string_view interface_of(std::uint16_t port) const {
    return (port & 1U) == 0 ? settings_.interfaces.outside : settings_.interfaces.inside;
  }
  [[nodiscard]] OwnFields own(const Packet& packet) const;
  [[nodiscard]] AlertEvent alert_event(const Packet& packet, const LoggedAlert& alert);
  [[nodiscard]] std::span<const std::uint8_t> stream_payload(const Flow& flow, Direction direction,
                                                             reassembly::StreamOffset own_offset,
                                                             std::span<const std::uint8_t> own);

  Settings settings_;
  EventLog* log_;
  Observer* next_;
  const Pipeline* pipeline_ = nullptr;
  Counters counters_;
  std::vector<std::uint8_t> payload_;
  Timestamp start_{};
  Timestamp next_stats_{};
  RuleCounts rules_;
  std::uint64_t generation_ = 0;
  std::optional<Timestamp> last_reload_;
};

}  // namespace lockstep
