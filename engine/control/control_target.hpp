// What a control command can ask of the engine. The control server's thread calls it and must not be held up:
// whatever has to ask a worker answers later.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include "engine/counters.hpp"
#include "engine/gauges.hpp"
#include "engine/output/log_writer.hpp"
#include "engine/reload/reloader.hpp"
#include "engine/settings.hpp"

namespace lockstep {

// The message of an answer, or why there is none.
using ControlAnswer = tl::expected<nlohmann::json, std::string>;
// Asked again and again; nothing: not yet.
using PendingAnswer = std::function<std::optional<ControlAnswer>()>;
[[nodiscard]] inline PendingAnswer at_once(ControlAnswer answer) {
  return [answer = std::move(answer)] { return std::optional(answer); };
}

struct InterfaceCounts {
  std::string name;
  std::uint64_t packets = 0;
  std::uint64_t dropped = 0;   // before the engine saw them
  std::uint64_t bypassed = 0;  // by the kernel in its stead
  std::uint64_t invalid_checksums = 0;
};

struct CounterSnapshot {
  Counters counters;  // of all workers
  Gauges gauges;
  LogCounters log;
};

struct FlowFilter {
  std::string address;     // an address or prefix of either end; empty: any
  std::uint16_t port = 0;  // of either end; 0: any
  std::size_t limit = 100;
};

enum class ListChange : std::uint8_t { block, unblock, allow };

class ControlTarget {
 public:
  ControlTarget() = default;
  ControlTarget(const ControlTarget&) = delete;
  ControlTarget& operator=(const ControlTarget&) = delete;
  virtual ~ControlTarget() = default;

  [[nodiscard]] virtual std::chrono::seconds uptime() const = 0;
  [[nodiscard]] virtual std::string capture_mode() const = 0;
  [[nodiscard]] virtual std::vector<InterfaceCounts> interfaces() const = 0;
  [[nodiscard]] virtual CounterSnapshot counters() const = 0;
  [[nodiscard]] virtual Settings settings() const = 0;
  [[nodiscard]] virtual Reloader& reloader() = 0;
  virtual void reopen_logs() = 0;
  virtual void shut_down() = 0;

  // Flows, and one in full by its id (EVE flow_id).
  [[nodiscard]] virtual PendingAnswer flows(const FlowFilter& filter) = 0;
  [[nodiscard]] virtual PendingAnswer flow(std::uint64_t id) = 0;
  // `what`: an address, a prefix, or a flow's id; no expiry: until it is taken back.
  [[nodiscard]] virtual PendingAnswer change_list(ListChange change, const std::string& what,
                                                  std::optional<std::chrono::seconds> expiry) = 0;
};

}  // namespace lockstep
