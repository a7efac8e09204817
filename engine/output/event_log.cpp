#include "engine/output/event_log.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

#include <fmt/format.h>

#include "engine/output/eve.hpp"
#include "engine/output/fast.hpp"
#include "engine/output/log_file.hpp"
#include "engine/output/log_writer.hpp"

namespace lockstep {

struct EventLog::State {
  explicit State(const OutputSettings& settings) : eve_writer(settings.eve) { select(settings.eve); }

  void select(const EveSettings& settings) {
    eve_writer = EveWriter(settings);
    every_drop = settings.drop_flows == DropFlows::all;
    for (std::size_t i = 0; i < event_type_names.size(); ++i) {
      wanted[i] = std::find(settings.types.begin(), settings.types.end(), event_type_names[i]) !=
                  settings.types.end();
    }
  }

  EveWriter eve_writer;
  FastWriter fast_writer;
  std::unique_ptr<Outlet> eve, fast;                   // null: not written
  std::array<bool, event_type_names.size()> wanted{};  // in EVE
  bool every_drop = false;
};

EventLog::EventLog(std::unique_ptr<State> state) : state_(std::move(state)) {}
EventLog::EventLog(EventLog&&) noexcept = default;
EventLog& EventLog::operator=(EventLog&&) noexcept = default;
EventLog::~EventLog() = default;

tl::expected<EventLog, std::string> EventLog::open(const OutputSettings& settings) {
  auto state = std::make_unique<State>(settings);
  if (settings.eve.filetype != FileType::regular)
    return tl::unexpected(std::string("outputs.eve-log.filetype: a replay writes regular files"));
  if (settings.log_dir.empty()) return EventLog(std::move(state));
  std::error_code error;
  std::filesystem::create_directories(settings.log_dir, error);
  if (error) {
    return tl::unexpected(
        fmt::format("{}: the log directory can't be made: {}", settings.log_dir, error.message()));
  }
  const auto create = [&](bool enabled, const std::string& name,
                          std::unique_ptr<Outlet>& file) -> tl::expected<void, std::string> {
    if (!enabled) return {};
    auto created = LogFile::create((std::filesystem::path(settings.log_dir) / name).string());
    if (!created) return tl::unexpected(created.error());
    file = std::move(*created);
    return {};
  };
  if (auto result = create(settings.eve.enabled, settings.eve.filename, state->eve); !result) {
    return tl::unexpected(result.error());
  }
  if (auto result = create(settings.fast.enabled, settings.fast.filename, state->fast); !result) {
    return tl::unexpected(result.error());
  }
  return EventLog(std::move(state));
}

EventLog EventLog::queued(const OutputSettings& settings, LogWriter& writer, std::size_t n) {
  auto state = std::make_unique<State>(settings);
  state->eve = writer.outlet(LogWriter::Log::eve, n);
  state->fast = writer.outlet(LogWriter::Log::fast, n);
  return EventLog(std::move(state));
}

void EventLog::select(const EveSettings& settings) {
  state_->select(settings);
}

bool EventLog::wants(EventType type) const {
  const bool eve = state_->eve != nullptr && state_->wanted[static_cast<std::size_t>(type)];
  return eve || (type == EventType::alert && state_->fast != nullptr);
}

template <class Event>
void EventLog::to_eve(EventType type, const Event& event) {
  if (!state_->eve || !state_->wanted[static_cast<std::size_t>(type)]) return;
  state_->eve_writer.write(state_->eve->buffer(), event);
  state_->eve->written(type);
}

void EventLog::write(const AlertEvent& event) {
  to_eve(EventType::alert, event);
  if (!state_->fast) return;
  state_->fast_writer.write(state_->fast->buffer(), event);
  state_->fast->written(EventType::alert);
}

void EventLog::write(const DropEvent& event) {
  if (!event.repeated || state_->every_drop) to_eve(EventType::drop, event);
}

void EventLog::write(const FlowEvent& event) {
  to_eve(EventType::flow, event);
}
void EventLog::write(const AnomalyEvent& event) {
  to_eve(EventType::anomaly, event);
}
void EventLog::write(const StatsEvent& event) {
  to_eve(EventType::stats, event);
}

void EventLog::be_patient() {
  if (state_->eve) state_->eve->be_patient();
  if (state_->fast) state_->fast->be_patient();
}

bool EventLog::finish() {
  const bool eve = !state_->eve || state_->eve->finish();
  const bool fast = !state_->fast || state_->fast->finish();
  return eve && fast;
}

}  // namespace lockstep
