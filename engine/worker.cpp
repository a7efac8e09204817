#include "engine/worker.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include "engine/pipeline_config.hpp"

namespace lockstep {
namespace {

constexpr auto tick_interval = std::chrono::seconds(1);
constexpr auto longest_end = std::chrono::milliseconds(100);
constexpr auto longest_sleep = std::chrono::milliseconds(100);  // timers have a grain of a second

}  // namespace

Worker::Worker(const Shared& shared, std::size_t n, EventLog log, WireSeat seat)
    : board_(shared.board),
      n_(n),
      log_(std::move(log)),
      port_(std::move(seat.port)),
      verdicts_(std::move(seat.verdicts)),
      reporter_({shared.settings.mode == Mode::enforce, shared.settings.outputs.stats_interval,
                 shared.board.current().get(), shared.settings.outputs.eve.payload},
                log_, verdicts_.get()) {}

Worker::~Worker() {
  stop();
}

tl::expected<std::unique_ptr<Worker>, std::string> Worker::make(const Shared& shared, std::size_t n,
                                                                EventLog log, WireSeat seat) {
  std::unique_ptr<Worker> worker(new Worker(shared, n, std::move(log), std::move(seat)));
  auto inspector = make_inspector(shared.settings, shared.board.current(), shared.hosts);
  if (!inspector) return tl::unexpected(inspector.error());
  worker->inspector_.emplace(std::move(*inspector));
  auto config = make_pipeline_config(shared.settings, worker->inspector_->window());
  if (!config) return tl::unexpected(config.error());
  config->session.captured_hosts = false;
  config->wire.sides = true;
  config->seed = shared.seed;
  worker->pipeline_.emplace(*config, &*worker->inspector_, worker->reporter_, *worker->port_);
  worker->reporter_.watch(*worker->pipeline_);
  if (worker->verdicts_) worker->verdicts_->watch(*worker->pipeline_, worker->reporter_.counters().flow);
  return worker;
}

void Worker::start(std::function<void()> failed) {
  thread_ = std::thread([this, failed = std::move(failed)] {
    run();
    if (!error_.empty()) failed();
  });
}

void Worker::stop() {
  if (!thread_.joinable()) return;
  stopping_.store(true, std::memory_order_release);
  port_->wake();
  thread_.join();
}

void Worker::run() {
  pthread_setname_np(pthread_self(), fmt::format("worker-{}", n_).c_str());
  while (!stopping_.load(std::memory_order_acquire) && turn()) {
  }
  take_what_is_left();
  board_.leave(n_);
  log_.be_patient();
  pipeline_->finish();
  port_->flush();
  take_losses();
  reporter_.finish(clock_.now());
  snapshot();
}

bool Worker::turn() {
  take_rules();
  if (port_->take_gap()) {
    pipeline_->miss(clock_.now());
    port_->resume();
  }
  const auto count = take_batch();
  if (!count) return false;
  const Timestamp now = *count > 0 ? batch_[*count - 1].time : clock_.now();
  if (*count == 0) pipeline_->advance(now);
  const bool sweeping = pipeline_->sweep(1);
  if (now >= next_tick_) tick(now);
  port_->flush();
  if (verdicts_) verdicts_->advance(now);
  if (*count == 0 && !sweeping) port_->wait(longest_sleep);
  return true;
}

std::optional<std::size_t> Worker::take_batch() {
  const auto count = port_->receive(batch_);
  if (!count) {
    error_ = count.error();
    return std::nullopt;
  }
  for (Frame& frame : std::span(batch_).first(*count)) {
    reporter_.arrived(frame);
    pipeline_->process(frame);
  }
  return *count;
}

// Where the kernel goes on alone, what came in before that is still ours.
void Worker::take_what_is_left() {
  const auto until = std::chrono::steady_clock::now() + longest_end;
  while (error_.empty() && std::chrono::steady_clock::now() < until) {
    const auto count = take_batch();
    port_->flush();
    if (!count || *count == 0) return;
  }
}

void Worker::tick(Timestamp now) {
  next_tick_ = now + tick_interval;
  take_losses();
  if (verdicts_) verdicts_->sweep(now);
  reporter_.tick(now);
  snapshot();
}

void Worker::take_losses() {
  const PortLosses losses = port_->take_losses();
  Counters& counters = reporter_.counters();
  for (std::size_t i = 1; i < reason_count; ++i) {
    const auto reason = static_cast<Reason>(i);
    if (losses.received[i].packets > 0) counters.lost(reason, losses.received[i]);
    if (losses.leaving[i].packets > 0) counters.not_sent(reason, losses.leaving[i]);
    if (losses.made[i].packets > 0) counters.made_in_vain(losses.made[i]);
  }
}

void Worker::take_rules() {
  auto taken = board_.take(n_);
  if (!taken) return;
  const auto adopted = pipeline_->adopt(std::move(taken->rules), std::move(taken->scratch));
  if (!adopted) spdlog::error("rules: {}", adopted.error());
  board_.adopted(n_);
}

void Worker::snapshot() {
  reporter_.counters().detect.recursion_limit = inspector_->counters().recursion_limit;
  reporter_.counters().detect.pcre_limit = inspector_->counters().pcre_limit;
  const std::scoped_lock lock(mutex_);
  counters_ = reporter_.counters();
}

Counters Worker::counters() const {
  const std::scoped_lock lock(mutex_);
  return counters_;
}

}  // namespace lockstep
