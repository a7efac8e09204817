// The engine between the peer and the host, and what it did: the bytes that it scanned, what it reported,
// what it let out. The same Pipeline as inline use, behind a packet port in memory.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/pipeline.hpp"
#include "engine/transcript.hpp"
#include "tests/oracle/rules.hpp"
#include "tests/support/packet_builder.hpp"

namespace lockstep::oracle {

using test::Bytes;

enum class Side : std::uint8_t { peer, host };

class EngineTap final : public Observer, public PacketPort {
 public:
  // `tight`: few holes are allowed, so that scenarios come up against the limit.
  EngineTap(Rules& rules, bool enforcing, bool tight, bool ipv6);
  ~EngineTap() override;

  // What leaves because of a frame that came in at `side`, by the side that it leaves to.
  struct Departing {
    Side to;
    Bytes bytes;
  };
  [[nodiscard]] std::vector<Departing> process(const Bytes& frame, Side side, Timestamp time);
  // Time passes without packets.
  [[nodiscard]] std::vector<Departing> advance(Timestamp time);

  // Was a byte of the stream towards the host scanned at this sequence number with this value?
  [[nodiscard]] bool scanned(std::uint32_t seq, std::uint8_t value) const;
  [[nodiscard]] bool alerted() const { return alerted_; }
  [[nodiscard]] bool reported() const { return reported_; }  // said that several readings are possible
  // Whether the last frame left alone and as it came.
  [[nodiscard]] bool left_unchanged() const { return unchanged_; }
  [[nodiscard]] Reason last_reason() const { return reason_; }
  // What was decided of the last frame, in words: verdict and reason, each event as `!name`, each packet of
  // the engine's own as `+flags`. "held": nothing yet.
  [[nodiscard]] const std::string& told() const { return told_; }
  // Something went to the host that can reset it, by the engine's own account.
  [[nodiscard]] bool may_have_reset() const { return may_have_reset_; }
  // What went to the host though no packet may: an urgent pointer, a RST or SYN with payload, flags or
  // options that it must not have, a wrong checksum. Empty: nothing.
  [[nodiscard]] const std::string& unclean() const { return unclean_; }
  [[nodiscard]] bool gave_up() const { return gave_up_; }  // a connection was dropped or reset

  // Every packet and what was decided, in the notation of the packet tests.
  void keep_transcript(std::string& text);

  tl::expected<std::size_t, std::string> receive(std::span<Frame>) override { return 0; }
  void finish(const Frame& frame, std::span<const std::uint8_t> leaving) override;
  void send(const Departure& departure) override;
  void on_arrival(const Packet& packet) override;
  void on_packet(const Packet& packet) override;
  void on_chunk(const Flow& flow, Direction direction, reassembly::StreamOffset offset,
                std::span<const std::uint8_t> bytes) override;
  void on_gap(const Flow& flow, Direction direction, reassembly::StreamOffset from,
              reassembly::StreamOffset to) override;
  void on_made(Direction towards, reassembly::TcpFlags flags, std::size_t bytes) override;
  void on_flow_end(const Flow& flow, FlowEnd end, Timestamp now) override;

 private:
  struct Run {
    std::uint32_t seq;
    std::string bytes;
  };
  // Observing: what other readings of the stream have.
  void take_other_readings(const Packet& packet);
  void tell(const Packet& packet);
  void inspect_departure(std::span<const std::uint8_t> packet);
  [[nodiscard]] bool to_host(std::span<const std::uint8_t> packet) const;

  bool ipv6_;
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<Transcript> transcript_;
  std::vector<Run> runs_;
  std::vector<Departing> departing_;
  Reason reason_ = Reason::none;
  std::uint64_t frames_ = 0;
  bool unchanged_ = false;
  bool alerted_ = false;
  bool reported_ = false;
  bool gave_up_ = false;
  bool may_have_reset_ = false;
  std::string unclean_;
  std::string told_;
  std::string made_;
};

}  // namespace lockstep::oracle
