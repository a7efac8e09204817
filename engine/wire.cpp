#include "engine/wire.hpp"

#include <algorithm>
#include <atomic>

#include <fmt/format.h>
#include <net/if.h>
#include <spdlog/spdlog.h>

#include "engine/interface/link.hpp"
#include "engine/ports/afpacket_port.hpp"
#include "engine/rule_ends.hpp"

namespace lockstep {

std::string pins_of(const WireSettings& settings, const WirePair& pair) {
  return xdp::pins_below(settings.pin_dir, {pair.outside(), pair.inside()});
}

tl::expected<std::unique_ptr<Wire>, std::vector<std::string>> Wire::take(const Settings& settings,
                                                                         std::string_view pair,
                                                                         std::uint16_t number) {
  auto taken = WirePair::take(settings.wire, pair);
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
  xdp::AttachWish wish{.interfaces = {pair_.outside(), pair_.inside()},
                       .pins = pins,
                       .flows = static_cast<std::uint32_t>(settings_.kernel_flows),
                       .native = plan.native,
                       .fail_closed = settings_.start == UnseenPolicy::closed};
  auto program = xdp::Program::attach(wish);
  if (!program && wish.native) {
    spdlog::warn(fmt::format("{}; the kernel's generic hook is tried", program.error()));
    wish.native = plan.native = plan.zero_copy = false;
    program = xdp::Program::attach(wish);
  }
  if (!program) {
    if (settings_.capture == Capture::afxdp) return tl::unexpected(program.error());
    spdlog::warn(fmt::format("{}; AF_PACKET carries all packets", program.error()));
    plan = {};
    return {};
  }
  auto reader = xdp::CountReader::open(pins);
  if (!reader) return tl::unexpected(reader.error());
  auto prefixes = xdp::Prefixes::open(pins);
  if (!prefixes) return tl::unexpected(prefixes.error());
  program_.emplace(std::move(*program));
  reader_.emplace(std::move(*reader));
  prefixes_.emplace(std::move(*prefixes));
  before_ = reader_->read();
  refused_before_ = refused();
  set_policy();
  return {};
}

void Wire::set_policy() {
  ls_config& config = program_->config();
  config.fail_closed = settings_.start == UnseenPolicy::closed ? 1 : 0;
  config.stale_after = static_cast<std::uint64_t>(settings_.stale_after.count());
  config.everything = 1;
  config.syn_rate = static_cast<std::uint32_t>(settings_.syn_rate);
  config.syn_burst = config.syn_rate;
  config.observe = observes_ ? 1 : 0;
}

tl::expected<Wire::Seats, std::string> Wire::open_seats(HashSeed seed, const FlowTimeouts& timeouts) {
  if (program_) {
    auto seats = open_afxdp(seed, timeouts);
    if (seats || !pair_.plan().zero_copy) return seats;
    spdlog::warn(fmt::format("{}; frames are copied", seats.error()));
    pair_.plan().zero_copy = false;
    return open_afxdp(seed, timeouts);
  }
  auto port = AfpacketPort::open(pair_.outside(), pair_.inside(), first_port());
  if (!port) return tl::unexpected(port.error());
  Seats seats;
  seats.push_back({std::move(*port)});
  return seats;
}

tl::expected<Wire::Seats, std::string> Wire::open_afxdp(HashSeed seed, const FlowTimeouts& timeouts) {
  const std::size_t workers = std::clamp<std::size_t>(pair_.plan().workers, 1, LS_MAX_WORKERS);
  std::size_t queues = 0;  // of a worker, at most
  for (const std::uint32_t of_side : pair_.queues()) queues += (of_side + workers - 1) / workers;
  // What its rings hold when all are full, and a batch of copies.
  const std::size_t chunks = queues * afxdp::ring_entries + LS_SIDES * afxdp::transmit_entries + 1024;
  auto memory =
      afxdp::Memory::make(workers * chunks, pair_.mtu() <= afxdp::most_mtu_of_half_page ? 2048 : 4096);
  if (!memory) return tl::unexpected(memory.error());
  auto exchange = std::make_shared<afxdp::Exchange>(workers, chunks, seed);
  gate_ = std::make_shared<afxdp::Gate>(program_->config(), workers);
  gate_->shut();
  std::atomic_ref(program_->config().workers).store(static_cast<std::uint32_t>(workers));
  Seats seats;
  for (std::size_t n = 0; n < workers; ++n) {
    AfxdpPort::Parts parts{.number = n,
                           .port = first_port(),
                           .memory = *memory,
                           .chunks = chunks,
                           .exchange = exchange,
                           .gate = gate_,
                           .sockets = {},
                           .seat = {&program_->config(), &program_->workers()[n], program_->queues().data()}};
    auto seat = open_seat(std::move(parts), timeouts);
    if (!seat) return tl::unexpected(seat.error());
    seats.push_back(std::move(*seat));
  }
  auto samples = xdp::Samples::open(program_->pins());
  if (!samples) return tl::unexpected(samples.error());
  seats.front().samples =
      std::make_unique<KernelSamples>(std::move(*samples), program_->config(), first_port());
  return seats;
}

tl::expected<WireSeat, std::string> Wire::open_seat(AfxdpPort::Parts parts, const FlowTimeouts& timeouts) {
  struct Entry {
    std::uint32_t side, queue;
    int socket;
  };
  std::vector<Entry> entries;
  const std::size_t workers = parts.exchange->workers();
  for (std::uint32_t side = 0; side < LS_SIDES; ++side) {
    const std::uint32_t queues = std::min<std::uint32_t>(pair_.queues()[side], LS_MAX_QUEUES);
    for (std::size_t queue = parts.number; queue < queues; queue += workers) {
      auto socket = afxdp::Socket::open(parts.memory, side == 0 ? pair_.outside() : pair_.inside(),
                                        static_cast<std::uint32_t>(queue),
                                        {pair_.plan().zero_copy, pair_.plan().frags});
      if (!socket) return tl::unexpected(socket.error());
      entries.push_back({side, static_cast<std::uint32_t>(queue), (*socket)->descriptor()});
      parts.sockets[side].push_back(std::move(*socket));
    }
  }
  auto map = xdp::FlowVerdicts::open(program_->pins());
  if (!map) return tl::unexpected(map.error());
  const KernelVerdicts::Seat place{parts.seat.worker, parts.seat.queues,
                                   static_cast<std::uint32_t>(parts.number), parts.exchange};
  WireSeat seat;
  seat.verdicts = std::make_unique<KernelVerdicts>(std::move(*map), place,
                                                   KernelVerdicts::Limits{settings_.bypass, timeouts});
  auto port = AfxdpPort::make(std::move(parts));
  if (!port) return tl::unexpected(port.error());
  seat.port = std::move(*port);
  for (const Entry& entry : entries) {
    if (auto entered = program_->enter_socket(entry.side, entry.queue, entry.socket); !entered)
      return tl::unexpected(entered.error());
  }
  return seat;
}

void Wire::suspect_everything(bool everything) {
  const std::scoped_lock lock(suspicion_);
  everything_ = everything;
  // Before the masks are there everything is anyway.
  if (program_ && masked_) std::atomic_ref(program_->config().everything).store(everything ? 1 : 0);
}

tl::expected<void, std::string> Wire::suspect(const RuleGeneration& rules) {
  const std::scoped_lock lock(suspicion_);
  if (!program_) return {};
  // What was for the engine stays so: it may hold packets of such a connection, or a verdict.
  for (xdp::RuleEnds& ends : rule_ends(rules))
    if (std::find(suspected_.begin(), suspected_.end(), ends) == suspected_.end())
      suspected_.push_back(std::move(ends));
  masked_ = true;
  return xdp::write_suspicion(xdp::plan_suspicion(suspected_), *program_, everything_);
}

tl::expected<void, std::string> Wire::set_prefixes(std::span<const xdp::Prefix> prefixes) {
  if (program_) return prefixes_->replace(prefixes, program_->config());
  if (prefixes.empty()) return {};
  return tl::unexpected(fmt::format("{}: wire.block-files and wire.allow-files need AF_XDP", pair_.name()));
}

std::optional<xdp::Counts> Wire::counts() const {
  if (!reader_) return std::nullopt;
  xdp::Counts counts = reader_->read();
  for (std::size_t side = 0; side < LS_SIDES; ++side) {
    for (std::size_t what = 0; what < LS_COUNTED; ++what) {
      counts[side][what].packets -= before_[side][what].packets;
      counts[side][what].bytes -= before_[side][what].bytes;
    }
  }
  return counts;
}

std::array<std::uint64_t, LS_SIDES> Wire::refused() const {
  const auto outside = read_link(pair_.outside()), inside = read_link(pair_.inside());
  if (!outside || !inside) return {};
  std::array<std::uint64_t, LS_SIDES> refused{outside->received_drops + inside->transmit_drops,
                                              inside->received_drops + outside->transmit_drops};
  for (std::size_t side = 0; side < LS_SIDES; ++side)
    refused[side] -= std::min(refused[side], refused_before_[side]);
  return refused;
}

void Wire::begin() {
  if (program_)
    std::atomic_ref(program_->config().fail_closed).store(settings_.fail == UnseenPolicy::closed ? 1 : 0);
}

void Wire::end() {
  if (gate_) gate_->close();
}

// Without one of its interfaces nothing is left to go on.
bool Wire::is_whole() const {
  return ::if_nametoindex(pair_.outside().c_str()) == program_->config().ifindex[0] &&
         ::if_nametoindex(pair_.inside().c_str()) == program_->config().ifindex[1];
}

tl::expected<void, std::string> Wire::release() {
  if (program_ && settings_.exit == ExitPolicy::stay && is_whole()) return {};
  if (program_) {
    if (auto gone = xdp::Program::detach(program_->pins()); !gone) return gone;
  }
  return pair_.release();
}

}  // namespace lockstep
