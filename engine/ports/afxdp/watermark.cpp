#include "engine/ports/afxdp/watermark.hpp"

#include <atomic>

namespace lockstep::afxdp {

void Watermark::add(Socket& socket, ls_queue& shared) {
  const std::uint64_t sent = std::atomic_ref(shared.sent).load(std::memory_order_acquire);
  queues_.push_back({.socket = &socket, .shared = &shared, .base = sent});
  std::atomic_ref(shared.finished).store(sent, std::memory_order_release);
}

bool Watermark::move_on(Time now) {
  const bool watched =
      now.time_since_epoch().count() < exchange_.watched_until.load(std::memory_order_relaxed);
  if (step_ == Step::idle) {
    if (!watched) return false;
    begin(now);
  }
  if (step_ == Step::taking && all_taken()) {
    for (Egress& egress : egresses_) egress.target = egress.socket->transmitted();
    step_ = Step::leaving;
  }
  if (step_ == Step::leaving && all_left()) publish();
  if (step_ != Step::taking || now - begun_ <= std::chrono::seconds(1)) return false;
  step_ = Step::idle;
  return true;
}

void Watermark::begin(Time now) {
  for (Queue& queue : queues_) {
    queue.lost = queue.socket->losses().ring_full;
    queue.sent = std::atomic_ref(queue.shared->sent).load(std::memory_order_acquire);
    queue.target = queue.sent - queue.base - queue.lost;
  }
  for (std::size_t other = 0; other < exchange_.workers(); ++other)
    if (other != self_)
      lanes_target_[other] = exchange_.lane(other, self_).pushed.load(std::memory_order_acquire);
  begun_ = now;
  step_ = Step::taking;
}

bool Watermark::all_taken() {
  for (const Queue& queue : queues_)
    if (static_cast<std::int64_t>(queue.taken - queue.target) < 0) return false;
  for (std::size_t other = 0; other < exchange_.workers(); ++other) {
    if (other == self_) continue;
    if (lanes_taken_[other] < lanes_target_[other]) return false;
    // What was handed over so far must come out of the other worker's hands too.
    handed_[other] = exchange_.lane(self_, other).pushed.load(std::memory_order_relaxed);
  }
  return true;
}

bool Watermark::all_left() const {
  for (const Egress& egress : egresses_)
    if (egress.socket->done() < egress.target) return false;
  return true;
}

// The lanes first: a worker that waits for another one's hands must not make that one wait in turn.
void Watermark::publish() {
  for (std::size_t other = 0; other < exchange_.workers(); ++other)
    if (other != self_)
      exchange_.lane(other, self_).finished.store(lanes_target_[other], std::memory_order_release);
  for (std::size_t other = 0; other < exchange_.workers(); ++other) {
    if (other == self_) continue;
    if (exchange_.lane(self_, other).finished.load(std::memory_order_acquire) < handed_[other]) return;
  }
  for (const Queue& queue : queues_)
    std::atomic_ref(queue.shared->finished).store(queue.sent, std::memory_order_release);
  step_ = Step::idle;
}

// Frames that a socket refused without counting them (one that was not bound yet) are never heard of again.
std::uint64_t Watermark::write_off(Queue& queue) {
  // Drops since the round began are known, and the next round counts them.
  const std::uint64_t known = queue.socket->losses().ring_full - queue.lost;
  const auto missing = static_cast<std::int64_t>(queue.target - queue.taken - known);
  if (missing <= 0 || queue.socket->waiting(1) > 0) return 0;
  queue.base += static_cast<std::uint64_t>(missing);
  return static_cast<std::uint64_t>(missing);
}

}  // namespace lockstep::afxdp
