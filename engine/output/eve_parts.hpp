// Objects within EVE events that need nothing but the event.
#pragma once
#include "engine/output/events.hpp"
#include "engine/output/json.hpp"

namespace lockstep {

void put_amounts(JsonLine& line, const FlowAmounts& amounts);
void put_verdict(JsonLine& line, const Verdict& verdict, signatures::Action action, std::uint8_t protocol);
void put_drop(JsonLine& line, const DropEvent& event);
void put_tcp(JsonLine& line, const FlowEvent& event);
void put_stats(JsonLine& line, const StatsEvent& event);
// Nothing if nothing is set.
void put_own(JsonLine& line, const OwnFields& own, bool diverged = false, bool capture_gap = false);

}  // namespace lockstep
