// Where the lines of one log go.
#pragma once
#include <string>

namespace lockstep {

enum class EventType : std::uint8_t { alert, drop, flow, anomaly, stats };
inline constexpr std::size_t event_type_count = 5;

class Outlet {
 public:
  Outlet() = default;
  Outlet(const Outlet&) = delete;
  Outlet& operator=(const Outlet&) = delete;
  virtual ~Outlet() = default;

  // Put a line at the end of this, then call written().
  [[nodiscard]] virtual std::string& buffer() = 0;
  virtual void written(EventType type) = 0;
  // Nothing follows. False if a line was lost.
  [[nodiscard]] virtual bool finish() = 0;
};

}  // namespace lockstep
