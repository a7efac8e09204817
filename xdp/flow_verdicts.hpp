// The connections of a pair that the kernel decides alone: the map `flows` (xdp/lockstep.h). One worker's
// object; a call is a system call, so a handful a connection and none a packet.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "xdp/lockstep.h"
#include "xdp/shared_map.hpp"

namespace lockstep::xdp {

class FlowVerdicts {
 public:
  using Entry = std::pair<ls_flow_key, ls_flow>;

  [[nodiscard]] static tl::expected<FlowVerdicts, std::string> open(const std::string& pins);

  // False: the map is full.
  [[nodiscard]] bool put(const ls_flow_key& key, const ls_flow& flow);
  // What stood there last.
  std::optional<ls_flow> erase(const ls_flow_key& key);
  [[nodiscard]] std::optional<ls_flow> find(const ls_flow_key& key) const;
  // Some entries on from where the last call ended, about `count`; after the last one it begins anew. Of
  // entries that come or go meanwhile some may be left out or come twice.
  [[nodiscard]] const std::vector<Entry>& next(std::size_t count);

 private:
  explicit FlowVerdicts(Map map) : map_(std::move(map)) {}

  Map map_;
  std::uint32_t place_ = 0;
  bool begun_ = false;
  std::vector<ls_flow_key> keys_;
  std::vector<ls_flow> flows_;
  std::vector<Entry> entries_;
};

}  // namespace lockstep::xdp
