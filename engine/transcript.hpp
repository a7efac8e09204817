// The conversation as text, one line a packet, in the notation of the packet tests: relative numbers (the SYN
// is 0, the first byte is 1), flags, what was decided and why, what became readable by it, which rules
// matched.
//
//      4 #1 C > PA    1:6(5)        ack 1      "GET /"        | forward                    deliver 0:5 "GET
//      /" 5 #1 C < R     101:101(0)               ""             | drop    rst_out_of_window
//
// The first number counts frames, #1 names the flow, which has a line of its own when it is first seen. C is
// the client; > goes to the server. Payload is shown up to a limit; bytes that do not print stand as \xNN.
// The packet is shown as it came, what it was changed into by the reason's name.
#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/packet.hpp"

namespace lockstep {

// Bytes in quotes, as they stand in a transcript; longer ones end in `…`.
[[nodiscard]] std::string quoted(std::span<const std::uint8_t> bytes, std::size_t limit);

class Transcript final : public Observer {
 public:
  using Sink = std::function<void(std::string_view line)>;  // a line with its newline
  static constexpr std::size_t text_limit = 40;

  explicit Transcript(Sink sink) : sink_(std::move(sink)) {}

  void on_arrival(const Packet& packet) override;
  void on_chunk(const Flow& flow, Direction direction, reassembly::StreamOffset offset,
                std::span<const std::uint8_t> bytes) override;
  void on_gap(const Flow& flow, Direction direction, reassembly::StreamOffset from,
              reassembly::StreamOffset to) override;
  void on_made(Direction towards, reassembly::TcpFlags flags, std::size_t bytes) override;
  void on_packet(const Packet& packet) override;
  void on_reload(const RuleGeneration& rules, Timestamp now) override;
  void on_late_matches(const LateMatches& late) override;
  void on_flow_end(const Flow& flow, FlowEnd end, Timestamp now) override;

 private:
  struct KeyHash {
    std::size_t operator()(const FlowKey& key) const { return key.hash(replay_hash_seed); }
  };
  void introduce(const Packet& packet);
  [[nodiscard]] std::string numbers(const Packet& packet) const;
  [[nodiscard]] std::string outcome(const Packet& packet) const;
  void line(const Packet& packet, std::string_view left, std::string_view right);

  Sink sink_;
  std::unordered_map<FlowKey, std::size_t, KeyHash> flows_;
  std::size_t known_ = 0;
  std::string payload_;    // of the packet under way, as it came
  std::string delivered_;  // what became readable by it
};

}  // namespace lockstep
