// Logs of a running engine: workers never wait, whatever becomes of what is written to.
#include "engine/output/log_writer.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/output/event_log.hpp"
#include "tests/engine/program.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep;
using namespace lockstep::test;
using Log = LogWriter::Log;
using namespace std::chrono_literals;

namespace {

OutputSettings settings_in(const Directory& dir) {
  OutputSettings settings;
  settings.log_dir = dir.path();
  settings.queue = 65'536;
  return settings;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end == std::string::npos ? text.size() : end + 1;
  }
  return lines;
}

void put(Outlet& outlet, EventType type, const std::string& line) {
  outlet.buffer() = line + "\n";
  outlet.written(type);
}

template <class Holds>
bool soon(Holds holds) {
  for (int i = 0; i < 500; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

class File {
 public:
  explicit File(int file) : file_(file) {}
  ~File() { close(); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  operator int() const { return file_; }
  void close() {
    if (file_ >= 0) ::close(file_);
    file_ = -1;
  }
  // What can be read within a moment.
  std::string read() const {
    std::string text;
    char bytes[65'536];
    for (int quiet = 0; quiet < 20;) {
      const ssize_t count = ::recv(file_, bytes, sizeof bytes, MSG_DONTWAIT);
      const ssize_t got = count < 0 && errno == ENOTSOCK ? ::read(file_, bytes, sizeof bytes) : count;
      if (got > 0) {
        text.append(bytes, static_cast<std::size_t>(got));
        quiet = 0;
      } else {
        ++quiet;
        std::this_thread::sleep_for(10ms);
      }
    }
    return text;
  }

 private:
  int file_;
};

int listen_at(const std::string& path, int type) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), address.sun_path);
  const int file = ::socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
  REQUIRE(::bind(file, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  if (type == SOCK_STREAM) REQUIRE(::listen(file, 4) == 0);
  return file;
}

}  // namespace

TEST_CASE("lines of several workers arrive whole and in their order", "[engine][output][threads]") {
  const Directory dir;
  {
    auto writer = LogWriter::open(settings_in(dir), 2).value();
    std::vector<std::thread> workers;
    for (std::size_t n = 0; n < 2; ++n) {
      workers.emplace_back([&, n] {
        const auto outlet = writer->outlet(Log::eve, n);
        for (int i = 0; i < 5000;) {
          const auto before = writer->counters().refused[0];
          put(*outlet, EventType::alert, std::to_string(n) + " " + std::to_string(i) + std::string(20, 'x'));
          if (writer->counters().refused[0] == before) ++i;
        }
      });
    }
    for (std::thread& worker : workers) worker.join();
  }
  std::array<int, 2> next{};
  int others = 0;
  for (const std::string& line : lines_of(dir.read("eve.json"))) {
    const auto worker = static_cast<std::size_t>(line.at(0) - '0');
    const int number = std::stoi(line.substr(2));
    if (number == next.at(worker)) ++next.at(worker);
    if (line.size() != 2 + std::to_string(number).size() + 20) ++others;
  }
  CHECK(next == std::array<int, 2>{5000, 5000});
  CHECK(others == 0);
}

TEST_CASE("what the queue takes is what a replay writes", "[engine][output]") {
  const Directory sync, queued;
  StatsEvent stats;
  Counters counters;
  stats.counters = &counters;
  {
    auto log = EventLog::open(settings_in(sync)).value();
    log.write(stats);
    CHECK(log.finish());
    auto writer = LogWriter::open(settings_in(queued), 1).value();
    auto other = EventLog::queued(settings_in(queued), *writer, 0);
    CHECK(other.wants(EventType::stats));
    other.write(stats);
    EveSettings none;
    none.types = {};
    other.select(none);
    CHECK_FALSE(other.wants(EventType::stats));
    other.write(stats);
    CHECK(other.finish());
  }
  CHECK(sync.read("eve.json") == queued.read("eve.json"));
}

TEST_CASE("a slow disk: workers go on, alerts do not give way to the rest, losses are counted",
          "[engine][output][threads]") {
  const Directory dir;
  REQUIRE(mkfifo(dir.path("eve.json").c_str(), 0600) == 0);
  const File disk(::open(dir.path("eve.json").c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  auto writer = LogWriter::open(settings_in(dir), 1).value();
  auto outlet = writer->outlet(Log::eve, 0);
  // The pipe holds 64 KiB; then the writer's thread stands still, and the queue fills.
  std::uint64_t flows = 0;
  const auto start = std::chrono::steady_clock::now();
  while (writer->counters().refused[static_cast<std::size_t>(EventType::flow)] < 1000) {
    put(*outlet, EventType::flow, "flow " + std::to_string(flows++) + std::string(200, '.'));
  }
  for (int i = 0; i < 100; ++i) put(*outlet, EventType::alert, "alert " + std::to_string(i));
  CHECK(std::chrono::steady_clock::now() - start < 30s);
  CHECK(writer->counters().refused[static_cast<std::size_t>(EventType::alert)] == 0);
  CHECK(outlet->finish());

  std::string text;
  std::thread reader([&] { text = disk.read(); });
  reader.join();
  outlet.reset();
  const std::uint64_t refused = writer->counters().refused[static_cast<std::size_t>(EventType::flow)];
  std::uint64_t came = 0, alerts = 0;
  for (const std::string& line : lines_of(text)) ++(line.starts_with("alert") ? alerts : came);
  CHECK(alerts == 100);
  CHECK(came + refused == flows);
}

TEST_CASE("at the end there is time: more lines than the queue holds are all written",
          "[engine][output][threads]") {
  const Directory dir;
  constexpr int many = 20'000;
  {
    auto writer = LogWriter::open(settings_in(dir), 1).value();
    const auto outlet = writer->outlet(Log::eve, 0);
    outlet->be_patient();
    for (int i = 0; i < many; ++i) put(*outlet, EventType::flow, std::string(100, 'x'));
    CHECK(outlet->finish());
    CHECK(writer->counters().refused[static_cast<std::size_t>(EventType::flow)] == 0);
  }
  CHECK(lines_of(dir.read("eve.json")).size() == many);
}

TEST_CASE("a full disk: lines beyond what can wait are lost and counted; it goes on when there is room",
          "[engine][output][threads]") {
  const Directory dir;
  if (::mount("none", dir.path().c_str(), "tmpfs", 0, "size=256k") != 0) {
    std::cout << "SKIPPED: no privilege to mount a file system\n";
    return;
  }
  struct Unmount {
    const Directory& dir;
    ~Unmount() { ::umount2(dir.path().c_str(), MNT_DETACH); }
  } unmount{dir};
  std::ofstream(dir.path("filler")) << std::string(200'000, 'x');
  OutputSettings settings = settings_in(dir);
  settings.queue = 4U << 20U;
  auto writer = LogWriter::open(settings, 1).value();
  {
    auto outlet = writer->outlet(Log::eve, 0);
    for (int i = 0; i < 20'000; ++i)
      put(*outlet, EventType::alert, std::to_string(100'000 + i) + std::string(100, '.'));
    CHECK(outlet->finish());
    CHECK(soon([&] { return writer->counters().lost > 0; }));
    std::filesystem::remove(dir.path("filler"));
    CHECK(soon([&] { return writer->counters().written > 100'000; }));
  }
  const auto counters = writer->counters();
  writer.reset();
  const auto lines = lines_of(dir.read("eve.json"));
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    if (lines[i] != std::to_string(100'000 + i) + std::string(100, '.')) FAIL("line " << i << " is torn");
  }
  CHECK(counters.lost <= 20'000);
}

TEST_CASE("a reader that is not there, comes, dies and comes again gets whole lines",
          "[engine][output][threads]") {
  const Directory dir;
  OutputSettings settings = settings_in(dir);
  settings.eve.filetype = FileType::unix_stream;
  settings.eve.filename = "eve.sock";
  auto writer = LogWriter::open(settings, 1).value();
  auto outlet = writer->outlet(Log::eve, 0);
  auto fast = writer->outlet(Log::fast, 0);
  put(*outlet, EventType::alert, "first");
  put(*fast, EventType::alert, "text");
  CHECK(soon([&] { return dir.read("fast.log") == "text\n"; }));
  File listening(listen_at(dir.path("eve.sock"), SOCK_STREAM));
  {
    const File reader(::accept(listening, nullptr, nullptr));
    CHECK(reader.read() == "first\n");
    // It reads no more: the socket's buffer fills in the middle of a line.
    for (int i = 0; i < 600; ++i) {
      put(*outlet, EventType::alert, std::to_string(1000 + i) + std::string(2000, '.'));
      if (i % 20 == 0) std::this_thread::sleep_for(1ms);
    }
    put(*fast, EventType::alert, "more");
    CHECK(soon([&] { return dir.read("fast.log") == "text\nmore\n"; }));
  }
  const File again(::accept(listening, nullptr, nullptr));
  const auto lines = lines_of(again.read());
  REQUIRE_FALSE(lines.empty());
  for (const std::string& line : lines) CHECK(line.size() == 2004);
}

TEST_CASE("datagrams and syslog: one a line", "[engine][output]") {
  const Directory dir;
  const bool syslog = GENERATE(false, true);
  const File reader(listen_at(dir.path("log"), SOCK_DGRAM));
  auto destination =
      Destination::open(syslog ? FileType::syslog : FileType::unix_dgram, dir.path("log")).value();
  destination->write("one\ntwo\n");
  std::string long_line(4U << 20U, 'x');
  long_line.back() = '\n';
  destination->write(long_line);
  destination->write("three\n");
  char text[256];
  const std::string prefix = syslog ? "<174>lockstep[" + std::to_string(getpid()) + "]: " : "";
  for (const std::string expected : {"one", "two", "three"}) {
    const ssize_t size = ::recv(reader, text, sizeof text, MSG_DONTWAIT);
    REQUIRE(size > 0);
    CHECK(std::string(text, static_cast<std::size_t>(size)) == prefix + expected);
  }
  CHECK(destination->lost() == 1);
}

TEST_CASE("a rotated file is left, a new one begun, no line torn or lost", "[engine][output][threads]") {
  const Directory dir;
  auto writer = LogWriter::open(settings_in(dir), 1).value();
  auto outlet = writer->outlet(Log::eve, 0);
  std::string all;
  for (int turn = 0; turn < 5; ++turn) {
    for (int i = 0; i < 50; ++i) put(*outlet, EventType::alert, std::to_string(turn * 50 + i));
    std::filesystem::rename(dir.path("eve.json"), dir.path("eve." + std::to_string(turn)));
    writer->reopen();
    REQUIRE(soon([&] { return std::filesystem::exists(dir.path("eve.json")); }));
  }
  outlet.reset();
  writer.reset();
  for (int turn = 0; turn < 5; ++turn) all += dir.read("eve." + std::to_string(turn));
  const auto lines = lines_of(all + dir.read("eve.json"));
  REQUIRE(lines.size() == 250);
  for (std::size_t i = 0; i < lines.size(); ++i) CHECK(lines[i] == std::to_string(i));
}

TEST_CASE("a new file is there after a rotation though nothing is to be written",
          "[engine][output][threads]") {
  const Directory dir;
  auto writer = LogWriter::open(settings_in(dir), 1).value();
  auto outlet = writer->outlet(Log::eve, 0);
  put(*outlet, EventType::alert, "before");
  REQUIRE(soon([&] { return dir.read("eve.json") == "before\n"; }));
  std::filesystem::rename(dir.path("eve.json"), dir.path("eve.0"));
  writer->reopen();
  REQUIRE(soon([&] { return std::filesystem::exists(dir.path("eve.json")); }));
  CHECK(dir.read("eve.0") == "before\n");
}

TEST_CASE("a log that can't be opened is told at the start", "[engine][output]") {
  OutputSettings settings;
  settings.log_dir = "/proc/nowhere";
  CHECK_FALSE(LogWriter::open(settings, 1));
}
