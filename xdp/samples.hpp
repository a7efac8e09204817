// Packets that the kernel program dropped, now and then one of each reason (ls_config::sample_round). How
// many were dropped is what `counts` says. One reader a pair.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "xdp/lockstep.h"
#include "xdp/shared_map.hpp"

struct ring_buffer;

namespace lockstep::xdp {

class Samples {
 public:
  [[nodiscard]] static tl::expected<Samples, std::string> open(const std::string& pins);

  // Those that came since the last call, oldest first; valid until the next call. Never waits.
  [[nodiscard]] const std::vector<ls_sample>& take();

 private:
  struct Close {
    void operator()(ring_buffer* ring) const;
  };
  Samples() = default;
  static int keep(void* taken, void* bytes, std::size_t size);

  Map map_;
  std::unique_ptr<std::vector<ls_sample>> taken_ =
      std::make_unique<std::vector<ls_sample>>();  // the ring knows its address
  std::unique_ptr<ring_buffer, Close> ring_;
};

}  // namespace lockstep::xdp
