// All outputs behind one door: the pipeline writes an event once, and it goes wherever the settings say.
#pragma once
#include <memory>
#include <string>

#include <tl/expected.hpp>

#include "engine/output/events.hpp"
#include "engine/output/outlet.hpp"
#include "engine/settings.hpp"

namespace lockstep {

class LogWriter;

class EventLog {
 public:
  // Creates the log directory and the files that the settings name; with an empty log directory there is no
  // output and every event is taken and forgotten. The error names the file and the remedy.
  [[nodiscard]] static tl::expected<EventLog, std::string> open(const OutputSettings& settings);

  // The same for worker `n` of a running engine, through the writer's queues; the writer must outlive it.
  [[nodiscard]] static EventLog queued(const OutputSettings& settings, LogWriter& writer, std::size_t n);

  EventLog(EventLog&&) noexcept;
  EventLog& operator=(EventLog&&) noexcept;
  ~EventLog();

  // What is written may change under way; where to may not.
  void select(const EveSettings& settings);

  // Whether an event of this type goes anywhere, so that nobody need make it in vain.
  [[nodiscard]] bool wants(EventType type) const;

  void write(const AlertEvent& event);
  void write(const DropEvent& event);
  void write(const FlowEvent& event);
  void write(const AnomalyEvent& event);
  void write(const StatsEvent& event);

  // The run ends: all flows are told at once, and there is time to write them. See Outlet.
  void be_patient();
  // Writes out and closes everything. False as Outlet::finish() says; then an error was logged, or the loss
  // counted.
  [[nodiscard]] bool finish();

 private:
  struct State;
  explicit EventLog(std::unique_ptr<State> state);
  template <class Event>
  void to_eve(EventType type, const Event& event);

  std::unique_ptr<State> state_;
};

}  // namespace lockstep
