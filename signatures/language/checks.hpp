// What only the whole rule can show: options that exclude each other, and on what the rule is judged.
#pragma once
#include "signatures/language/draft.hpp"

namespace lockstep::signatures {

[[nodiscard]] Parsed check_rule(Draft& draft);

// RULE: packet options, dsize and tcp-pkt force the packet; tcp-stream and only_stream the stream; anchored
// contents of plain tcp are judged on both.
[[nodiscard]] Inspection inspection_of(const Draft& draft);

}  // namespace lockstep::signatures
