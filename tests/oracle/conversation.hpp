// Plays a scenario against the host: directly, with the engine looking on, or through it.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/oracle/engine_tap.hpp"
#include "tests/oracle/kernel_host.hpp"
#include "tests/oracle/peer.hpp"
#include "tests/oracle/scenario.hpp"

namespace lockstep::oracle {

enum class Mode : std::uint8_t { direct, observe, enforce };
[[nodiscard]] std::string_view name(Mode mode);

// One connection as the host's application lived it.
struct Reading {
  std::string text;
  bool ended = false;
  int error = 0;
  int state = 0;
  // The first byte that was read and not scanned with that value at that place, none if all were.
  std::optional<std::size_t> unscanned{};
};

struct Outcome {
  std::vector<Reading> readings;
  std::string written;     // by the host's application
  std::string received;    // by the peer of it
  std::int64_t acked = 0;  // of the peer's stream, as far as the peer knows
  bool alerted = false;
  bool reported = false;
  bool gave_up = false;
  bool reset_untold = false;  // the host was reset by a packet of which the engine thought that it can't
  std::string unclean;        // what reached the host though it never may, empty: nothing
  std::uint32_t rounds = 0;   // of repeats until the peer had its stream acknowledged
  std::optional<std::uint32_t> bare_rounds;  // honest: without the engine
  std::uint64_t honest_packets = 0;
  std::map<Reason, std::uint64_t> honest_changed;  // not forwarded as they came, and why

  // The application read the whole signature on one connection.
  [[nodiscard]] bool delivered() const;
};

// A packet as it went by, for a capture.
struct Recorded {
  Timestamp time{};
  Bytes bytes;
};
// What a step led to, in words.
struct StepTrace {
  std::vector<std::string> verdicts;  // of the engine, one for each frame of the step
  std::vector<std::string> answers;   // of the host: flags, and what it acknowledges, from the peer's SYN on
};
struct Record {
  std::string transcript;
  std::vector<StepTrace> steps;   // one for each of the scenario
  std::vector<Recorded> packets;  // before the engine, in both directions
};

// `record` may be null. Addresses and ports are new ones each time.
[[nodiscard]] Outcome play(const Scenario& scenario, Mode mode, KernelHost& host, Rules& rules,
                           Record* record = nullptr);

}  // namespace lockstep::oracle
