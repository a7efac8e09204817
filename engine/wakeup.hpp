// What ends another thread's poll(), from any thread.
#pragma once
#include <cstdint>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/descriptor.hpp"

namespace lockstep {

class Wakeup {
 public:
  explicit operator bool() const { return static_cast<bool>(file_); }
  // To be polled beside the poller's own.
  [[nodiscard]] pollfd file() const { return {file_.get(), POLLIN, 0}; }
  void wake() const {
    const std::uint64_t once = 1;
    static_cast<void>(::write(file_.get(), &once, sizeof once));
  }
  // After poll(): what woke it is forgotten.
  void clear(const pollfd& polled) const {
    std::uint64_t calls = 0;
    if (polled.revents != 0) static_cast<void>(::read(file_.get(), &calls, sizeof calls));
  }

 private:
  Descriptor file_{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
};

}  // namespace lockstep
