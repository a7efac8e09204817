#include "engine/reason.hpp"

#include <array>

#include "xdp/lockstep.h"

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

Reason kernel_reason(std::size_t what) {
  constexpr std::array reasons{Reason::ip_bad_header, Reason::tcp_bad_header, Reason::tcp_bad_flags,
                               Reason::land,          Reason::blocked_prefix, Reason::blocked_flow,
                               Reason::syn_rate,      Reason::engine_absent};
  static_assert(reasons.size() == std::size_t{LS_COUNTED} - LS_DROPPED);
  return reasons[what - std::size_t{LS_DROPPED}];
}

std::string_view kernel_way(std::size_t what) {
  static constexpr std::array<std::string_view, LS_DROPPED> ways{"to_engine", "forwarded", "forwarded_bypass",
                                                                 "forwarded_allowed", "forwarded_open"};
  return what < ways.size() ? ways[what] : name(kernel_reason(what));
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
