// The kinds of events that EVE tells, by the names that stand in the log and in outputs.eve-log.types.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace lockstep {

enum class EventType : std::uint8_t { alert, drop, flow, anomaly, stats };
inline constexpr std::array<std::string_view, 5> event_type_names{"alert", "drop", "flow", "anomaly",
                                                                  "stats"};
inline constexpr std::size_t event_type_count = event_type_names.size();

}  // namespace lockstep
