// What reloads and generations tell, as JSON.
#pragma once
#include <nlohmann/json.hpp>

#include "engine/reload/reloader.hpp"

namespace lockstep {

[[nodiscard]] nlohmann::json to_json(const ReloadReport& report);
[[nodiscard]] nlohmann::json to_json(const KnownGeneration& generation);
[[nodiscard]] nlohmann::json to_json(const std::vector<signatures::RuleId>& rules);
[[nodiscard]] nlohmann::json to_json(const FailedRule& rule);  // Suricata's ruleset-failed-rules

}  // namespace lockstep
