// This folder's reasons as an enum; the texts and the rest of the list stand in reasons.h.
#pragma once
#include <cstdint>
#include <string_view>

#include "reassembly/reasons.h"

namespace lockstep::reassembly {

enum class Reason : std::uint8_t {
  none,
#define X(name, suricata, text) name,
  LOCKSTEP_WIRE_REASONS(X) LOCKSTEP_SESSION_REASONS(X)
#undef X
};

[[nodiscard]] constexpr std::string_view name(Reason reason) {
  switch (reason) {
    case Reason::none:
      return "none";
#define X(name, suricata, text) \
  case Reason::name:            \
    return #name;
      LOCKSTEP_WIRE_REASONS(X) LOCKSTEP_SESSION_REASONS(X)
#undef X
  }
  return "none";
}

}  // namespace lockstep::reassembly
