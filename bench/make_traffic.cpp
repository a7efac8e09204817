// Writes a capture (nanosecond pcap, to a file or to standard output) of HTTP-like connections as a device on
// their path sees them: handshake with MSS, SACK, timestamps and window scale, 1 to 12 requests, replies of
// 1 to 250 KiB in full segments, an ACK for each second one, now and then a segment behind three that follow
// it, a FIN from either side. Every 50th connection carries one of the made-up rules' text, often across two
// segments. Deterministic. Standard error names the alerts to expect.
//
//   make_traffic OUT|- MEGABYTES [RULES]      also writes 1,000 rules to the file RULES
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <queue>
#include <random>
#include <vector>

#include <fmt/format.h>

#include "bench/made_up.hpp"
#include "tests/support/packet_builder.hpp"

namespace {

using lockstep::reassembly::TcpFlag;
using lockstep::test::Bytes;

constexpr std::uint64_t microsecond = 1000;
constexpr std::size_t mss = 1448;
constexpr std::size_t concurrent = 200;
constexpr std::uint32_t planted_every = 50;

struct Timed {
  std::uint64_t time = 0;  // nanoseconds
  Bytes frame;
};

void put32(std::string& out, std::uint32_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift & 255U);
}

// One connection from its SYN to its last ACK.
class Connection {
 public:
  Connection(std::uint32_t number, std::uint64_t start, const std::string& text, const std::string& planted)
      : random_(number + 1), text_(&text), time_(start), planted_(planted) {
    ends_ = {fmt::format("10.{}.{}.{}", number >> 16U & 255U, number >> 8U & 255U, number & 255U),
             "192.0.2.80"};
    ports_ = {static_cast<std::uint16_t>(1024 + number % 60'000), 80};
    seqs_ = {static_cast<std::uint32_t>(random_()), static_cast<std::uint32_t>(random_())};
    run();
  }

  std::vector<Timed> frames;

 private:
  std::size_t between(std::size_t low, std::size_t high) { return low + random_() % (high - low + 1); }

  void run() {
    send(0, TcpFlag::syn, "");
    send(1, TcpFlag::syn | TcpFlag::ack, "");
    send(0, TcpFlag::ack, "");
    const std::size_t requests = between(1, 12);
    for (std::size_t i = 0; i < requests; ++i) {
      wait(between(100, 20'000));
      send(0, TcpFlag::ack | TcpFlag::psh, excerpt(between(150, 700)));
      std::string reply = excerpt(std::size_t{1024} << between(0, 7) | between(0, 1023));
      if (i == 0 && !planted_.empty()) plant(reply);
      wait(between(50, 5'000));
      deliver(reply);
    }
    const std::size_t first = between(0, 1);
    send(first, TcpFlag::ack | TcpFlag::fin, "");
    send(1 - first, TcpFlag::ack | TcpFlag::fin, "");
    send(first, TcpFlag::ack, "");
  }

  void plant(std::string& reply) {
    std::size_t at = between(0, reply.size() - planted_.size());
    if (reply.size() > 2 * mss && between(0, 1) == 0) at = mss - between(1, planted_.size() - 1);
    reply.replace(at, planted_.size(), planted_);
  }

  std::string excerpt(std::size_t length) {
    return text_->substr(between(0, text_->size() - length), length);
  }

  // The server's segments, one in 300 of them late, and the client's ACKs as they follow from that.
  void deliver(const std::string& reply) {
    std::size_t unacknowledged = 0;
    for (std::size_t at = 0; at < reply.size();) {
      const std::size_t left = (reply.size() - at + mss - 1) / mss;
      if (left >= 5 && between(1, 300) == 1) {
        for (const std::size_t place : {1U, 2U, 3U}) {
          data(reply, at, place);
          send(0, TcpFlag::ack, "",
               {seqs_[1] + mss, seqs_[1] + static_cast<std::uint32_t>((place + 1) * mss)});
        }
        data(reply, at, 0);
        advance(reply, at, 4);
        send(0, TcpFlag::ack, "");
        unacknowledged = 0;
        continue;
      }
      data(reply, at, 0);
      advance(reply, at, 1);
      if (++unacknowledged == 2 || at == reply.size()) {
        send(0, TcpFlag::ack, "");
        unacknowledged = 0;
      }
    }
  }

  void data(const std::string& reply, std::size_t at, std::size_t place) {
    const std::uint32_t next = seqs_[1];
    seqs_[1] += static_cast<std::uint32_t>(place * mss);
    wait(12);
    send(1, TcpFlag::ack, reply.substr(at + place * mss, mss), {}, false);
    seqs_[1] = next;
  }
  void advance(const std::string& reply, std::size_t& at, std::size_t segments) {
    const std::size_t length = std::min(segments * mss, reply.size() - at);
    at += length;
    seqs_[1] += static_cast<std::uint32_t>(length);
  }

  void wait(std::size_t microseconds) { time_ += microseconds * microsecond; }

  using Sack = std::pair<std::uint32_t, std::uint32_t>;
  void send(std::size_t from, int flags, const std::string& payload, Sack sack = {}, bool moves = true) {
    const bool syn = (flags & TcpFlag::syn) != 0;
    const bool ack = (flags & TcpFlag::ack) != 0;
    const auto stamp = static_cast<std::uint32_t>(time_ / (1000 * microsecond));
    Bytes options = syn ? Bytes{2, 4, 5, 180, 4, 2, 8, 10} : Bytes{1, 1, 8, 10};
    put(options, stamp);
    put(options, ack ? echo_[from] : 0);
    if (syn) options.insert(options.end(), {1, 3, 3, 7});
    if (sack.first != sack.second) {
      options.insert(options.end(), {1, 1, 5, 10});
      put(options, sack.first);
      put(options, sack.second);
    }
    echo_[1 - from] = stamp;
    frames.push_back({time_, lockstep::test::build_packet({.source = ends_[from],
                                                           .destination = ends_[1 - from],
                                                           .source_port = ports_[from],
                                                           .destination_port = ports_[1 - from],
                                                           .seq = seqs_[from],
                                                           .ack = ack ? seqs_[1 - from] : 0,
                                                           .flags = flags,
                                                           .window = 8000,
                                                           .options = options,
                                                           .payload = payload})});
    const bool counts = syn || (flags & TcpFlag::fin) != 0;
    if (moves) seqs_[from] += static_cast<std::uint32_t>(payload.size()) + (counts ? 1U : 0U);
    wait(3);
  }
  static void put(Bytes& out, std::uint32_t value) {
    for (const unsigned shift : {24U, 16U, 8U, 0U}) out.push_back(static_cast<std::uint8_t>(value >> shift));
  }

  std::mt19937 random_;
  const std::string* text_;
  std::uint64_t time_;
  std::string planted_;
  std::array<std::string, 2> ends_;
  std::array<std::uint16_t, 2> ports_{};
  std::array<std::uint32_t, 2> seqs_{};
  std::array<std::uint32_t, 2> echo_{};
};

class Writer {
 public:
  explicit Writer(std::FILE* file) : file_(file) {
    std::string header;
    for (const std::uint32_t word : {0xa1b23c4dU, 0x00040002U, 0U, 0U, 262'144U, 1U}) put32(header, word);
    write(header.data(), header.size());
  }
  void write(const Timed& packet) {
    std::string header;
    constexpr std::uint64_t second = 1'000'000'000;
    const auto length = static_cast<std::uint32_t>(packet.frame.size());
    put32(header, static_cast<std::uint32_t>(1'700'000'000 + packet.time / second));
    put32(header, static_cast<std::uint32_t>(packet.time % second));
    put32(header, length);
    put32(header, length);
    write(header.data(), header.size());
    write(packet.frame.data(), packet.frame.size());
  }

 private:
  void write(const void* bytes, std::size_t length) {
    if (std::fwrite(bytes, 1, length, file_) != length)
      std::exit(1);  // the reader has gone, or the disk is full
  }
  std::FILE* file_;
};

// Connections that run side by side, their packets in the order of time.
void write_traffic(Writer& writer, std::uint64_t limit,
                   const std::vector<lockstep::bench::MadeUpRule>& rules) {
  struct Active {
    std::vector<Timed> frames;
    std::size_t next = 0;
    [[nodiscard]] std::uint64_t time() const { return frames[next].time; }
  };
  const std::string text = lockstep::bench::made_up_payload(std::size_t{16} << 20U);
  const auto later = [](const Active& a, const Active& b) { return a.time() > b.time(); };
  std::vector<Active> active;
  std::uint32_t count = 0;
  std::size_t planted = 0;
  std::uint64_t made = 0;
  const auto open = [&](std::uint64_t start) {
    std::string plant;
    if (count % planted_every == 0) {
      std::size_t rule = count / planted_every % rules.size();
      while (rules[rule].plain.empty()) rule = (rule + 1) % rules.size();
      plant = rules[rule].plain;
      ++planted;
    }
    active.push_back({std::move(Connection(count, start, text, plant).frames), 0});
    for (const Timed& packet : active.back().frames) made += packet.frame.size();
    std::push_heap(active.begin(), active.end(), later);
    ++count;
  };
  while (count < concurrent) open(count * 100 * microsecond);
  while (!active.empty()) {
    std::pop_heap(active.begin(), active.end(), later);
    Active current = std::move(active.back());
    active.pop_back();
    writer.write(current.frames[current.next]);
    const std::uint64_t now = current.time();
    if (++current.next < current.frames.size()) {
      active.push_back(std::move(current));
      std::push_heap(active.begin(), active.end(), later);
    } else if (made < limit) {
      open(now + 50 * microsecond);
    }
  }
  fmt::print(stderr, "connections {} alerts {}\n", count, planted);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3 || count > 4) {
    fmt::print(stderr, "usage: make_traffic OUT|- MEGABYTES [RULES]\n");
    return 2;
  }
  const std::string out = arguments[1];
  const auto rules = lockstep::bench::made_up_rules(1000);
  if (count == 4) std::ofstream(arguments[3]) << lockstep::bench::text_of(rules);
  std::FILE* file = out == "-" ? stdout : std::fopen(out.c_str(), "wb");
  if (file == nullptr) {
    fmt::print(stderr, "{}: can't be written\n", out);
    return 1;
  }
  Writer writer(file);
  write_traffic(writer, std::strtoull(arguments[2], nullptr, 10) * 1'000'000, rules);
  return std::fclose(file) == 0 ? 0 : 1;
}
