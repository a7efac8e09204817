#include "engine/framing_table.hpp"

#include <algorithm>

namespace lockstep {

std::string_view FramingTable::view(const reassembly::Framing& framing) {
  return {reinterpret_cast<const char*>(&framing), sizeof framing};
}

FramingTable::Index FramingTable::intern(const reassembly::Framing& framing) {
  static_assert(std::has_unique_object_representations_v<reassembly::Framing>);
  if (const auto found = numbers_.find(view(framing)); found != numbers_.end()) return found->second;
  if (framings_.size() >= std::min<std::size_t>(limit_, none)) return none;
  framings_.push_back(framing);
  const auto index = static_cast<Index>(framings_.size() - 1);
  numbers_.emplace(view(framings_.back()), index);
  return index;
}

}  // namespace lockstep
