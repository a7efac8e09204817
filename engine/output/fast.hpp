// Alerts as lines of text, as Suricata's fast.log.
#pragma once
#include <string>

#include "engine/output/events.hpp"
#include "engine/output/text.hpp"

namespace lockstep {

class FastWriter {
 public:
  // Appends one line to `out`.
  void write(std::string& out, const AlertEvent& event);

 private:
  TimeText time_;
};

}  // namespace lockstep
