// A scenario under way on a pair of kernels, with the engine or without. Its ports are its own for as long as
// it lives. One thread.
#pragma once
#include <memory>
#include <vector>

#include "tests/honest/endpoint.hpp"
#include "tests/honest/link.hpp"

namespace lockstep::honest {

struct Outcome {
  std::vector<EndpointOutcome> ends;  // client and server of each connection
  bool in_time = false;               // every script was over before the scenario's patience
  std::chrono::milliseconds took{0};
  std::string unscanned;  // what an application read though it was not scanned, empty: nothing
  std::string unclean;
  Passage passage;
  std::uint64_t forged = 0;
};
[[nodiscard]] std::string to_string(const Outcome& outcome);

class Transfer {
 public:
  // Ports that a transfer needs: port, and as many behind it.
  [[nodiscard]] static std::uint16_t ports(const Scenario& scenario) {
    return static_cast<std::uint16_t>(scenario.connections.size() + 1);
  }
  // Of the server; the clients' are those behind it.
  Transfer(const Scenario& scenario, const KernelPair& kernels, oracle::Rules& rules, bool engine,
           std::uint16_t port, Clock::time_point now);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  void arrive(End from, std::span<const std::uint8_t> packet, Clock::time_point now);
  void advance(Clock::time_point now);  // frames
  void act(Clock::time_point now);      // applications
  [[nodiscard]] bool over() const { return over_; }
  [[nodiscard]] Outcome outcome() const;
  [[nodiscard]] const Link& link() const { return link_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  struct Talk {
    std::unique_ptr<Endpoint> client, server;
    bool begun = false;
    std::optional<Clock::time_point>
        left_alone{};  // since when the client is done and the server never heard of it
  };
  void begin(std::size_t connection);
  void listen();
  void accept();
  void meet();
  [[nodiscard]] std::uint16_t client_port(std::size_t connection) const;
  [[nodiscard]] bool may_begin(std::size_t connection) const;
  [[nodiscard]] bool was_scanned(const std::string& text, std::uint16_t from, std::uint16_t to) const;
  [[nodiscard]] std::vector<Endpoint*> endpoints();

  const Scenario* scenario_;
  const KernelPair* kernels_;
  Link link_;
  bool engine_;
  std::uint16_t port_;
  Clock::time_point start_, last_;
  int listener_ = -1;
  std::vector<Talk> talks_;
  bool over_ = false;
};

}  // namespace lockstep::honest
