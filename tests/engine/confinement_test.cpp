// What a process can no longer do once it is confined, beside the same process without: each try is made in a
// child, before and after.
#include "engine/process/confinement.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <optional>
#include <thread>

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/process/capabilities.hpp"
#include "engine/process/sanitized.hpp"
#include "engine/process/system_calls.hpp"
#include "tests/engine/program.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep;
using namespace lockstep::test;

namespace {

using Try = std::function<int()>;  // 0: it succeeded; else errno

constexpr int not_confined = 200;  // exit code of a child that could not be confined
constexpr int killed = 201;        // the child was, by the filter of system calls

int by_errno(long result) {
  return result < 0 ? errno : 0;
}

// The outcome of `what`, in a child that was confined by `confine`.
int tried(const std::function<bool()>& confine, const Try& what) {
  std::cout << std::flush;
  const pid_t child = ::fork();
  if (child == 0) {
    if (!confine()) ::_exit(not_confined);
    ::_exit(what());
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status)) return WTERMSIG(status) == SIGSYS ? killed : -WTERMSIG(status);
  return WEXITSTATUS(status);
}

bool as_it_is() {
  return true;
}

bool skipped_unless_root() {
  if (::geteuid() == 0) return false;
  std::cout << "SKIPPED: not root, so that there is nothing to give up\n";
  return true;
}

bool skipped_without_landlock() {
  if (landlock_abi() > 0) return false;
  std::cout << "SKIPPED: this kernel has no Landlock\n";
  return true;
}

int raw_socket() {
  return by_errno(::socket(AF_PACKET, SOCK_RAW, 0));
}

int read_file(const std::string& path) {
  return by_errno(::open(path.c_str(), O_RDONLY));
}

int make_file(const std::string& path) {
  return by_errno(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600));
}

int execute() {
  ::execl("/bin/true", "true", nullptr);
  return errno;
}

int load_program() {
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
  return by_errno(::syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes));
}

int use_port(bool connects, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int file = ::socket(AF_INET, SOCK_STREAM, 0);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  return by_errno(connects ? ::connect(file, generic, sizeof address)
                           : ::bind(file, generic, sizeof address));
}

bool filtered() {
  return filter_system_calls(false).has_value();
}

// A run's settings, whose rules, logs and records stand in a directory of the test's.
struct Places {
  Places() {
    for (const char* name : {"rules", "log", "run", "other"})
      std::filesystem::create_directory(dir.path(name));
    settings.rules.files = {dir.write("rules/a.rules", "# none\n")};
    settings.outputs.log_dir = dir.path("log");
    settings.wire.run_dir = dir.path("run");
    settings.control.socket = dir.path("run/control");
    dir.write("other/b.rules", "# none\n");
  }
  [[nodiscard]] int tried(const Try& what) const {
    return ::tried(
        [this] {
          static std::optional<Confinement> kept;
          auto entered = Confinement::enter(settings, "", false);
          if (!entered || !entered->filter_system_calls()) return false;
          kept.emplace(std::move(*entered));
          return true;
        },
        what);
  }
  Directory dir;
  Settings settings;
};

}  // namespace

TEST_CASE("dropped capabilities: no packet socket, no administration, no other user's files",
          "[engine][process]") {
  if (skipped_unless_root()) return;
  const Directory dir;
  const std::string foreign = dir.write("foreign", "x");
  REQUIRE(::chown(foreign.c_str(), 65534, 65534) == 0);
  REQUIRE(::chmod(foreign.c_str(), 0600) == 0);
  const auto read_foreign = [&] { return read_file(foreign); };
  const auto without = [] { return keep_capabilities({CAP_NET_ADMIN}).has_value(); };
  CHECK(tried(as_it_is, raw_socket) == 0);
  CHECK(tried(without, raw_socket) == EPERM);
  CHECK(tried(as_it_is, read_foreign) == 0);
  CHECK(tried(without, read_foreign) == EACCES);
  const auto with = [] { return keep_capabilities({CAP_NET_RAW}).has_value(); };
  CHECK(tried(with, raw_socket) == 0);
  CHECK(tried(with, [] { return ::prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0); }) == 0);
  CHECK(tried(with, [] { return 1 - ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); }) == 0);
  // What was given up does not come back.
  CHECK(
      tried([] { return keep_capabilities({}).has_value() && keep_capabilities({CAP_NET_RAW}).has_value(); },
            raw_socket) == EPERM);
  CHECK_FALSE(may_access(foreign, R_OK));
  CHECK(may_access(dir.path("."), R_OK));
  CHECK(read_file(foreign) == 0);  // asking changed nothing
}

