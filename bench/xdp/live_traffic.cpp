// The fastest generator there is here: frames of 64 bytes that the kernel makes by itself (BPF_PROG_RUN,
// BPF_F_TEST_XDP_LIVE_FRAMES) and that leave by an interface.
//
//   live_traffic lists BLOCKED ALLOWED    writes 100,000 prefixes of each kind and family
//   live_traffic send                     does what lines of standard input say, until it ends:
//     connect ADDRESS PORT                  opens the connection that "ack" is about; without timestamps
//     disconnect
//     send INTERFACE KIND SECONDS FRAMES    FRAMES a second, in bursts; 0: as many as go
//
// KIND: ack (the connection's bare ACK, to no host's address on the link), or blocked4, blocked6, unblocked4,
// unblocked6, with "-COUNT" sources that take turns; blocked ones are of any length if COUNT is 100000. For
// each line it prints as JSON how many frames it sent in how many seconds of the clock and of its own CPU, in
// which the receiving softirqs run.
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <sys/socket.h>

#include "bench/xdp/lists.hpp"
#include "engine/descriptor.hpp"

using namespace lockstep;
using namespace lockstep::bench;

namespace {

constexpr std::size_t of_each = 100'000;
constexpr auto burst_interval = std::chrono::milliseconds(2);
constexpr std::uint32_t frames_at_once = 100'000;  // a system call, without a pace

void write_lists(const std::string& blocked, const std::string& allowed) {
  std::ofstream block(blocked), allow(allowed);
  const Lists lists(of_each);
  for (const xdp::Prefix& prefix : lists.prefixes()) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    must(::inet_ntop(prefix.version == 4 ? AF_INET : AF_INET6, prefix.address.data(), text.data(),
                     text.size()) != nullptr,
         "an address");
    (prefix.allow ? allow : block) << text.data() << '/' << int{prefix.length} << '\n';
  }
  must(block.flush() && allow.flush(), "the files of prefixes");
}

class Generator {
 public:
  void connect(const std::string& address, const std::string& port);
  void disconnect() { connection_ = {}; }
  // Seconds of frames, `pace` a second.
  void send(const std::string& interface, const std::string& kind, double seconds, std::uint32_t pace);

 private:
  // The frame; its sources are set.
  test::Bytes make(const std::string& kind);

  Lists lists_{of_each};
  Traffic traffic_;
  Descriptor connection_;
  test::Bytes ack_;
};

sockaddr_in address_of(const std::string& address, const std::string& port) {
  sockaddr_in found{};
  found.sin_family = AF_INET;
  found.sin_port = htons(static_cast<std::uint16_t>(std::stoul(port)));
  must(::inet_pton(AF_INET, address.c_str(), &found.sin_addr) == 1, "an address");
  return found;
}

// What the connection's next byte in that queue is numbered.
std::uint32_t next_number(int file, int queue) {
  std::uint32_t number = 0;
  socklen_t size = sizeof number;
  must(::setsockopt(file, IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue, sizeof queue) == 0 &&
           ::getsockopt(file, IPPROTO_TCP, TCP_QUEUE_SEQ, &number, &size) == 0,
       "sequence numbers");
  return number;
}

void use_timestamps(bool use) {
  must(static_cast<bool>(std::ofstream("/proc/sys/net/ipv4/tcp_timestamps") << (use ? 1 : 0) << std::flush),
       "the setting of timestamps");
}

