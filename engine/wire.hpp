// One pair of a run: its interfaces, the kernel's part of it if there is one, and the ports of its workers.
//
//   auto wire = Wire::take(settings.wire, "eth0:eth1", 0);    // traffic flows from here on, or waits, as
//   wire.start says auto ports = (*wire)->open_ports(seed);                   // one a worker
//   ... workers run ...; (*wire)->begin();                    // the engine is there: wire.fail counts
//   (*wire)->end(); ... workers stop ...; (*wire)->release();
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/flow_key.hpp"
#include "engine/ports/afxdp/gate.hpp"
#include "engine/ports/inline_port.hpp"
#include "engine/wire_pair.hpp"
#include "xdp/program.hpp"

namespace lockstep {

class Wire {
 public:
  // `number` counts the pairs of a run. The errors are what stands in the way.
  [[nodiscard]] static tl::expected<std::unique_ptr<Wire>, std::vector<std::string>> take(
      const WireSettings& settings, std::string_view pair, std::uint16_t number);

  // The wire must outlive them.
  [[nodiscard]] tl::expected<std::vector<std::unique_ptr<InlinePort>>, std::string> open_ports(HashSeed seed);
  void begin();
  // The kernel goes on alone, as wire.fail says: what the workers still get is what came before.
  void end();
  // Puts the interfaces back, unless the kernel's part is to stay.
  [[nodiscard]] tl::expected<void, std::string> release();

  [[nodiscard]] const WirePair& pair() const { return pair_; }
  [[nodiscard]] std::string plan() const { return to_string(pair_.plan()); }
  [[nodiscard]] const xdp::Program* program() const { return program_ ? &*program_ : nullptr; }

 private:
  Wire(const WireSettings& settings, WirePair pair, std::uint16_t number)
      : settings_(settings), pair_(std::move(pair)), number_(number) {}
  [[nodiscard]] tl::expected<void, std::string> attach();
  [[nodiscard]] tl::expected<std::vector<std::unique_ptr<InlinePort>>, std::string> open_afxdp(
      HashSeed seed, bool zero_copy);

  const WireSettings& settings_;
  WirePair pair_;
  std::uint16_t number_;
  std::optional<xdp::Program> program_;
  std::shared_ptr<afxdp::Gate> gate_;
};

// The directory of the pair's program and maps.
[[nodiscard]] std::string pins_of(const WireSettings& settings, const WirePair& pair);

}  // namespace lockstep
