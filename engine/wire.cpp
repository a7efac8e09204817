#include "engine/wire.hpp"

#include <algorithm>
#include <atomic>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "engine/ports/afpacket_port.hpp"
#include "engine/ports/afxdp_port.hpp"

namespace lockstep {

using Ports = std::vector<std::unique_ptr<InlinePort>>;

std::string pins_of(const WireSettings& settings, const WirePair& pair) {
  return fmt::format("{}/{}-{}", settings.pin_dir, pair.outside(), pair.inside());
}

tl::expected<std::unique_ptr<Wire>, std::vector<std::string>> Wire::take(const WireSettings& settings,
                                                                         std::string_view pair,
                                                                         std::uint16_t number) {
  auto taken = WirePair::take(settings, pair);
  if (!taken) return tl::unexpected(taken.error());
  std::unique_ptr<Wire> wire(new Wire(settings, std::move(*taken), number));
  if (auto attached = wire->attach(); !attached) {
    static_cast<void>(wire->pair_.release());
    return tl::unexpected(std::vector<std::string>{attached.error()});
  }
  return wire;
}

tl::expected<void, std::string> Wire::attach() {
  const std::string pins = pins_of(settings_, pair_);
  CapturePlan& plan = pair_.plan();
  if (!plan.afxdp) return xdp::Program::detach(pins);
  xdp::AttachWish wish{.interfaces = {pair_.outside(), pair_.inside()}, .pins = pins, .native = plan.native};
  auto program = xdp::Program::attach(wish);
  if (!program && wish.native) {
    spdlog::warn("{}; the kernel's generic hook is tried", program.error());
    wish.native = plan.native = plan.zero_copy = false;
    program = xdp::Program::attach(wish);
  }
  if (!program) {
    if (settings_.capture == Capture::afxdp) return tl::unexpected(program.error());
    spdlog::warn("{}; AF_PACKET carries all packets", program.error());
    plan = {};
    return {};
  }
  program_.emplace(std::move(*program));
  ls_config& config = program_->config();
  config.fail_closed = settings_.start == StartPolicy::closed ? 1 : 0;
  config.stale_after = static_cast<std::uint64_t>(settings_.stale_after.count());
  config.everything = 1;
  config.syn_rate = static_cast<std::uint32_t>(settings_.syn_rate);
  config.syn_burst = config.syn_rate;
  config.sample_interval = std::chrono::nanoseconds(std::chrono::milliseconds(100)).count();
  return {};
}

tl::expected<Ports, std::string> Wire::open_ports(HashSeed seed) {
  const auto base = static_cast<std::uint16_t>(outside_port + 2 * number_);
  if (program_) {
    auto ports = open_afxdp(seed, pair_.plan().zero_copy);
    if (ports || !pair_.plan().zero_copy) return ports;
    spdlog::warn("{}; frames are copied", ports.error());
    pair_.plan().zero_copy = false;
    return open_afxdp(seed, false);
  }
  auto port = AfpacketPort::open(pair_.outside(), pair_.inside(), base);
  if (!port) return tl::unexpected(port.error());
  Ports ports;
  ports.push_back(std::move(*port));
  return ports;
}

tl::expected<Ports, std::string> Wire::open_afxdp(HashSeed seed, bool zero_copy) {
  const CapturePlan& plan = pair_.plan();
  const std::array<std::uint32_t, LS_SIDES> queues = {
      std::min<std::uint32_t>(pair_.queues()[0], LS_MAX_QUEUES),
      std::min<std::uint32_t>(pair_.queues()[1], LS_MAX_QUEUES)};
  const std::size_t workers = std::clamp<std::size_t>(plan.workers, 1, LS_MAX_WORKERS);
  const std::size_t most_queues = (queues[0] + workers - 1) / workers + (queues[1] + workers - 1) / workers;
  // What its rings hold when all are full, and a batch of copies.
  const std::size_t chunks = most_queues * afxdp::ring_entries + LS_SIDES * afxdp::transmit_entries + 1024;
  const std::uint32_t chunk = pair_.mtu() <= afxdp::most_mtu_of_half_page ? 2048 : 4096;
  auto memory = afxdp::Memory::make(workers * chunks, chunk);
  if (!memory) return tl::unexpected(memory.error());
  auto exchange = std::make_shared<afxdp::Exchange>(workers, chunks, seed);
  gate_ = std::make_shared<afxdp::Gate>(program_->config(), workers);
  gate_->shut();
  std::atomic_ref(program_->config().workers).store(static_cast<std::uint32_t>(workers));
  Ports ports;
  for (std::size_t n = 0; n < workers; ++n) {
    AfxdpPort::Parts parts;
    parts.number = n;
    parts.port = static_cast<std::uint16_t>(outside_port + 2 * number_);
    parts.memory = *memory;
    parts.chunks = chunks;
    parts.exchange = exchange;
    parts.gate = gate_;
    parts.seat = {&program_->config(), &program_->workers()[n], program_->queues().data()};
    std::vector<std::tuple<std::uint32_t, std::uint32_t, int>> entries;
    for (std::uint32_t side = 0; side < LS_SIDES; ++side) {
      for (std::uint32_t queue = static_cast<std::uint32_t>(n); queue < queues[side];
           queue += static_cast<std::uint32_t>(workers)) {
        auto socket = afxdp::Socket::open(*memory, side == 0 ? pair_.outside() : pair_.inside(), queue,
                                          {zero_copy, plan.frags});
        if (!socket) return tl::unexpected(socket.error());
        entries.emplace_back(side, queue, (*socket)->descriptor());
        parts.sockets[side].push_back(std::move(*socket));
      }
    }
    auto port = AfxdpPort::make(std::move(parts));
    if (!port) return tl::unexpected(port.error());
    ports.push_back(std::move(*port));
    for (const auto& [side, queue, descriptor] : entries) {
      if (auto entered = program_->enter_socket(side, queue, descriptor); !entered)
        return tl::unexpected(entered.error());
    }
  }
  return ports;
}

void Wire::begin() {
  if (program_)
    std::atomic_ref(program_->config().fail_closed).store(settings_.fail == FailPolicy::closed ? 1 : 0);
}

void Wire::end() {
  if (gate_) gate_->shut();
}

tl::expected<void, std::string> Wire::release() {
  if (program_ && settings_.exit == ExitPolicy::stay) return {};
  if (program_) {
    if (auto gone = xdp::Program::detach(program_->pins()); !gone) return gone;
  }
  return pair_.release();
}

}  // namespace lockstep
