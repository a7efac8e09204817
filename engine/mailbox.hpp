// Questions of other threads to a worker, which looks here once a turn: a read of shared memory when there is
// none. Bounded; nobody waits.
#pragma once
#include <atomic>
#include <deque>
#include <functional>
#include <mutex>

namespace lockstep {

class Pipeline;

class Mailbox {
 public:
  static constexpr std::size_t room = 64;
  // A piece of a question's work, of bounded length, on the worker's thread. True: it is done.
  using Task = std::function<bool(Pipeline& pipeline)>;

  // Any thread. False: there is no room, or the worker has ended.
  [[nodiscard]] bool post(Task task) {
    const std::scoped_lock lock(mutex_);
    if (closed_ || tasks_.size() >= room) return false;
    tasks_.push_back(std::move(task));
    waiting_.store(true, std::memory_order_release);
    return true;
  }

  // The worker: a piece of the oldest. False: there is nothing to do.
  bool work(Pipeline& pipeline) {
    if (!current_ && !next()) return false;
    if (current_(pipeline)) current_ = nullptr;
    return true;
  }
  // The worker: it takes no more. What waits is forgotten; who asked sees that from a broken promise.
  void close() {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    tasks_.clear();
    current_ = nullptr;
  }

 private:
  bool next() {
    if (!waiting_.load(std::memory_order_acquire)) return false;
    const std::scoped_lock lock(mutex_);
    if (!tasks_.empty()) {
      current_ = std::move(tasks_.front());
      tasks_.pop_front();
    }
    waiting_.store(!tasks_.empty(), std::memory_order_relaxed);
    return static_cast<bool>(current_);
  }

  std::atomic<bool> waiting_{false};
  std::mutex mutex_;
  std::deque<Task> tasks_;
  bool closed_ = false;
  Task current_;  // the worker's
};

}  // namespace lockstep
