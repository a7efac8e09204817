// Facts → what inline use will do with them, and what stands in its way. Pure: facts in, findings out.
// `lockstep doctor` prints all findings; `lockstep run` refuses to start while there is an obstacle, in the
// same words.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/doctor/facts.hpp"
#include "engine/settings.hpp"

namespace lockstep {

enum class Severity : std::uint8_t {
  fine,      // said, so that the user sees that it was looked at
  note,      // works, but slower or with less than there could be
  warning,   // works, and the user should know
  obstacle,  // traffic would break, or nothing would be inspected
};
[[nodiscard]] std::string_view name(Severity severity);

// A feature to switch, by which an obstacle goes away.
struct Switch {
  std::string interface;
  std::string feature;
  bool on = false;
};

struct Finding {
  Severity severity = Severity::fine;
  std::string subject;  // an interface, "A:B", or "host"
  std::string text;
  std::string remedy;              // what the user can do; empty: nothing needs doing
  std::vector<Switch> switches{};  // what --fix-offloads would do
};

// How packets are to be taken.
struct CapturePlan {
  bool afxdp = false;   // else AF_PACKET
  bool native = false;  // XDP in the driver; else the kernel's generic hook
  bool zero_copy = false;
  bool frags = false;         // frames of several buffers
  std::uint32_t workers = 1;  // one a queue pair
};

struct Examination {
  CapturePlan plan;
  std::vector<Finding> findings;

  [[nodiscard]] bool obstructed() const;
};

[[nodiscard]] Examination examine(const HostFacts& host, const PairFacts& pair, Capture wish);
// Without a pair: what this kernel offers at all.
[[nodiscard]] std::vector<Finding> examine(const HostFacts& host);

[[nodiscard]] std::string to_string(const CapturePlan& plan);

}  // namespace lockstep
