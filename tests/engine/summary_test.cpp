#include "engine/cli/summary.hpp"

#include <array>
#include <cstdlib>

#include <fcntl.h>
#include <pty.h>
#include <unistd.h>

#include "engine/cli/progress.hpp"
#include "engine/cli/terminal.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep;
using namespace std::chrono_literals;

namespace {

// A terminal to print on, and what stands on it.
class Terminal {
 public:
  Terminal() {
    int end = -1;
    REQUIRE(openpty(&screen_, &end, nullptr, nullptr, nullptr) == 0);
    REQUIRE(fcntl(screen_, F_SETFL, O_NONBLOCK) == 0);
    stream = fdopen(end, "w");
  }
  ~Terminal() {
    std::fclose(stream);
    close(screen_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  std::string text() {
    std::fflush(stream);
    std::array<char, 4096> buffer{};
    const ssize_t count = read(screen_, buffer.data(), buffer.size());
    return {buffer.data(), count > 0 ? static_cast<std::size_t>(count) : 0};
  }

  std::FILE* stream = nullptr;

 private:
  int screen_ = -1;
};

// Puts a variable of the environment back when the test ends.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    const char* old = std::getenv(name);
    if (old != nullptr) old_ = old;
    if (value != nullptr) {
      setenv(name, value, 1);
    } else {
      unsetenv(name);
    }
  }
  ~Variable() {
    if (old_.empty()) {
      unsetenv(name_);
    } else {
      setenv(name_, old_.c_str(), 1);
    }
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::string old_;
};

Counters example() {
  Counters counters;
  const auto packet = [&](PacketKind kind, Action action, Reason reason) {
    counters.arrived(1000);
    counters.decided({.kind = kind, .ip_version = 4, .verdict = {action, reason}, .bytes = 1000});
  };
  for (int i = 0; i < 1234; ++i) packet(PacketKind::tcp, Action::forward, Reason::none);
  packet(PacketKind::udp, Action::forward, Reason::none);
  packet(PacketKind::tcp, Action::drop, Reason::paws_old);
  packet(PacketKind::tcp, Action::drop, Reason::diverged);
  packet(PacketKind::tcp, Action::drop, Reason::diverged);
  packet(PacketKind::tcp, Action::rewrite, Reason::fin_cleared);
  counters.matched({1, 77, 2});
  counters.matched({1, 42, 1});
  counters.matched({1, 42, 1});
  counters.flow.total = 10;
  counters.flow.diverged = 1;
  counters.flow.with_capture_gap = 2;
  counters.tcp.gaps = 3;
  counters.tcp.gap_bytes = 4096;
  return counters;
}

}  // namespace

TEST_CASE("the summary tells packets, reasons, flows, alerts and gaps", "[engine][summary]") {
  const Counters counters = example();
  std::vector<signatures::Rule> rules(1);
  rules[0].id = {1, 42, 1};
  rules[0].message = "an attack";
  const std::string page = to_string(Summary{counters, rules, std::nullopt}, false);
  CHECK(page ==
        "packets     1,239 (1,239,000 bytes)\n"
        "         1,235  forwarded\n"
        "             1  rewritten\n"
        "             3  dropped\n"
        "             1  udp\n"
        "reasons     of packets that were dropped or rewritten, or malformed\n"
        "             2  diverged  " +
            std::string(text(Reason::diverged)) +
            "\n"
            "             1  paws_old  " +
            std::string(text(Reason::paws_old)) +
            "\n"
            "             1  fin_cleared  " +
            std::string(text(Reason::fin_cleared)) +
            "\n"
            "flows       10\n"
            "alerts      3\n"
            "             2  1:42  an attack\n"
            "             1  1:77\n"
            "gaps        3 (4,096 bytes)\n"
            "diverged    2 packets (0.16 %) in 1 flow (10.00 %): the captured hosts went another way\n"
            "capture gap 2 flows (20.00 %): the capture lacks bytes that were acknowledged\n");
}

TEST_CASE("speed is told only where it is given, and sums that do not hold are errors", "[engine][summary]") {
  Counters counters = example();
  CHECK_THAT(to_string(Summary{counters, {}, 2s}, false),
             Catch::EndsWith("speed       0.00 Gbit/s, 619 packets/s in 2.00 s\n"));
  counters.arrived(60);
  CHECK_THAT(to_string(Summary{counters, {}, {}}, false),
             Catch::Contains("error: counters: held (1 packets, 60 bytes)"));
  CHECK_THAT(to_string(Summary{counters, {}, {}}, true), Catch::Contains("\x1b[31merror: \x1b[0m"));
}

TEST_CASE("an empty run has a summary too", "[engine][summary]") {
  const std::string page = to_string(Summary{Counters{}, {}, 0s}, false);
  CHECK_THAT(page, Catch::Contains("packets     0 (0 bytes)") && Catch::Contains("(0 %)") &&
                       !Catch::Contains("speed"));
}

TEST_CASE("numbers are grouped by thousands", "[engine][summary]") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1000) == "1,000");
  CHECK(grouped(18446744073709551615U) == "18,446,744,073,709,551,615");
}

