// The one closed list of reasons: every packet that is not forwarded unchanged has exactly one. The name is
// the counter, the log field and the entry in the manual. Joined from the leaves' own lists and the engine's.
#pragma once
#include <cstdint>
#include <string_view>

#include "engine/reasons.h"
#include "reassembly/reason.hpp"
#include "signatures/reasons.h"
#include "xdp/reasons.h"

namespace lockstep {

#define LOCKSTEP_REASONS(X)     \
  LOCKSTEP_WIRE_REASONS(X)      \
  LOCKSTEP_SESSION_REASONS(X)   \
  LOCKSTEP_SIGNATURE_REASONS(X) \
  LOCKSTEP_ENGINE_REASONS(X)    \
  LOCKSTEP_XDP_REASONS(X)

enum class Reason : std::uint8_t {
  none,  // forwarded unchanged
#define X(name, suricata, text) name,
  LOCKSTEP_REASONS(X)
#undef X
};

inline constexpr std::size_t reason_count = 1
#define X(name, suricata, text) +1  // NOLINT(bugprone-macro-parentheses): one term of the sum
    LOCKSTEP_REASONS(X)
#undef X
    ;

[[nodiscard]] std::string_view name(Reason reason);  // "rst_not_at_rcv_nxt"
[[nodiscard]] std::string_view text(Reason reason);  // the manual's sentence
[[nodiscard]] std::string_view suricata(
    Reason reason);  // "stream_error": ips.drop_reason.*, and drop.reason with blanks

// Of a drop in the kernel (xdp/lockstep.h, enum ls_drop).
[[nodiscard]] Reason kernel_reason(std::size_t what);
// Of a way there (enum ls_way): "to_engine", "forwarded", ...; of a drop its reason's name.
[[nodiscard]] std::string_view kernel_way(std::size_t what);

// The leaf's reason stands in the joined list under the same name.
[[nodiscard]] Reason joined(reassembly::Reason reason);

}  // namespace lockstep
