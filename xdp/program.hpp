// The kernel program of one pair: loaded, attached to both interfaces, pinned, taken over by the next run,
// and removed. It outlives whoever attached it.
//
//   const auto pins = xdp::pins_below("/sys/fs/bpf/lockstep", {"eth0", "eth1"});
//   auto program = xdp::Program::attach({.interfaces = {"eth0", "eth1"}, .pins = pins});
//   program->enter_socket(0, 0, socket);
//   ...
//   xdp::Program::detach(pins);
//
// In the network namespace of the calling thread. Not for several threads; what config(), workers() and
// queues() give is memory that the kernel and every thread share, to be used by atomics.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>

#include <tl/expected.hpp>

#include "xdp/lockstep.h"
#include "xdp/shared_map.hpp"

namespace lockstep::xdp {

struct AttachWish {
  std::array<std::string, LS_SIDES> interfaces;  // outside, inside
  std::string pins;                              // a directory of the pair's own in a BPF file system; made
  std::uint32_t flows = LS_FLOWS;                // room for verdicts of connections, if it is attached anew
  bool native = true;                            // in the drivers; false: the kernel's generic hook
  bool fail_closed = false;  // what is for the engine, until that says otherwise; if it is attached anew
};

// A pair's own directory below `directory`, as a BPF file system takes it: dots of names, which it refuses,
// are colons, which no interface has.
[[nodiscard]] std::string pins_below(const std::string& directory,
                                     const std::array<std::string, LS_SIDES>& interfaces);

class Program {
 public:
  // What the last run pinned is taken over as it is, without a packet lost, if it is of the same build and
  // still attached to the same interfaces. Another build is replaced on each interface at once, without a
  // gap, if it stands there alone and in the wished mode; else it is removed and attached anew. The error is
  // for the user: it names the interface and who has it.
  [[nodiscard]] static tl::expected<Program, std::string> attach(const AttachWish& wish);
  // Removes the program from its interfaces, as far as these are still there, and all pins. Nothing pinned:
  // done.
  [[nodiscard]] static tl::expected<void, std::string> detach(const std::string& pins);

  [[nodiscard]] ls_config& config() const { return config_[0]; }
  [[nodiscard]] std::span<ls_worker> workers() const { return workers_.get(); }
  [[nodiscard]] std::span<ls_queue> queues() const { return queues_.get(); }
  [[nodiscard]] const std::string& pins() const { return pins_; }
  [[nodiscard]] bool taken_over() const { return taken_over_; }
  [[nodiscard]] bool replaced() const { return replaced_; }
  // By libxdp's dispatcher, beside programs of others; else alone.
  [[nodiscard]] bool dispatched() const { return dispatched_; }

  // Frames for the engine that come in by this queue go to the socket from now on, until it is closed.
  [[nodiscard]] tl::expected<void, std::string> enter_socket(std::uint32_t side, std::uint32_t queue,
                                                             int socket) const;

 private:
  Program() = default;
  [[nodiscard]] static tl::expected<Program, std::string> open(const std::string& pins);

  std::string pins_;
  Elements<ls_config> config_;
  Elements<ls_worker> workers_;
  Elements<ls_queue> queues_;
  Map sockets_;
  bool taken_over_ = false;
  bool replaced_ = false;
  bool dispatched_ = false;
};

}  // namespace lockstep::xdp
