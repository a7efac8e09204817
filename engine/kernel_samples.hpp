// What the kernel program dropped, as drop events: a few packets of many, for `counts` has them all. One
// worker of a wire has it, and calls it from its thread.
#pragma once
#include "engine/clock.hpp"
#include "engine/reporter.hpp"
#include "xdp/samples.hpp"

namespace lockstep {

class KernelSamples {
 public:
  // `config`, the program's, must outlive it. Frames from the outside came in by `port`, others by the next.
  KernelSamples(xdp::Samples samples, ls_config& config, std::uint16_t port);

  // Tells of those of the round that ends here; another begins, with at most one packet of each reason, side
  // and CPU. To be called about once a second.
  void tell(Reporter& reporter, const Clock& clock);

 private:
  void begin_round();

  xdp::Samples samples_;
  ls_config* config_;
  std::uint16_t port_;
};

}  // namespace lockstep
