// The real program, attached to a veth pair in a namespace of the test's own, and run on frames by the
// kernel's test run: what it answers, and what it counted.
#pragma once
#include <array>
#include <memory>
#include <optional>
#include <string>

#include "engine/ports/afxdp/socket.hpp"
#include "tests/support/packet_builder.hpp"
#include "xdp/counts.hpp"
#include "xdp/flow_verdicts.hpp"
#include "xdp/prefixes.hpp"
#include "xdp/program.hpp"
#include "xdp/suspicion.hpp"

namespace lockstep::test {

struct Answer {
  std::uint32_t action = 0;  // XDP_DROP, XDP_REDIRECT, ...
  std::optional<std::uint32_t>
      what;  // the one thing that was counted (enum ls_way, ls_drop); nothing: none or several

  bool operator==(const Answer&) const = default;
};

class Kernel {
 public:
  // Frames for the engine find a socket on queue 0 of both sides, a fresh heartbeat, and an engine that is
  // ready.
  static constexpr std::uint64_t far = 1'000'000'000'000'000;

  Kernel();  // throws std::runtime_error
  ~Kernel();
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  [[nodiscard]] Answer run(const Bytes& frame, std::uint32_t side = 0) const;
  // ns a run, the mean over `repeat` runs.
  [[nodiscard]] double cost(const Bytes& frame, std::uint32_t repeat, std::uint32_t side = 0) const;

  [[nodiscard]] xdp::Program& program() { return *program_; }
  [[nodiscard]] ls_config& config() { return program_->config(); }
  [[nodiscard]] ls_worker& worker() { return program_->workers()[0]; }
  [[nodiscard]] ls_queue& queue(std::uint32_t side) { return program_->queues()[side * LS_MAX_QUEUES]; }
  [[nodiscard]] xdp::FlowVerdicts& flows() { return *flows_; }
  [[nodiscard]] const std::string& pins() const { return pins_; }
  [[nodiscard]] xdp::AttachWish wish() const;
  void close_sockets();
  // As if the last SYNs of all prefixes had come so many ns earlier.
  void age_rates(std::int64_t ns) const;

 private:
  std::string folder_, pins_;
  std::optional<xdp::Program> program_;
  std::optional<xdp::FlowVerdicts> flows_;
  std::optional<xdp::CountReader> counts_;
  std::array<std::unique_ptr<afxdp::Socket>, LS_SIDES> sockets_;
  std::array<unsigned, LS_SIDES> indexes_{};
  xdp::Map run_;  // the program's descriptor
};

// Runs `body(Kernel&)` in a namespace that ends with it. Without the privilege "SKIPPED:" is printed.
template <class Body>
void with_kernel(Body body);

}  // namespace lockstep::test

#include "tests/xdp/kernel_inline.hpp"
