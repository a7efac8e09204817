#include "engine/process/service_manager.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/unix_address.hpp"

namespace lockstep {
namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return value == nullptr ? std::string_view{} : value;
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

ServiceManager::ServiceManager() {
  const std::string_view name = environment("NOTIFY_SOCKET");
  if (name.size() < 2 || (name[0] != '/' && name[0] != '@')) return;
  const auto address = unix_address(std::string(name));
  if (!address) return;
  address_ = *address;
  length_ = sizeof address_;
  if (name[0] == '@') {  // in the abstract namespace, where the length counts: unix(7)
    address_.sun_path[0] = '\0';
    length_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  }
  socket_ = Descriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const std::string_view whom = environment("WATCHDOG_PID");
  const bool ours = whom.empty() || number(whom) == static_cast<std::uint64_t>(::getpid());
  if (const std::uint64_t patience = number(environment("WATCHDOG_USEC")); ours && patience > 0)
    patience_ = std::chrono::microseconds(patience);
}

void ServiceManager::tell(std::string_view lines) const {
  if (!socket_) return;
  static_cast<void>(
      ::sendto(socket_.get(), lines.data(), lines.size(), MSG_NOSIGNAL, generic(address_), length_));
}

// The time lets it tell the READY=1 that follows from one on its way.
void ServiceManager::reloading() const {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                   std::chrono::duration_cast<std::chrono::microseconds>(now).count()));
}

std::optional<std::chrono::milliseconds> Watchdog::interval() const {
  if (!manager_.patience()) return std::nullopt;
  // With what look() adds, two signs are never farther apart than 5/8 of the patience.
  return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(*manager_.patience() / 4),
                  std::chrono::milliseconds(1));
}

void Watchdog::look(const std::vector<std::uint64_t>& turns, Time now) {
  if (!manager_.patience() || now < next_) return;
  seen_.resize(turns.size());
  const auto still = std::mismatch(turns.begin(), turns.end(), seen_.begin(), std::not_equal_to<>()).first;
  if (still == turns.end()) {
    manager_.tell("WATCHDOG=1");
    seen_ = turns;
    last_ = now;
    next_ = now + *manager_.patience() * 3 / 8;
    told_ = false;
  } else if (!told_ && now - last_ > *manager_.patience() / 2) {
    spdlog::error(fmt::format("worker {} stands still: the service manager gets no sign of life",
                              still - turns.begin()));
    told_ = true;
  }
}

}  // namespace lockstep