TEST_CASE("Landlock: a run reaches what its settings name, and nothing else", "[engine][process]") {
  if (skipped_without_landlock()) return;
  Places places;
  places.settings.security.seccomp = false;
  const auto reads = [&](const std::string& path) { return places.tried([&] { return read_file(path); }); };
  const auto makes = [&](const std::string& path) { return places.tried([&] { return make_file(path); }); };
  CHECK(reads(places.dir.path("rules/a.rules")) == 0);
  CHECK(reads("/proc/self/statm") == 0);
  CHECK(makes(places.dir.path("log/eve.json")) == 0);
  CHECK(makes(places.dir.path("run/record")) == 0);
  CHECK(reads("/etc/passwd") == EACCES);
  CHECK(reads("/etc/shadow") == EACCES);
  CHECK(reads(places.dir.path("other/b.rules")) == EACCES);
  CHECK(makes(places.dir.path("rules/c.rules")) == EACCES);
  CHECK(makes(places.dir.path("other/c")) == EACCES);
  CHECK(makes("/dev/shm/lockstep-confined") == EACCES);
  CHECK(places.tried(execute) == EACCES);
  // A file that takes the place of another, as editors and updaters write them.
  CHECK(places.tried([&] {
    const int error =
        by_errno(::rename(places.dir.path("run/record").c_str(), places.dir.path("run/b").c_str()));
    return error != 0 ? error : read_file(places.dir.path("run/b"));
  }) == 0);

  SECTION("ports") {
    constexpr int with_ports = 4;  // Linux 6.7
    if (landlock_abi() < with_ports) return;
    places.settings.metrics.listen = "127.0.0.1:29469";
    CHECK(tried(as_it_is, [] { return use_port(true, 1); }) == ECONNREFUSED);
    CHECK(places.tried([] { return use_port(true, 1); }) == EACCES);
    CHECK(places.tried([] { return use_port(false, 29470); }) == EACCES);
    CHECK(places.tried([] { return use_port(false, 29469); }) == 0);
  }
  SECTION("logs that are named by paths") {
    places.settings.outputs.fast.filename = "../other/fast.log";
    CHECK(makes(places.dir.path("other/fast.log")) == 0);
    places.settings.outputs.fast.filename = places.dir.path("rules/fast.log");
    CHECK(makes(places.dir.path("rules/fast.log")) == 0);
    CHECK(makes(places.dir.path("other/fast.log")) == EACCES);
  }
  SECTION("without it") {
    places.settings.security.landlock = false;
    CHECK(reads("/etc/passwd") == 0);
    CHECK(reads(places.dir.path("other/b.rules")) == 0);
    CHECK(makes(places.dir.path("other/c")) == 0);
  }
  SECTION("what else may be read") {
    places.settings.security.landlock_read = {places.dir.path("other")};
    CHECK(reads(places.dir.path("other/b.rules")) == 0);
    CHECK(makes(places.dir.path("other/c")) == EACCES);
  }
  SECTION("rule files that are links, in directories and by globs") {
    std::filesystem::create_symlink(places.dir.path("other/b.rules"), places.dir.path("rules/link.rules"));
    for (const char* name : {"rules/link.rules", "rules", "rules/*.rules", "*/link.rules"}) {
      CAPTURE(name);
      places.settings.rules.files = {places.dir.path(name)};
      CHECK(reads(places.dir.path("rules/link.rules")) == 0);
    }
  }
}

