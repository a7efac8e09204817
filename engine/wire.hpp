// One pair of a run: its interfaces, the kernel's part of it if there is one, and what its workers get of it.
//
//   auto wire = Wire::take(settings, "eth0:eth1", 0);       // traffic flows, or waits, as wire.start says
//   auto seats = (*wire)->open_seats(seed, timeouts);       // one a worker
//   ... workers run ...; (*wire)->begin();
//   (*wire)->end(); ... workers stop ...; (*wire)->release();
//
// The main thread's, but for what the seats hold, and for what a reload takes along: suspect() and
// set_prefixes() may be called from another one while the main thread waits.
#pragma once
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/kernel_samples.hpp"
#include "engine/kernel_verdicts.hpp"
#include "engine/ports/afxdp/gate.hpp"
#include "engine/ports/afxdp_port.hpp"
#include "engine/wire_pair.hpp"
#include "xdp/counts.hpp"
#include "xdp/prefixes.hpp"
#include "xdp/program.hpp"
#include "xdp/suspicion.hpp"

namespace lockstep {

// What one worker has of it.
struct WireSeat {
  std::unique_ptr<InlinePort> port;
  std::unique_ptr<KernelVerdicts> verdicts = {};  // null: the kernel decides nothing
  std::unique_ptr<KernelSamples> samples = {};    // of one seat a wire
};

class Wire {
 public:
  // `number` counts the pairs of a run. `settings` must outlive the wire. The errors are what stands in the
  // way.
  [[nodiscard]] static tl::expected<std::unique_ptr<Wire>, std::vector<std::string>> take(
      const Settings& settings, std::string_view pair, std::uint16_t number);

  // The wire must outlive them.
  [[nodiscard]] tl::expected<std::vector<WireSeat>, std::string> open_seats(HashSeed seed,
                                                                            const FlowTimeouts& timeouts);
  // Which connections the engine gets: those that these rules or any before them can match.
  [[nodiscard]] tl::expected<void, std::string> suspect(const RuleGeneration& rules);
  // All TCP is the engine's while this holds, whatever rules can match. Any thread, as suspect().
  void suspect_everything(bool everything);
  // These take the place of the prefixes that the kernel blocked and allowed. Without a kernel's part of the
  // wire it is an error to have any.
  [[nodiscard]] tl::expected<void, std::string> set_prefixes(std::span<const xdp::Prefix> prefixes);
  // The engine is there: from here on wire.fail says what becomes of traffic without it.
  void begin();
  // The kernel goes on alone, as wire.fail says: what the workers still get is what came before.
  void end();
  // Puts the interfaces back, unless the kernel's part is to stay.
  [[nodiscard]] tl::expected<void, std::string> release();

  [[nodiscard]] const WirePair& pair() const { return pair_; }
  [[nodiscard]] std::string plan() const { return to_string(pair_.plan()); }
  // What the kernel did since take(); nothing without its part of the wire.
  [[nodiscard]] std::optional<xdp::Counts> counts() const;
  // Frames that came in by each side and were forwarded, by the kernel or the engine, and that the other
  // side's interface did not take, since take(); by the interfaces' own account, so at most: what came while
  // the side was down is among it.
  [[nodiscard]] std::array<std::uint64_t, LS_SIDES> refused() const;
  [[nodiscard]] const xdp::Program* program() const { return program_ ? &*program_ : nullptr; }

 private:
  using Seats = std::vector<WireSeat>;
  Wire(const Settings& settings, WirePair pair, std::uint16_t number)
      : settings_(settings.wire),
        observes_(settings.mode == Mode::observe),
        pair_(std::move(pair)),
        number_(number) {}
  [[nodiscard]] std::uint16_t first_port() const {
    return static_cast<std::uint16_t>(outside_port + 2 * number_);
  }
  [[nodiscard]] tl::expected<void, std::string> attach();
  void set_policy();
  [[nodiscard]] bool is_whole() const;
  [[nodiscard]] tl::expected<Seats, std::string> open_afxdp(HashSeed seed, const FlowTimeouts& timeouts);
  [[nodiscard]] tl::expected<WireSeat, std::string> open_seat(AfxdpPort::Parts parts,
                                                              const FlowTimeouts& timeouts);

  const WireSettings& settings_;
  bool observes_;
  WirePair pair_;
  std::uint16_t number_;
  std::optional<xdp::Program> program_;
  std::shared_ptr<afxdp::Gate> gate_;
  std::mutex suspicion_;
  std::vector<xdp::RuleEnds> suspected_;
  bool everything_ = false;
  bool masked_ = false;
  std::optional<xdp::Prefixes> prefixes_;
  std::optional<xdp::CountReader> reader_;
  xdp::Counts before_{};
  std::array<std::uint64_t, LS_SIDES> refused_before_{};
};

// The directory of the pair's program and maps.
[[nodiscard]] std::string pins_of(const WireSettings& settings, const WirePair& pair);

}  // namespace lockstep
