// What the kernel program counted since it was attached: each frame that it saw in exactly one way.
#pragma once
#include <array>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "xdp/lockstep.h"
#include "xdp/shared_map.hpp"

namespace lockstep::xdp {

using Counts = std::array<std::array<ls_count, LS_COUNTED>, LS_SIDES>;  // by side, enum ls_way and ls_drop

class CountReader {
 public:
  [[nodiscard]] static tl::expected<CountReader, std::string> open(const std::string& pins);
  // Of all CPUs.
  [[nodiscard]] Counts read() const;

 private:
  explicit CountReader(Map map) : map_(std::move(map)) {}
  Map map_;
};

}  // namespace lockstep::xdp
