#include "engine/output/log_writer.hpp"

#include <chrono>
#include <filesystem>

#include <fmt/format.h>

namespace lockstep {
namespace {

constexpr std::size_t slice = 65'536;  // bytes of one ring at a time

bool is_urgent(EventType type) {
  return type == EventType::alert || type == EventType::drop;
}

std::string place_of(const OutputSettings& settings, FileType type, const std::string& name) {
  if (type == FileType::syslog) return "/dev/log";
  return (std::filesystem::path(settings.log_dir) / name).string();
}

}  // namespace

// A worker's end of one log.
class LogWriter::Queue final : public Outlet {
 public:
  explicit Queue(Rings& rings) : rings_(rings) { line_.reserve(slice); }

  std::string& buffer() override { return line_; }
  void written(EventType type) override {
    LineRing& ring = is_urgent(type) ? rings_.urgent : rings_.routine;
    bool pushed = ring.push(line_);
    while (!pushed && Clock::now() < patient_until_) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      pushed = ring.push(line_);
    }
    if (!pushed) {
      auto& refused = rings_.refused[static_cast<std::size_t>(type)];
      refused.store(refused.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      lost_ = lost_ || is_urgent(type);
    }
    line_.clear();
  }
  void be_patient() override { patient_until_ = Clock::now() + std::chrono::seconds(5); }
  bool finish() override { return !lost_; }

 private:
  using Clock = std::chrono::steady_clock;
  Rings& rings_;
  std::string line_;
  bool lost_ = false;
  Clock::time_point patient_until_{};
};

tl::expected<std::unique_ptr<LogWriter>, std::string> LogWriter::open(const OutputSettings& settings,
                                                                      std::size_t workers) {
  std::unique_ptr<LogWriter> writer(new LogWriter());
  if (!settings.log_dir.empty()) {
    std::error_code error;
    std::filesystem::create_directories(settings.log_dir, error);
    if (error) {
      return tl::unexpected(
          fmt::format("{}: the log directory can't be made: {}", settings.log_dir, error.message()));
    }
  }
  const auto add = [&](Log log, bool enabled, FileType type,
                       const std::string& name) -> tl::expected<void, std::string> {
    if (!enabled || (settings.log_dir.empty() && type != FileType::syslog)) return {};
    auto destination = Destination::open(type, place_of(settings, type, name));
    if (!destination) return tl::unexpected(destination.error());
    Output& output = writer->outputs_[static_cast<std::size_t>(log)];
    output.destination = std::move(*destination);
    for (std::size_t n = 0; n < workers; ++n) output.rings.push_back(std::make_unique<Rings>(settings.queue));
    return {};
  };
  if (auto added = add(Log::eve, settings.eve.enabled, settings.eve.filetype, settings.eve.filename); !added)
    return tl::unexpected(added.error());
  if (auto added = add(Log::fast, settings.fast.enabled, FileType::regular, settings.fast.filename); !added)
    return tl::unexpected(added.error());
  writer->thread_ = std::thread([self = writer.get()] { self->run(); });
  return writer;
}

LogWriter::~LogWriter() {
  ending_.store(true, std::memory_order_release);
  if (thread_.joinable()) thread_.join();
}

std::unique_ptr<Outlet> LogWriter::outlet(Log log, std::size_t n) {
  Output& output = outputs_[static_cast<std::size_t>(log)];
  if (!output.destination) return nullptr;
  return std::make_unique<Queue>(*output.rings[n]);
}

LogCounters LogWriter::counters() const {
  LogCounters total;
  for (const Output& output : outputs_) {
    for (const auto& rings : output.rings) {
      for (std::size_t type = 0; type < event_type_count; ++type)
        total.refused[type] += rings->refused[type].load(std::memory_order_relaxed);
    }
    total.lost += output.lost.load(std::memory_order_relaxed);
    total.written += output.written.load(std::memory_order_relaxed);
  }
  return total;
}

void LogWriter::run() {
  using Clock = std::chrono::steady_clock;
  constexpr auto pause = std::chrono::milliseconds(5);
  while (!ending_.load(std::memory_order_acquire)) {
    if (!turn()) std::this_thread::sleep_for(pause);
  }
  const auto enough = Clock::now() + std::chrono::seconds(2);
  const auto waits = [&] {
    return std::any_of(outputs_.begin(), outputs_.end(), [](const Output& output) {
      return output.destination && output.destination->waiting();
    });
  };
  while ((turn() || waits()) && Clock::now() < enough)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

// False: there was nothing to write.
bool LogWriter::turn() {
  if (reopen_.exchange(false, std::memory_order_acq_rel)) {
    for (Output& output : outputs_) {
      if (output.destination) output.destination->reopen();
    }
  }
  bool any = false;
  for (Output& output : outputs_) {
    if (!output.destination) continue;
    while (move(output, &Rings::urgent)) any = true;
    any = move(output, &Rings::routine) || any;
    if (!any) output.destination->write({});
    output.lost.store(output.destination->lost(), std::memory_order_relaxed);
    output.written.store(output.destination->written(), std::memory_order_relaxed);
  }
  return any;
}

bool LogWriter::move(Output& output, LineRing Rings::*which) {
  batch_.clear();
  for (const auto& rings : output.rings) (*rings.*which).pop(batch_, slice);
  if (batch_.empty()) return false;
  output.destination->write(batch_);
  return true;
}

}  // namespace lockstep
