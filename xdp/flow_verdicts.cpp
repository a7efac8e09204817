#include "xdp/flow_verdicts.hpp"

#include <cerrno>

#include <bpf/bpf.h>

namespace lockstep::xdp {

tl::expected<FlowVerdicts, std::string> FlowVerdicts::open(const std::string& pins) {
  auto map = Map::open(pins, "flows");
  if (!map) return tl::unexpected(map.error());
  return FlowVerdicts(std::move(*map));
}

bool FlowVerdicts::put(const ls_flow_key& key, const ls_flow& flow) {
  return bpf_map_update_elem(map_.descriptor(), &key, &flow, BPF_ANY) == 0;
}

std::optional<ls_flow> FlowVerdicts::erase(const ls_flow_key& key) {
  ls_flow flow{};
  if (bpf_map_lookup_and_delete_elem(map_.descriptor(), &key, &flow) != 0) return std::nullopt;
  return flow;
}

std::optional<ls_flow> FlowVerdicts::find(const ls_flow_key& key) const {
  ls_flow flow{};
  if (bpf_map_lookup_elem(map_.descriptor(), &key, &flow) != 0) return std::nullopt;
  return flow;
}

const std::vector<FlowVerdicts::Entry>& FlowVerdicts::next(std::size_t count) {
  keys_.resize(count);
  flows_.resize(count);
  entries_.clear();
  auto read = static_cast<std::uint32_t>(count);
  const int error = bpf_map_lookup_batch(map_.descriptor(), begun_ ? &place_ : nullptr, &place_, keys_.data(),
                                         flows_.data(), &read, nullptr);
  // ENOENT: these were the last. ENOSPC: a bucket did not fit, and nothing was read.
  begun_ = error == 0;
  if (error != 0 && errno != ENOENT) read = 0;
  for (std::uint32_t i = 0; i < read; ++i) entries_.emplace_back(keys_[i], flows_[i]);
  return entries_;
}

}  // namespace lockstep::xdp
