#include "engine/reason.hpp"

#include <array>

namespace lockstep {
namespace {

struct Entry {
  std::string_view name, suricata, text;
};

constexpr std::array<Entry, reason_count> entries{{{"none", "", "forwarded unchanged"},
#define X(name, suricata, text) {#name, #suricata, text},
                                                   LOCKSTEP_REASONS(X)
#undef X
}};

}  // namespace

std::string_view name(Reason reason) {
  return entries[static_cast<std::size_t>(reason)].name;
}
std::string_view text(Reason reason) {
  return entries[static_cast<std::size_t>(reason)].text;
}
std::string_view suricata(Reason reason) {
  return entries[static_cast<std::size_t>(reason)].suricata;
}

Reason joined(reassembly::Reason reason) {
  switch (reason) {
    case reassembly::Reason::none:
      return Reason::none;
#define X(name, suricata, text)  \
  case reassembly::Reason::name: \
    return Reason::name;
      LOCKSTEP_WIRE_REASONS(X) LOCKSTEP_SESSION_REASONS(X)
#undef X
  }
  return Reason::none;
}

}  // namespace lockstep
