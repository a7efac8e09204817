// Half of the round trip of a small message over a TCP connection, one at a time.
//
//   ping_pong serve PORT                      answers; prints "ready"
//   ping_pong ADDRESS PORT COUNT MICROSECONDS   COUNT messages, one each MICROSECONDS; prints p50 and p99 in
//   µs
//
// A processor that halts takes some 40 µs to come back in a virtual machine, which would hide what is
// measured: the client keeps all of them awake by threads that run only where nobody else wants to.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t message = 64;
constexpr std::size_t warm_up = 200;

void must(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

sockaddr_in address_of(const std::string& address, const std::string& port) {
  sockaddr_in found{};
  found.sin_family = AF_INET;
  found.sin_port = htons(static_cast<std::uint16_t>(std::stoul(port)));
  must(::inet_pton(AF_INET, address.c_str(), &found.sin_addr) == 1, "an address");
  return found;
}

int tcp_socket() {
  const int file = ::socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  must(file >= 0 && ::setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "a socket");
  return file;
}

bool receive(int file) {
  std::array<char, message> bytes;
  return ::recv(file, bytes.data(), bytes.size(), MSG_WAITALL) == static_cast<ssize_t>(message);
}

bool send(int file) {
  const std::array<char, message> bytes{};
  return ::send(file, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(message);
}

void serve(const std::string& port) {
  const int listener = tcp_socket();
  const int on = 1;
  must(::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0, "an address in use");
  const sockaddr_in here = address_of("0.0.0.0", port);
  must(::bind(listener, reinterpret_cast<const sockaddr*>(&here), sizeof here) == 0, "the port");
  must(::listen(listener, 1) == 0, "listening");
  std::puts("ready");
  std::fflush(stdout);
  for (int file = 0; (file = ::accept(listener, nullptr, nullptr)) >= 0; ::close(file)) {
    must(::setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "no delay");
    while (receive(file) && send(file)) {
    }
  }
}

// Also where each session has a share of the processors of its own (sched_autogroup).
void stay_behind() {
  const sched_param none{};
  must(::pthread_setschedparam(::pthread_self(), SCHED_IDLE, &none) == 0, "SCHED_IDLE");
  std::ofstream("/proc/self/autogroup") << "19";
}

[[noreturn]] void spin() {
  for (;;) {
  }
}

// In a session of its own.
[[noreturn]] void keep_awake() {
  stay_behind();
  for (unsigned i = 1; i < std::thread::hardware_concurrency(); ++i) std::thread(spin).detach();
  std::puts("ready");
  std::fflush(stdout);
  spin();
}

void measure(const std::string& address, const std::string& port, std::size_t count,
             std::chrono::microseconds pace) {
  const int file = tcp_socket();
  const sockaddr_in there = address_of(address, port);
  must(::connect(file, reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0, "a connection");
  std::vector<double> halves;
  halves.reserve(count);
  auto next = Clock::now();
  for (std::size_t i = 0; i < count + warm_up; ++i) {
    next = std::max(next + pace, Clock::now());
    std::this_thread::sleep_until(next);
    const auto begin = Clock::now();
    must(send(file) && receive(file), "an answer");
    const std::chrono::duration<double, std::micro> round = Clock::now() - begin;
    if (i >= warm_up) halves.push_back(round.count() / 2);
  }
  ::close(file);
  std::sort(halves.begin(), halves.end());
  fmt::print("{{\"p50\": {}, \"p99\": {}}}\n", halves[count / 2], halves[count * 99 / 100]);
}

}  // namespace

int main(int count, char** arguments) {
  try {
    const std::vector<std::string> words(arguments + 1, arguments + count);
    if (words.size() == 2 && words[0] == "serve") {
      serve(words[1]);
    } else if (words.size() == 1 && words[0] == "awake") {
      keep_awake();
    } else if (words.size() == 4) {
      measure(words[0], words[1], std::stoul(words[2]), std::chrono::microseconds(std::stoul(words[3])));
    } else {
      fmt::print(stderr, "usage: ping_pong serve PORT | ADDRESS PORT COUNT MICROSECONDS | awake\n");
      return 2;
    }
  } catch (const std::exception& error) {
    fmt::print(stderr, "ping_pong: {}\n", error.what());
    return 1;
  }
}
