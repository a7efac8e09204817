// The language of packet tests: one packet a line, relative numbers (the SYN is 0, the first byte is 1),
// whatever is left out is what an honest sender would have put there, and the expectation stands on the same
// line. Frames are real ones and take the whole way through a Pipeline.
//
//   auto wire = Wire::established({.client_isn = GENERATE(any_isn()), .server_isn = GENERATE(any_isn())});
//   wire.client.sends("GET /")              .passes().delivers("GET /");
//   wire.as_server().resets({.seq = 101})   .drops(Reason::rst_out_of_window);
//   wire.client.sends(" evil")              .passes().delivers(" evil");
//
// A failure names the test's own line and prints the conversation so far.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/pipeline.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/packet_builder.hpp"

namespace lockstep::test {

using reassembly::StreamEvent;
using reassembly::TcpFlag;

// Numbers that make every scenario run at an ordinary place, across the wrap of the sequence space, and
// across the sign change of a 32-bit difference.
[[nodiscard]] inline auto any_isn() {
  return Catch::Generators::values<std::uint32_t>({1000, 0xffff'fffaU, 0x7fff'fffaU});
}

struct WireOptions {
  std::uint32_t client_isn = 1000;
  std::uint32_t server_isn = 5'000'000;
  bool timestamps = false;
  bool sack = true;
  std::optional<std::uint8_t> window_scale{};
  std::uint16_t window = 65535;  // of both, in the header
  bool ipv6 = false;
  bool captured_hosts = false;
  bool sides = false;  // the client is outside, the server inside
  std::function<void(PipelineConfig&)> configure{};
  std::string rules{};  // a line each; empty: nothing is matched
  EncryptionHandling tls = EncryptionHandling::full;
};

// Any two initial numbers.
[[nodiscard]] inline WireOptions anywhere() {
  return {.client_isn = GENERATE(any_isn()), .server_isn = GENERATE(any_isn())};
}

// And these rules.
[[nodiscard]] inline WireOptions with_rules(std::string rules) {
  return {.client_isn = GENERATE(any_isn()), .server_isn = GENERATE(any_isn()), .rules = std::move(rules)};
}

// Observing a capture.
[[nodiscard]] inline WireOptions watching() {
  return {.client_isn = GENERATE(any_isn()),
          .server_isn = GENERATE(any_isn()),
          .captured_hosts = true,
          .configure = [](PipelineConfig& config) { config.enforcing = false; }};
}

// What a test puts in place of what an honest sender would have put. Numbers are relative.
struct Override {
  std::optional<std::int64_t> seq{};
  std::optional<std::int64_t> ack{};
  std::optional<int> flags{};
  std::optional<std::uint16_t> window{};
  std::uint16_t urgent = 0;
  std::optional<std::uint32_t> tsval{};
  std::optional<std::uint32_t> tsecr{};
  bool no_timestamps = false;
  Bytes options{};  // in front of the usual ones
  std::optional<std::uint16_t> tcp_checksum{};
  std::size_t fragment = 0;            // comes in fragments of so many bytes, a multiple of eight
  bool other_side = false;             // comes in on the side where its receiver is
  std::optional<std::uint32_t> isn{};  // of a SYN or SYN-ACK: another one than the peer's own
};

class Wire;

// One packet that was sent, and what became of it.
class Sent {
 public:
  const Sent& passes() const;                           // unchanged
  const Sent& passes_as(Reason reason) const;           // rewritten, named so
  const Sent& drops(Reason reason) const;               // this packet
  const Sent& drops_flow(Reason reason) const;          // and the connection
  const Sent& delivers(const std::string& text) const;  // becomes readable to its receiver, in order
  const Sent& delivers_nothing() const { return delivers(""); }
  const Sent& carries(const std::string& payload) const;  // what left the device
  const Sent& leaves_flags(const std::string& flags) const;
  const Sent& leaves_seq(std::int64_t seq) const;  // relative
  const Sent& raises(StreamEvent event) const;
  const Sent& causes_resets(std::size_t count) const;               // of our own
  const Sent& fires(const std::vector<std::uint32_t>& sids) const;  // rules, in the order of their matches

 private:
  friend class Wire;
  friend class Peer;
  Sent(Wire& wire, int line) : wire_(&wire), line_(line) {}
  void check(bool holds, const std::string& what) const;
  Wire* wire_;
  int line_;
};

// One end of the connection, or somebody who speaks in its name.
class Peer {
 public:
  // The packet that left last comes back on the other side.
  Sent returns(int line = __builtin_LINE());
  Sent sends(const std::string& payload, const Override& over = {}, int line = __builtin_LINE());
  Sent acks(const Override& over = {}, int line = __builtin_LINE());
  Sent fins(const Override& over = {}, int line = __builtin_LINE());
  Sent resets(const Override& over = {}, int line = __builtin_LINE());
  Sent syns(const Override& over = {}, int line = __builtin_LINE());      // SYN
  Sent syn_acks(const Override& over = {}, int line = __builtin_LINE());  // SYN-ACK

 private:
  friend class Wire;
  Peer(Wire& wire, bool is_client, bool honest) : wire_(&wire), is_client_(is_client), honest_(honest) {}
  Sent transmit(int flags, const std::string& payload, const Override& over, int line);
  Wire* wire_;
  bool is_client_;
  bool honest_;  // its own numbers move with what it sends
};

class Wire {
 public:
  explicit Wire(WireOptions options = {});
  ~Wire();
  Wire(Wire&&) = delete;
  Wire& operator=(Wire&&) = delete;

  static Wire established(WireOptions options) { return Wire(std::move(options), Established{}); }

  Peer client{*this, true, true};
  Peer server{*this, false, true};
  [[nodiscard]] Peer as_client() { return {*this, true, false}; }
  [[nodiscard]] Peer as_server() { return {*this, false, false}; }

  void wait(Duration duration);  // nothing is sent meanwhile
  [[nodiscard]] const Flow& flow() const;
  [[nodiscard]] Pipeline& pipeline();
  // Resets and other frames that left since the last packet was sent.
  [[nodiscard]] std::size_t resets() const;
  // The last packet of the engine's own, numbers relative.
  struct Own {
    std::string flags;
    std::int64_t seq;
    std::int64_t ack;
  };
  [[nodiscard]] Own own() const;
  void reload(const std::string& rules);  // they replace those in force
  // The same; `shadows` are evaluated beside them.
  void reload(const std::string& rules, const std::string& shadows);
  void end();  // the input ends
  // Sids of the rules that matched since the last packet was sent, in their order.
  [[nodiscard]] const std::vector<std::uint32_t>& fired() const;
  // Of those that alerted.
  [[nodiscard]] const std::vector<std::uint32_t>& alerts() const;

 private:
  struct Established {};
  Wire(WireOptions options, Established);
  friend class Peer;
  friend class Sent;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lockstep::test
