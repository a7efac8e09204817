// Stream events as an enum and as a set of at most 64 of them; the list stands in stream_events.h.
#pragma once
#include <cstdint>
#include <string_view>

#include "reassembly/stream_events.h"

namespace lockstep::reassembly {

enum class StreamEvent : std::uint8_t {
#define X(identifier, name) identifier,
  LOCKSTEP_STREAM_EVENTS(X)
#undef X
      count
};
static_assert(static_cast<unsigned>(StreamEvent::count) <= 64);

[[nodiscard]] constexpr std::string_view name(StreamEvent event) {
  switch (event) {
#define X(identifier, text)     \
  case StreamEvent::identifier: \
    return text;
    LOCKSTEP_STREAM_EVENTS(X)
#undef X
    case StreamEvent::count:
      break;
  }
  return "";
}

struct StreamEvents {
  std::uint64_t bits = 0;

  constexpr void add(StreamEvent event) { bits |= std::uint64_t{1} << static_cast<unsigned>(event); }
  [[nodiscard]] constexpr bool has(StreamEvent event) const {
    return (bits >> static_cast<unsigned>(event) & 1U) != 0;
  }
  [[nodiscard]] constexpr bool any() const { return bits != 0; }
};

}  // namespace lockstep::reassembly
