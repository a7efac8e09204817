// Makes a scenario that violates something shorter and simpler, as long as it violates the same.
#pragma once
#include <functional>

#include "tests/oracle/scenario.hpp"

namespace lockstep::oracle {

// `fails` plays a scenario and says whether it shows the violation; called at most `budget` times.
[[nodiscard]] Scenario shrink(Scenario scenario, const std::function<bool(const Scenario&)>& fails,
                              std::size_t budget);

}  // namespace lockstep::oracle
