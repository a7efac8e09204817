#include "tests/honest/arena.hpp"

#include <array>

#include <poll.h>
#include <unistd.h>

namespace lockstep::honest {
namespace {

// The server's port of a TCP packet as a host sent it: whole, without extension headers; 0: it is none.
std::uint16_t server_port(std::span<const std::uint8_t> packet, End from) {
  constexpr std::uint8_t tcp = 6;
  const bool v6 = !packet.empty() && packet[0] >> 4U == 6;
  const std::size_t header = v6 ? 40 : packet.empty() ? 0 : (packet[0] & 15U) * 4U;
  if (packet.size() < header + 4 || packet[v6 ? 6 : 9] != tcp) return 0;
  const std::size_t at = header + (from == End::client ? 2 : 0);
  return static_cast<std::uint16_t>(packet[at] << 8U | packet[at + 1]);
}

}  // namespace

tl::expected<std::unique_ptr<Arena>, std::string> Arena::make() {
  std::unique_ptr<Arena> arena(new Arena);
  for (const Profile& profile : profiles) {
    auto pair = KernelPair::make(profile);
    if (!pair) return tl::unexpected(pair.error());
    arena->kernels_.push_back(std::move(*pair));
  }
  return arena;
}

std::unique_ptr<Transfer> Arena::start(const Scenario& scenario, bool engine) {
  const std::uint16_t ports = Transfer::ports(scenario);
  if (last_port - next_port_ < ports) next_port_ = first_port;
  auto transfer = std::make_unique<Transfer>(scenario, *kernels_[scenario.profile], rules_, engine,
                                             next_port_, Clock::now());
  by_port_[next_port_] = transfer.get();
  next_port_ += ports;
  return transfer;
}

void Arena::begin(Scenario scenario, unsigned attempt) {
  Match& match = matches_.emplace_back();
  match.scenario = std::move(scenario);
  match.attempt = attempt;
  if (match.scenario.expectation == Expectation::same) match.plain = start(match.scenario, false);
  match.engine = start(match.scenario, true);
}

// Frames that a host has sent since the last time.
bool Arena::carry(const KernelPair& kernels, End from) {
  std::array<std::uint8_t, 65536> buffer;
  bool any = false;
  for (int budget = 256; budget > 0; --budget) {
    const ssize_t length = ::read(kernels.tun(from), buffer.data(), buffer.size());
    if (length <= 0) break;
    const auto packet = std::span<const std::uint8_t>(buffer).first(static_cast<std::size_t>(length));
    // Of a transfer that is over: nobody waits for it.
    const auto found = by_port_.find(server_port(packet, from));
    if (found == by_port_.end()) continue;
    const auto now = Clock::now();
    found->second->arrive(from, packet, now);
    found->second->advance(now);
    any = true;
  }
  return any;
}

void Arena::wait() const {
  std::vector<pollfd> asked;
  for (const auto& pair : kernels_) {
    for (const End end : {End::client, End::server}) asked.push_back({pair->tun(end), POLLIN, 0});
  }
  ::poll(asked.data(), asked.size(), 1);
}

void Arena::go_on(const std::function<void(Match&)>& over) {
  bool any = true;
  for (int round = 0; round < 16 && any; ++round) {
    any = false;
    for (const auto& pair : kernels_) {
      for (const End end : {End::client, End::server}) any = carry(*pair, end) || any;
    }
  }
  const auto now = Clock::now();
  if (now - acted_ >= std::chrono::milliseconds(3)) {
    acted_ = now;
    for (auto& [port, transfer] : by_port_) {
      transfer->act(now);
      transfer->advance(now);
    }
    for (auto match = matches_.begin(); match != matches_.end();) {
      const bool done = match->engine->over() && (!match->plain || match->plain->over());
      if (!done) {
        ++match;
        continue;
      }
      over(*match);
      for (const auto* transfer : {&match->plain, &match->engine}) {
        if (*transfer) by_port_.erase((*transfer)->port());
      }
      match = matches_.erase(match);
    }
  }
  if (!any) wait();
}

}  // namespace lockstep::honest
