#include "engine/output/event_log.hpp"

#include <array>
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "engine/output/eve.hpp"
#include "engine/output/fast.hpp"
#include "engine/output/log_file.hpp"

namespace lockstep {
namespace {

constexpr std::array<std::string_view, 5> type_names{"alert", "drop", "flow", "anomaly", "stats"};

}  // namespace

struct EventLog::State {
  explicit State(const OutputSettings& settings)
      : eve_writer(settings.eve), every_drop(settings.eve.drop_flows == DropFlows::all) {
    for (std::size_t i = 0; i < type_names.size(); ++i) {
      for (const std::string& type : settings.eve.types) wanted[i] = wanted[i] || type == type_names[i];
    }
  }

  EveWriter eve_writer;
  FastWriter fast_writer;
  std::optional<LogFile> eve, fast;
  std::array<bool, type_names.size()> wanted{};  // in EVE
  bool every_drop;
};

EventLog::EventLog(std::unique_ptr<State> state) : state_(std::move(state)) {}
EventLog::EventLog(EventLog&&) noexcept = default;
EventLog& EventLog::operator=(EventLog&&) noexcept = default;
EventLog::~EventLog() = default;

tl::expected<EventLog, std::string> EventLog::open(const OutputSettings& settings) {
  auto state = std::make_unique<State>(settings);
  if (settings.log_dir.empty()) return EventLog(std::move(state));
  std::error_code error;
  std::filesystem::create_directories(settings.log_dir, error);
  if (error) {
    return tl::unexpected(
        fmt::format("{}: the log directory can't be made: {}", settings.log_dir, error.message()));
  }
  const auto create = [&](bool enabled, const std::string& name,
                          std::optional<LogFile>& file) -> tl::expected<void, std::string> {
    if (!enabled) return {};
    auto created = LogFile::create((std::filesystem::path(settings.log_dir) / name).string());
    if (!created) return tl::unexpected(created.error());
    file.emplace(std::move(*created));
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

bool EventLog::wants(EventType type) const {
  const bool eve = state_->eve.has_value() && state_->wanted[static_cast<std::size_t>(type)];
  return eve || (type == EventType::alert && state_->fast.has_value());
}

template <class Event>
void EventLog::to_eve(EventType type, const Event& event) {
  if (!state_->eve || !state_->wanted[static_cast<std::size_t>(type)]) return;
  state_->eve_writer.write(state_->eve->buffer(), event);
  state_->eve->written();
}

void EventLog::write(const AlertEvent& event) {
  to_eve(EventType::alert, event);
  if (!state_->fast) return;
  state_->fast_writer.write(state_->fast->buffer(), event);
  state_->fast->written();
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

bool EventLog::finish() {
  const bool eve = !state_->eve || state_->eve->finish();
  const bool fast = !state_->fast || state_->fast->finish();
  return eve && fast;
}

}  // namespace lockstep
