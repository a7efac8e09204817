// What systemd wants to know of a service of Type=notify, by datagrams as sd_notify(3) and
// sd_watchdog_enabled(3) describe them. Written here rather than taken from libsystemd, which would bring six
// libraries along for two variables and a socket. Without a manager that asks, everything here does nothing.
// The main thread's, but for tell().
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/un.h>

#include "engine/descriptor.hpp"

namespace lockstep {

class ServiceManager {
 public:
  // Whom the environment names (NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID).
  ServiceManager();

  // Lines of the protocol ("READY=1\nSTATUS=..."). Any thread. Never waits: a manager that does not read is
  // not told.
  void tell(std::string_view lines) const;
  void reloading() const;
  // How long it waits for a sign of life; nothing: it does not.
  [[nodiscard]] std::optional<std::chrono::microseconds> patience() const { return patience_; }

 private:
  Descriptor socket_;
  sockaddr_un address_{};
  socklen_t length_ = 0;
  std::optional<std::chrono::microseconds> patience_;
};

// Gives the manager a sign of life for as long as every worker goes on.
class Watchdog {
 public:
  using Time = std::chrono::steady_clock::time_point;
  explicit Watchdog(const ServiceManager& manager) : manager_(manager) {}

  // How often look() is to be called, at least; nothing: nobody waits for a sign.
  [[nodiscard]] std::optional<std::chrono::milliseconds> interval() const;
  // `turns`: of each worker, a number that grows while it goes on. A sign is given when all have grown since
  // the last one. A worker that does not go on for that long is told of once, in the log.
  void look(const std::vector<std::uint64_t>& turns, Time now);

 private:
  const ServiceManager& manager_;
  std::vector<std::uint64_t> seen_;
  Time next_{};
  Time last_ = std::chrono::steady_clock::now();
  bool told_ = false;
};

}  // namespace lockstep