TEST_CASE("colours are for terminals, and NO_COLOR turns them off", "[engine][terminal]") {
  Terminal terminal;
  std::FILE* file = std::tmpfile();
  {
    const Variable kind("TERM", "xterm"), none("NO_COLOR", nullptr);
    CHECK(use_colours(terminal.stream));
    CHECK_FALSE(use_colours(file));
    const Variable empty("NO_COLOR", "");
    CHECK(use_colours(terminal.stream));
    const Variable set("NO_COLOR", "1");
    CHECK_FALSE(use_colours(terminal.stream));
  }
  const Variable kind("TERM", "dumb"), none("NO_COLOR", nullptr);
  CHECK_FALSE(use_colours(terminal.stream));
  std::fclose(file);
}

TEST_CASE("the progress bar is drawn for large input on a terminal only, and goes away",
          "[engine][progress]") {
  Terminal terminal;
  {
    Progress small(terminal.stream, 1000);
    small.update(500);
  }
  CHECK(terminal.text().empty());
  {
    Progress large(terminal.stream, 2 * Progress::worth_a_bar);
    large.update(Progress::worth_a_bar);
    CHECK_THAT(terminal.text(), Catch::Contains("[###############               ]  50 %"));
    large.update(2 * Progress::worth_a_bar);
    CHECK(terminal.text().empty());  // too soon to draw again
  }
  CHECK(terminal.text() == "\r\x1b[K");

  std::FILE* file = std::tmpfile();
  {
    Progress large(file, 2 * Progress::worth_a_bar);
    large.update(1);
  }
  CHECK(std::ftell(file) == 0);
  std::fclose(file);
}

TEST_CASE("progress stays within its line", "[engine][progress]") {
  CHECK(progress_text(50'000'000, 100'000'000, 1s) ==
        "[###############               ]  50 %  0.1 of 0.1 GB, 50 MB/s");
  CHECK(progress_text(3, 2, 0s).find("100 %") != std::string::npos);
  CHECK(progress_text(1ULL << 50, 1ULL << 50, 1ms).size() < 100);
}

TEST_CASE("a side says what the kernel gave to the engine and that does not know of", "[summary]") {
  std::array<ls_count, LS_COUNTED> kernel{};
  kernel[LS_TO_ENGINE].packets = 1000;
  kernel[LS_DROP_LAND].packets = 2;
  const SideSummary good{"eth0", kernel, 990, 10};
  CHECK(good.balanced());
  const std::string told = to_string(good, false);
  CHECK(told.find("eth0        1,002 frames in the kernel") == 0);
  CHECK(told.find("land") != std::string::npos);
  CHECK(told.find("error") == std::string::npos);

  const SideSummary bad{"eth0", kernel, 990, 9};
  CHECK_FALSE(bad.balanced());
  CHECK(to_string(bad, false)
            .find("error: counters: eth0: 1000 frames to the engine are not 990 received + "
                  "9 lost\n") != std::string::npos);
}
