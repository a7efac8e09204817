// One transfer as data: what the applications at both ends do on each of its connections, what the network
// between them does to the frames, and how it has to end. Made from a seed alone.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/honest/forger_port.hpp"
#include "tests/support/fault_port.hpp"

namespace lockstep::honest {

// name, how often of a hundred, what happens
#define LOCKSTEP_TRANSFER_KINDS(X)                                                           \
  X(exchange, 16, "requests and answers")                                                    \
  X(half_close, 8, "one end is done sending long before the other")                          \
  X(simultaneous_close, 6, "both ends close at once")                                        \
  X(aborted, 10, "one end resets the connection while data are under way")                   \
  X(slow_reader, 7, "a small window that closes, and opens late")                            \
  X(kept_alive, 4, "idle, with keep-alives")                                                 \
  X(peer_gone, 4, "one end forgot the connection: its host was restarted")                   \
  X(restarted, 4, "the client's host was restarted and opens the same ports")                \
  X(port_reuse, 5, "the ports of a connection in TIME-WAIT are used again")                  \
  X(multipath, 4, "both ends ask for MPTCP")                                                 \
  X(fast_open, 4, "both ends use TCP Fast Open")                                             \
  X(simultaneous_open, 4, "both ends connect at once")                                       \
  X(parallel, 2, "many connections at once, large")                                          \
  X(idle, 5, "idle for hours, then on")                                                      \
  X(expired, 3, "idle beyond the engine's time-out: reset at both ends")                     \
  X(hole_expired, 0, "a byte that never comes: reset at both ends")                          \
  X(refused, 4, "nobody listens")                                                            \
  X(signature_sent, 4, "a drop rule matches: the server is reset, and never reads it whole") \
  X(forged_on, 3, "beside them a forger who knows the numbers")                              \
  X(forged_resets, 3, "a forger resets with exact numbers, stream.rst is probe")

enum class Kind : std::uint8_t {
#define X(name, share, text) name,
  LOCKSTEP_TRANSFER_KINDS(X)
#undef X
};
[[nodiscard]] std::string_view name(Kind kind);
[[nodiscard]] std::size_t kinds();

// What an application does next. Amounts are bytes, milliseconds (rest) or hours (age).
struct Step {
  enum class Kind : std::uint8_t {
    connect,
    accept,
    write,
    read,      // so many bytes more
    read_end,  // up to the end of the stream, or an error
    half_close,
    close,   // the kernel goes on through the closing states
    abort,   // closes with a RST
    vanish,  // the host forgets the connection without a word
    nudge,   // a byte now and then, until the connection ends
    rest,    // neither reads nor writes
    meet,    // waits until every application of the transfer has come here or is done
    age      // time passes for the engine alone
  };
  Kind kind;
  std::uint32_t amount = 0;
};

struct Application {
  std::vector<Step> steps;
  int receive_buffer = 0;  // 0: the kernel's own choice, as below
  int segment = 0;         // the largest
  bool keep_alive = false;
  std::optional<std::uint32_t> signature_at{};  // place of the signature in the stream that it sends
};

struct Connection {
  Application client, server;
  int after = -1;  // begins when that one is over, on the same ports; -1: at once, on ports of its own
};

enum class Expectation : std::uint8_t {
  same,  // each end ends as it does without the engine, and with the same bytes if the scripts name them
  cut,   // the engine ends it: a reset at both ends. Without the engine it would not end so
  server_cut,  // the same at the server; what becomes of the client is not waited for
  whole,       // all bytes and an orderly end. Without the engine it would not end so
  intact       // it may end anyhow: only that nothing is read which was not scanned
};

struct Scenario {
  std::uint64_t seed = 0;
  Kind kind = Kind::exchange;
  Expectation expectation = Expectation::same;
  std::size_t profile = 0;  // of the kernels' options
  bool ipv6 = false;
  bool multipath = false;
  bool fast_open = false;
  bool both_connect = false;
  bool listens = true;
  bool probes = false;  // stream.rst = probe
  Forger forger = Forger::none;
  test::Faults faults;
  std::uint64_t network = 0;  // seed of what the faults strike
  std::vector<Connection> connections;
  std::uint32_t patience = 30'000;  // milliseconds until it is given up

  [[nodiscard]] bool bytes_certain() const {
    return kind != Kind::aborted && kind != Kind::peer_gone && kind != Kind::restarted;
  }
};

[[nodiscard]] Scenario scenario_of(std::uint64_t seed, std::size_t profiles, std::optional<Kind> only = {});
[[nodiscard]] std::string to_string(const Scenario& scenario);

}  // namespace lockstep::honest