TEST_CASE("a reload is told which of its files are out of reach", "[engine][process]") {
  if (skipped_without_landlock()) return;
  Places places;
  const auto lines = [&](const std::string& now) {
    return places.tried([] { return 0; }) != 0 ? -1 : tried(as_it_is, [&] {
      const auto confinement =
          Confinement::enter(places.settings, places.dir.path("rules/lockstep.toml"), false);
      Settings anew = places.settings;
      anew.wire.block_files = {places.dir.path(now)};
      const auto told = confinement ? confinement->out_of_reach(anew) : std::vector<std::string>{"", "", ""};
      const bool named = !told.empty() && told[0].find("wire.block-files: " + places.dir.path(now)) == 0;
      return static_cast<int>(told.size()) + (named ? 10 : 0);
    });
  };
  CHECK(lines("rules/blocked") == 0);
  CHECK(lines("rules/below/blocked") == 0);
  CHECK(lines("other/b.rules") == 11);
  CHECK(lines("rules/../other/b.rules") == 11);
  places.settings.security.landlock = false;
  CHECK(lines("other/b.rules") == 0);
}

TEST_CASE("a reload is told of a file that took the place of one that was granted alone",
          "[engine][process]") {
  if (skipped_unless_root() || skipped_without_landlock()) return;
  const std::string rules = "/run/lockstep-test-" + std::to_string(::getpid()) + ".rules";
  const auto told = [&](bool replaced) {
    return tried(as_it_is, [&] {
      Places places;
      places.settings.rules.files = {rules};
      if (make_file(rules) != 0 || make_file(rules + ".new") != 0) return not_confined;
      // Started before, and so not confined: who updates the rules.
      std::atomic<bool> go{false};
      std::thread other([&] {
        while (!go.load()) std::this_thread::yield();
        if (replaced) std::filesystem::rename(rules + ".new", rules);
      });
      const auto confinement = Confinement::enter(places.settings, "", false);
      go.store(true);
      other.join();
      return confinement ? static_cast<int>(confinement->out_of_reach(places.settings).size()) : not_confined;
    });
  };
  CHECK(told(false) == 0);
  CHECK(told(true) == 1);
  for (const char* end : {"", ".new"}) std::filesystem::remove(rules + end);
}

TEST_CASE("of a directory of the system the named file alone is granted", "[engine][process]") {
  CHECK(directories_of("/etc/passwd") == std::vector<std::string>{"/etc/passwd"});
  CHECK(directories_of("/etc/nothing/x.rules") == std::vector<std::string>{"/etc/nothing"});
  CHECK(directories_of("/nothing/*/x.rules") == std::vector<std::string>{"/nothing"});
}

TEST_CASE("seccomp: refused calls fail, hostile ones end the process", "[engine][process]") {
  CHECK(tried(as_it_is, execute) == 0);
  CHECK(tried(filtered, execute) == killed);
  CHECK(tried(filtered, [] { return by_errno(::mount("none", "/mnt", "tmpfs", 0, nullptr)); }) == killed);
  CHECK(tried(filtered, [] { return by_errno(::syscall(SYS_unshare, 0)); }) == killed);
  CHECK(tried(filtered, [] { return by_errno(::syscall(SYS_init_module, nullptr, 0, "")); }) == killed);
  CHECK(tried(filtered, [] { return by_errno(::syscall(SYS_kexec_load, 0, 0, nullptr, 0)); }) == killed);
  if (!sanitized) {  // their runtimes stop the process's threads by both
    CHECK(tried(filtered, [] { return by_errno(::ptrace(PTRACE_TRACEME, 0, 0, 0)); }) == killed);
    CHECK(tried(filtered, [] { return by_errno(::kill(::getppid(), 0)); }) == EPERM);
  }

  CHECK(tried(filtered, raw_socket) == EPERM);
  CHECK(tried(filtered, [] { return by_errno(::socket(AF_INET, SOCK_STREAM, 0)); }) == EPERM);
  CHECK(tried(filtered, load_program) == EPERM);
  CHECK(tried([] { return filter_system_calls(true).has_value(); }, load_program) != EPERM);
  CHECK(tried(filtered, [] { return by_errno(::chmod("/dev/null", 0666)); }) == EPERM);

  CHECK(tried(as_it_is, [] { return by_errno(::kill(::getppid(), 0)); }) == 0);
  CHECK(tried(filtered, [] { return read_file("/dev/null"); }) == 0);
  CHECK(tried(filtered, [] { return by_errno(::kill(::getpid(), 0)); }) == 0);
  CHECK(tried(filtered, [] {
          int outcome = 1;
          std::thread([&] { outcome = raw_socket(); }).join();
          return outcome;
        }) == EPERM);
}

