// The ends of a packet that the engine does not follow, for an event.
#pragma once
#include "engine/output/events.hpp"
#include "reassembly/frame.hpp"

namespace lockstep {

// Addresses, ports and protocol as the frame's headers say, perhaps cut behind them, whatever the protocol
// is. False: it is not IP, or its header can't be read; the event has no addresses then.
bool read_ends(const reassembly::Frame& frame, EventHeader& header);

}  // namespace lockstep