void Generator::connect(const std::string& address, const std::string& port) {
  const sockaddr_in there = address_of(address, port);
  connection_ = Descriptor(::socket(AF_INET, SOCK_STREAM, 0));
  use_timestamps(false);
  const int connected = ::connect(connection_.get(), reinterpret_cast<const sockaddr*>(&there), sizeof there);
  use_timestamps(true);
  must(connected == 0, "a connection");
  sockaddr_in here{};
  socklen_t size = sizeof here;
  must(::getsockname(connection_.get(), reinterpret_cast<sockaddr*>(&here), &size) == 0, "its port");
  constexpr int receive_queue = 1, send_queue = 2, off_in_silence = -1;
  const int on = 1;
  must(::setsockopt(connection_.get(), IPPROTO_TCP, TCP_REPAIR, &on, sizeof on) == 0, "looking into it");
  const std::uint32_t seq = next_number(connection_.get(), send_queue);
  const std::uint32_t ack = next_number(connection_.get(), receive_queue);
  must(::setsockopt(connection_.get(), IPPROTO_TCP, TCP_REPAIR, &off_in_silence, sizeof off_in_silence) == 0,
       "looking no longer");
  ack_ = small({.source = "10.9.0.1",
                .destination = address,
                .source_port = ntohs(here.sin_port),
                .destination_port = ntohs(there.sin_port),
                .seq = seq,
                .ack = ack});
}

test::Bytes Generator::make(const std::string& kind) {
  if (kind == "ack") {
    must(static_cast<bool>(connection_), "a connection");
    traffic_.set({}, 1);
    return ack_;
  }
  const std::size_t dash = kind.find('-');
  must(dash != std::string::npos && dash > 1, "a kind of traffic");
  const std::uint8_t version = kind[dash - 1] == '6' ? 6 : 4;
  const std::size_t count = std::stoul(kind.substr(dash + 1));
  traffic_.set(kind.starts_with("un") ? lists_.unblocked(version, false, count)
                                      : lists_.blocked(version, count, count == of_each),
               1);
  if (version == 4) return small({.source = "10.9.0.1", .destination = "10.9.0.2"});
  return small({.source = "2001::1", .destination = "fd09::2"});
}

double cpu_seconds() {
  std::timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

void Generator::send(const std::string& interface, const std::string& kind, double seconds,
                     std::uint32_t pace) {
  using Clock = std::chrono::steady_clock;
  const std::uint32_t index = ::if_nametoindex(interface.c_str());
  must(index != 0, "the interface");
  const test::Bytes frame = make(kind);
  const auto burst = static_cast<std::uint32_t>(pace * std::chrono::duration<double>(burst_interval).count());
  std::uint64_t frames = 0;
  const double cpu = cpu_seconds();
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::duration<double>(seconds);
  for (auto next = begin + burst_interval; Clock::now() < end; next += burst_interval) {
    const std::uint32_t count = pace == 0 ? frames_at_once : burst;
    traffic_.send(frame, index, count);
    frames += count;
    if (pace != 0) std::this_thread::sleep_until(next);
  }
  fmt::print("{{\"frames\": {}, \"seconds\": {}, \"cpu\": {}}}\n", frames,
             std::chrono::duration<double>(Clock::now() - begin).count(), cpu_seconds() - cpu);
  std::fflush(stdout);
}

void serve() {
  Generator generator;
  std::string word;
  while (std::cin >> word) {
    std::string where, what;
    if (word == "disconnect") {
      generator.disconnect();
    } else if (word == "connect") {
      must(static_cast<bool>(std::cin >> where >> what), "an address and a port");
      generator.connect(where, what);
    } else {
      double seconds = 0;
      std::uint32_t pace = 0;
      must(static_cast<bool>(std::cin >> where >> what >> seconds >> pace), "what to send");
      generator.send(where, what, seconds, pace);
    }
  }
}

int run(const std::vector<std::string>& words) {
  if (words.size() == 3 && words[0] == "lists") {
    write_lists(words[1], words[2]);
  } else if (words.size() == 1 && words[0] == "send") {
    serve();
  } else {
    fmt::print(stderr, "usage: live_traffic lists BLOCKED ALLOWED | send\n");
    return 2;
  }
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run({arguments + 1, arguments + count});
  } catch (const std::exception& error) {
    fmt::print(stderr, "live_traffic: {}\n", error.what());
    return 1;
  }
}
