// JSON for people: objects as lines of key and value, lists of objects as tables.
#pragma once
#include <string>

#include <nlohmann/json.hpp>

namespace lockstep {

[[nodiscard]] std::string readable(const nlohmann::json& value);

}  // namespace lockstep