// All that there are, as libseccomp has been seen to make a filter that lets more pass than its rules say.
TEST_CASE("seccomp: which sockets can be made", "[engine][process]") {
  const auto wanted = [](int family, int type) {
    if (family == AF_UNIX) return type == SOCK_STREAM || type == SOCK_DGRAM;
    if (family == AF_NETLINK) return type == SOCK_RAW || type == SOCK_DGRAM;
    return (family == AF_INET || family == AF_INET6) && type == SOCK_DGRAM;
  };
  CHECK(tried(filtered, [&] {
          int wrong = 0;
          for (int family = 0; family < AF_MAX; ++family) {
            for (int type = 0; type < 16; ++type) {
              for (const int flags : {0, int{SOCK_CLOEXEC} | int{SOCK_NONBLOCK}}) {
                const int file = ::socket(family, type | flags, 0);
                const bool refused = file < 0 && errno == EPERM;
                if (file >= 0) ::close(file);
                wrong += refused == wanted(family, type) ? 1 : 0;
              }
            }
          }
          return std::min(wrong, 100);
        }) == 0);
}

TEST_CASE("seccomp holds for threads that were there before it", "[engine][process]") {
  CHECK(tried(as_it_is, [] {
          std::atomic<bool> go{false};
          int outcome = 0;
          std::thread early([&] {
            while (!go.load()) std::this_thread::yield();
            outcome = raw_socket();
          });
          const bool done = filtered();
          go.store(true);
          early.join();
          return done ? outcome : not_confined;
        }) == EPERM);
}

TEST_CASE("each part of the confinement has its switch", "[engine][process]") {
  if (skipped_unless_root() || skipped_without_landlock()) return;
  Places places;
  // A packet socket is refused twice: by capabilities and by the filter.
  CHECK(places.tried(raw_socket) == EPERM);
  places.settings.security.seccomp = false;
  CHECK(places.tried(raw_socket) == EPERM);
  places.settings.security.drop_capabilities = false;
  CHECK(places.tried(raw_socket) == 0);
  places.settings.security.seccomp = true;
  CHECK(places.tried(raw_socket) == EPERM);
  CHECK(places.tried(execute) == killed);
  places.settings.security.seccomp = false;
  places.settings.security.landlock = false;
  CHECK(places.tried(execute) == 0);
}

TEST_CASE("another user's rules keep one capability, to read them", "[engine][process]") {
  if (skipped_unless_root() || skipped_without_landlock()) return;
  Places places;
  const std::string rules = places.dir.path("rules");
  REQUIRE(::chown(rules.c_str(), 65534, 65534) == 0);
  REQUIRE(::chmod(rules.c_str(), 0700) == 0);
  CHECK(places.tried([&] { return read_file(rules + "/a.rules"); }) == 0);
  CHECK(places.tried([&] { return make_file(rules + "/c.rules"); }) == EACCES);
  CHECK(places.tried(raw_socket) == EPERM);
}
