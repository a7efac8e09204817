// Where the lines of one log go.
#pragma once
#include <string>

#include "engine/output/event_type.hpp"

namespace lockstep {

class Outlet {
 public:
  Outlet() = default;
  Outlet(const Outlet&) = delete;
  Outlet& operator=(const Outlet&) = delete;
  virtual ~Outlet() = default;

  // Put a line at the end of this, then call written().
  [[nodiscard]] virtual std::string& buffer() = 0;
  virtual void written(EventType type) = 0;
  // No packet waits any more: written() may, for some seconds in all, rather than lose a line.
  virtual void be_patient() {}
  // Nothing follows. False if a line was lost that was promised: a file's any, a queue's alert or drop.
  [[nodiscard]] virtual bool finish() = 0;
};

}  // namespace lockstep
