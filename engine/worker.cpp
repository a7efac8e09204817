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

std::uint64_t nanoseconds_since(std::chrono::steady_clock::time_point start) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count());
}

}  // namespace

Worker::Worker(const Shared& shared, std::size_t n, InterfaceNames interfaces, EventLog log, WireSeat seat)
    : board_(shared.board),
      n_(n),
      log_(std::move(log)),
      port_(std::move(seat.port)),
      verdicts_(std::move(seat.verdicts)),
      samples_(std::move(seat.samples)),
      reporter_({shared.settings.mode == Mode::enforce, shared.settings.outputs.stats_interval,
                 shared.board.current().get(), shared.settings.outputs.eve.payload, std::move(interfaces)},
                log_, verdicts_.get()) {}

Worker::~Worker() {
  stop();
}

tl::expected<std::unique_ptr<Worker>, std::string> Worker::make(const Shared& shared, std::size_t n,
                                                                InterfaceNames interfaces, EventLog log,
                                                                WireSeat seat) {
  std::unique_ptr<Worker> worker(
      new Worker(shared, n, std::move(interfaces), std::move(log), std::move(seat)));
  auto inspector = make_inspector(shared.settings, shared.board.current(), shared.hosts);
  if (!inspector) return tl::unexpected(inspector.error());
  worker->inspector_.emplace(std::move(*inspector));
  auto config = make_pipeline_config(shared.settings, worker->inspector_->window());
  if (!config) return tl::unexpected(config.error());
  config->session.captured_hosts = false;
  config->wire.sides = true;
  config->seed = shared.seed;
  constexpr unsigned numbers_of_a_worker = 48;  // bits
  config->flows_before = static_cast<std::uint64_t>(n) << numbers_of_a_worker;
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
  mailbox_.close();
  log_.be_patient();
  pipeline_->finish();
  port_->flush();
}

void Worker::close() {
  port_->close();
  take_losses();
  reporter_.finish(clock_.now());
  snapshot();
}

bool Worker::turn() {
  turns_.store(turns_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
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
  const bool asked = mailbox_.work(*pipeline_);
  if (now >= next_tick_) tick(now);
  if (*count == 0) port_->flush();  // else that was done behind the batch
  if (verdicts_) verdicts_->advance();
  if (*count == 0 && !sweeping && !asked) port_->wait(longest_sleep);
  return true;
}

void Worker::process(std::size_t count) {
  if (count == 0) return;
  const auto start = std::chrono::steady_clock::now();
  for (Frame& frame : std::span(batch_).first(count)) {
    arrivals_[frame.port & 1U].received += {1, frame.wire_length};
    reporter_.arrived(frame);
    pipeline_->process(frame);
  }
  port_->flush();
  histograms_.batch.record(count);
  histograms_.packet.record(nanoseconds_since(start), count);
}

std::optional<std::size_t> Worker::take_batch() {
  const auto count = port_->receive(batch_);
  if (!count) {
    error_ = count.error();
    return std::nullopt;
  }
  process(*count);
  return *count;
}

// Where the kernel goes on alone, what came in before that is still ours.
void Worker::take_what_is_left() {
  const auto until = std::chrono::steady_clock::now() + longest_end;
  while (error_.empty() && std::chrono::steady_clock::now() < until) {
    const auto count = take_batch();
    if (!count || *count == 0) return;
  }
}

void Worker::tick(Timestamp now) {
  next_tick_ = now + tick_interval;
  take_losses();
  if (verdicts_) verdicts_->sweep(now);
  if (samples_) samples_->tell(reporter_, clock_);
  reporter_.tick(now);
  snapshot();
}

void Worker::take_losses() {
  const PortLosses losses = port_->take_losses();
  Counters& counters = reporter_.counters();
  for (std::size_t i = 1; i < reason_count; ++i) {
    const auto reason = static_cast<Reason>(i);
    for (std::size_t side = 0; side < arrivals_.size(); ++side) {
      const Amount& lost = losses.received[side][i];
      if (lost.packets == 0) continue;
      counters.lost(reason, lost);
      arrivals_[side].lost += lost;
    }
    if (losses.leaving[i].packets > 0) counters.not_sent(reason, losses.leaving[i]);
    if (losses.made[i].packets > 0) counters.made_in_vain(losses.made[i]);
  }
}

void Worker::take_rules() {
  auto taken = board_.take(n_);
  if (!taken) return;
  const auto start = std::chrono::steady_clock::now();
  const auto adopted = pipeline_->adopt(std::move(taken->rules), std::move(taken->scratch));
  if (!adopted) spdlog::error(fmt::format("rules: {}", adopted.error()));
  histograms_.swap.record(nanoseconds_since(start));
  board_.adopted(n_);
}

bool Worker::ask(Mailbox::Task task) {
  const bool posted = mailbox_.post(std::move(task));
  if (posted) port_->wake();
  return posted;
}

void Worker::snapshot() {
  reporter_.counters().detect.recursion_limit = inspector_->counters().recursion_limit;
  reporter_.counters().detect.pcre_limit = inspector_->counters().pcre_limit;
  const std::scoped_lock lock(mutex_);
  report_ = {reporter_.counters(), pipeline_->gauges(), arrivals_};
}

WorkerReport Worker::report() const {
  const std::scoped_lock lock(mutex_);
  return report_;
}

}  // namespace lockstep
