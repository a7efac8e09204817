#include "tests/honest/transfer.hpp"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>
#include <unistd.h>

#include "tests/oracle/socket_name.hpp"

namespace lockstep::honest {
namespace {

Timestamp timestamp_of(Clock::time_point now) {
  return Timestamp(std::chrono::seconds(1'790'000'000) +
                   std::chrono::duration_cast<Duration>(now.time_since_epoch()) %
                       std::chrono::hours(24 * 365));
}

// Behind a client that is done a connection may still come: it is in the network, or waits for a repeat.
constexpr auto patience_of_listener = std::chrono::seconds(8);

}  // namespace

std::string to_string(const Outcome& outcome) {
  std::string text = fmt::format("{} ms{}", outcome.took.count(), outcome.in_time ? "" : ", out of patience");
  for (std::size_t i = 0; i < outcome.ends.size(); ++i) {
    const EndpointOutcome& end = outcome.ends[i];
    text += fmt::format("\n  {} {}: read {}{}, {}{}{}", i % 2 == 0 ? "client" : "server", i / 2,
                        end.text.size(), end.honest ? "" : " (not what was written)", name(end.ending),
                        end.error != 0 ? fmt::format(" errno {}", end.error) : "",
                        end.finished ? "" : fmt::format(", stands at step {}", end.step));
  }
  if (!outcome.unscanned.empty()) text += "\n  not scanned: " + outcome.unscanned;
  if (!outcome.unclean.empty()) text += "\n  unclean: " + outcome.unclean;
  for (const auto& [reason, count] : outcome.passage.changed)
    text += fmt::format("\n  {} {}", count, name(reason));
  return text + "\n";
}

Transfer::Transfer(const Scenario& scenario, const KernelPair& kernels, oracle::Rules& rules, bool engine,
                   std::uint16_t port, Clock::time_point now)
    : scenario_(&scenario),
      kernels_(&kernels),
      link_(scenario, kernels, rules, engine),
      engine_(engine),
      port_(port),
      start_(now),
      last_(now),
      talks_(scenario.connections.size()) {
  if (scenario.listens && !scenario.both_connect) listen();
}

Transfer::~Transfer() {
  if (listener_ >= 0) ::close(listener_);
}

std::uint16_t Transfer::client_port(std::size_t connection) const {
  while (scenario_->connections[connection].after >= 0)
    connection = static_cast<std::size_t>(scenario_->connections[connection].after);
  return static_cast<std::uint16_t>(port_ + 1 + connection);
}

void Transfer::listen() {
  listener_ = kernels_->open_socket(End::server, scenario_->ipv6, scenario_->multipath);
  Endpoint::set_options(listener_, *scenario_, scenario_->connections.front().server, End::server);
  auto own = oracle::SocketName::of(KernelPair::address(End::server, scenario_->ipv6), port_);
  if (::bind(listener_, own.raw(), own.length) < 0 || ::listen(listener_, 64) < 0) {
    ::close(listener_);
    listener_ = -1;
  }
}

bool Transfer::may_begin(std::size_t connection) const {
  if (talks_[connection].begun) return false;
  const int after = scenario_->connections[connection].after;
  if (after < 0) return true;
  const Talk& before = talks_[static_cast<std::size_t>(after)];
  // A host that was restarted opens the ports again while the other one still holds the connection.
  if (scenario_->kind == Kind::restarted) return before.begun && before.client->over();
  return before.begun && before.client->over() && before.server->over();
}

void Transfer::begin(std::size_t connection) {
  const Connection& plan = scenario_->connections[connection];
  const std::uint16_t from = client_port(connection);
  const Stream upwards(test::mixed(scenario_->seed, 2 * connection), plan.client.signature_at);
  const Stream downwards(test::mixed(scenario_->seed, 2 * connection + 1), plan.server.signature_at);
  Talk& talk = talks_[connection];
  talk.client = std::make_unique<Endpoint>(*scenario_, plan.client, *kernels_, End::client,
                                           std::pair(from, port_), upwards, downwards);
  talk.server = std::make_unique<Endpoint>(*scenario_, plan.server, *kernels_, End::server,
                                           std::pair(port_, from), downwards, upwards);
  talk.begun = true;
}

void Transfer::accept() {
  while (listener_ >= 0) {
    oracle::SocketName peer;
    const int descriptor = ::accept4(listener_, peer.raw(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) return;
    bool taken = false;
    for (std::size_t i = talks_.size(); i-- > 0 && !taken;) {
      if (!talks_[i].begun || client_port(i) != peer.port() || !talks_[i].server->awaits_accept()) continue;
      talks_[i].server->accept(descriptor);
      taken = true;
    }
    if (!taken) ::close(descriptor);
  }
}

std::vector<Endpoint*> Transfer::endpoints() {
  std::vector<Endpoint*> all;
  for (const Talk& talk : talks_) {
    if (!talk.begun) continue;
    all.push_back(talk.client.get());
    all.push_back(talk.server.get());
  }
  return all;
}

void Transfer::meet() {
  const auto all = endpoints();
  if (!std::all_of(all.begin(), all.end(), [](const Endpoint* end) { return end->over() || end->meeting(); }))
    return;
  for (Endpoint* end : all) {
    if (end->meeting()) end->met();
  }
}

void Transfer::arrive(End from, std::span<const std::uint8_t> packet, Clock::time_point now) {
  link_.arrive(from, packet, timestamp_of(now));
}

void Transfer::advance(Clock::time_point now) {
  link_.advance(timestamp_of(now));
}

void Transfer::act(Clock::time_point now) {
  if (over_) return;
  last_ = now;
  accept();
  for (std::size_t i = 0; i < talks_.size(); ++i) {
    if (may_begin(i)) begin(i);
    Talk& talk = talks_[i];
    const bool alone =
        talk.begun && (talk.client->over() || scenario_->expectation == Expectation::server_cut);
    if (!alone || !talk.server->awaits_accept()) continue;
    if (!talk.left_alone) talk.left_alone = now;
    if (now - *talk.left_alone > patience_of_listener) talk.server->give_up();
  }
  for (Endpoint* end : endpoints()) {
    end->act(now);
    link_.age(std::chrono::hours(end->ages()));
  }
  meet();
  const auto all = endpoints();
  const bool servers_alone = scenario_->expectation == Expectation::server_cut;
  const bool done = std::all_of(talks_.begin(), talks_.end(), [&](const Talk& talk) {
    return talk.begun && talk.server->over() && (servers_alone || talk.client->over());
  });
  over_ = done || now - start_ >= std::chrono::milliseconds(scenario_->patience);
  if (!over_) return;
  for (Endpoint* end : all) end->conclude();
}

// Scanning may have begun anew behind a connection that was given up.
bool Transfer::was_scanned(const std::string& text, std::uint16_t from, std::uint16_t to) const {
  std::vector<const ScannedStream*> streams;
  for (const ScannedStream& stream : link_.scanned()) {
    if (stream.source_port == from && stream.destination_port == to) streams.push_back(&stream);
  }
  for (std::size_t first = 0; first < streams.size(); ++first) {
    std::size_t at = 0;
    for (std::size_t i = first; i < streams.size() && at < text.size(); ++i) {
      const std::size_t length = std::min(text.size() - at, streams[i]->text.size());
      if (text.compare(at, length, streams[i]->text, 0, length) != 0) break;
      at += length;
    }
    if (at == text.size()) return true;
  }
  return text.empty();
}

Outcome Transfer::outcome() const {
  Outcome outcome;
  outcome.took = std::chrono::duration_cast<std::chrono::milliseconds>(last_ - start_);
  outcome.in_time = outcome.took.count() < scenario_->patience;
  outcome.passage = link_.passage();
  outcome.forged = link_.forged();
  outcome.unclean = link_.unclean();
  for (std::size_t i = 0; i < talks_.size(); ++i) {
    const Talk& talk = talks_[i];
    outcome.ends.push_back(talk.begun ? talk.client->outcome() : EndpointOutcome{});
    outcome.ends.push_back(talk.begun ? talk.server->outcome() : EndpointOutcome{});
    if (!engine_ || !talk.begun) continue;
    if (!was_scanned(talk.server->outcome().text, client_port(i), port_))
      outcome.unscanned = fmt::format("what the server of connection {} read", i);
    if (!was_scanned(talk.client->outcome().text, port_, client_port(i)))
      outcome.unscanned = fmt::format("what the client of connection {} read", i);
  }
  return outcome;
}

}  // namespace lockstep::honest
