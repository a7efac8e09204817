// What a service manager is told, as it would hear it.
#include "engine/process/service_manager.hpp"

#include <array>
#include <cstdlib>
#include <filesystem>

#include <sys/socket.h>
#include <unistd.h>

#include "engine/unix_address.hpp"
#include "tests/engine/program.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep;
using namespace lockstep::test;
using namespace std::chrono_literals;

namespace {

// Listens at `name`, as NOTIFY_SOCKET has it, and names itself in the environment.
class Manager {
 public:
  explicit Manager(const std::string& name, const char* patience = nullptr) {
    auto address = unix_address(name).value();
    socklen_t length = sizeof address;
    if (name[0] == '@') {
      address.sun_path[0] = '\0';
      length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    }
    REQUIRE(::bind(file_.get(), generic(address), length) == 0);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
    if (patience != nullptr) ::setenv("WATCHDOG_USEC", patience, 1);
  }
  ~Manager() {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  // The next message; empty: there is none.
  std::string heard() {
    std::array<char, 4096> bytes{};
    const ssize_t count = ::recv(file_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    return count < 0 ? std::string() : std::string(bytes.data(), static_cast<std::size_t>(count));
  }

 private:
  Descriptor file_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

}  // namespace

TEST_CASE("a service manager is told by the socket that the environment names", "[engine][process]") {
  const Directory dir;
  for (const std::string& name : {dir.path("notify"), "@lockstep-test-" + std::to_string(::getpid())}) {
    CAPTURE(name);
    Manager manager(name);
    const ServiceManager ours;
    ours.tell("READY=1");
    CHECK(manager.heard() == "READY=1");
    ours.reloading();
    CHECK(manager.heard().find("RELOADING=1\nMONOTONIC_USEC=") == 0);
    CHECK_FALSE(ours.patience());
  }
}

TEST_CASE("without a service manager nobody is told", "[engine][process]") {
  ::unsetenv("NOTIFY_SOCKET");
  const ServiceManager nobody;
  nobody.tell("READY=1");
  CHECK_FALSE(nobody.patience());
  Watchdog watchdog(nobody);
  CHECK_FALSE(watchdog.interval());
  watchdog.look({1}, std::chrono::steady_clock::now());
}

TEST_CASE("the watchdog's patience may be another process's", "[engine][process]") {
  const Directory dir;
  Manager manager(dir.path("notify"), "2000000");
  CHECK(ServiceManager().patience() == 2s);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  CHECK(ServiceManager().patience() == 2s);
  ::setenv("WATCHDOG_PID", "1", 1);
  CHECK_FALSE(ServiceManager().patience());
}

TEST_CASE("a sign of life is given while every worker goes on", "[engine][process]") {
  const Directory dir;
  Manager manager(dir.path("notify"), "8000000");
  const ServiceManager ours;
  Watchdog watchdog(ours);
  CHECK(watchdog.interval() == 2s);
  auto now = std::chrono::steady_clock::now();
  const auto look = [&](std::vector<std::uint64_t> turns) {
    now += 2s;
    watchdog.look(turns, now);
    return manager.heard();
  };
  CHECK(look({0, 5}).empty());  // the first has not begun
  CHECK(look({1, 6}) == "WATCHDOG=1");
  CHECK(look({2, 7}).empty());  // not as often as that
  CHECK(look({3, 8}) == "WATCHDOG=1");
  CHECK(look({4, 8}).empty());
  CHECK(look({9, 8}).empty());  // the second stands still
  CHECK(look({10, 8}).empty());
  CHECK(look({11, 9}) == "WATCHDOG=1");
  // The workers' turns are compared with those at the last sign, and one of them went on since.
  CHECK(look({11, 10}).empty());
  CHECK(look({11, 11}).empty());
  CHECK(look({12, 11}) == "WATCHDOG=1");
}
