// The logs of a running engine: workers put lines into rings of fixed size and never wait; one thread takes
// them out and writes. Each worker has two rings: one for alerts and drops, one for flows, anomalies and
// statistics. The first is always emptied before the second, so that alerts neither wait behind the rest nor
// give way to it; the order between the two is lost. What does not fit is lost and counted, by type.
//
//   auto writer = LogWriter::open(settings.outputs, workers);
//   EventLog log = EventLog::queued(settings.outputs, **writer, n);  // in worker n
#pragma once
#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <tl/expected.hpp>

#include "engine/output/destination.hpp"
#include "engine/output/line_ring.hpp"
#include "engine/output/outlet.hpp"
#include "engine/settings.hpp"

namespace lockstep {

struct LogCounters {
  std::array<std::uint64_t, event_type_count> refused{};  // lines that found their ring full, by EventType
  std::uint64_t lost = 0;                                 // lines that a destination could not take
  std::uint64_t written = 0;                              // bytes
};

class LogWriter {
 public:
  enum class Log : std::uint8_t { eve, fast };

  // Opens what the settings name, and starts the thread. The error names the file and the remedy.
  [[nodiscard]] static tl::expected<std::unique_ptr<LogWriter>, std::string> open(
      const OutputSettings& settings, std::size_t workers);
  // Writes what is there, for two seconds at most. No worker may use its outlets any more.
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // Null: this log is not written. For worker `n` alone, which must end before the writer.
  [[nodiscard]] std::unique_ptr<Outlet> outlet(Log log, std::size_t n);

  // Any thread. Opens all files anew, as after a rotation; done by the writer's thread, soon.
  void reopen() { reopen_.store(true, std::memory_order_release); }
  [[nodiscard]] LogCounters counters() const;

 private:
  class Queue;
  struct Rings {
    explicit Rings(std::size_t bytes) : urgent(bytes), routine(bytes) {}
    LineRing urgent, routine;
    std::array<std::atomic<std::uint64_t>, event_type_count> refused{};
  };
  struct Output {
    std::unique_ptr<Destination> destination;
    std::vector<std::unique_ptr<Rings>> rings;  // by worker
    std::atomic<std::uint64_t> lost{0}, written{0};
  };

  LogWriter() = default;
  void run();
  bool turn();
  bool move(Output& output, LineRing Rings::*which);

  std::array<Output, 2> outputs_;  // by Log
  std::string batch_;
  std::atomic<bool> reopen_{false};
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace lockstep
