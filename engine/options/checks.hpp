// What is wrong with one value of a list beyond its type (Option::check); empty: nothing.
#pragma once
#include <string>
#include <string_view>

namespace lockstep {

[[nodiscard]] std::string check_drop(std::string_view value);        // all, a sid, classtype:NAME
[[nodiscard]] std::string check_event_type(std::string_view value);  // of EVE
[[nodiscard]] std::string check_prefix(std::string_view value);      // an address or prefix
[[nodiscard]] std::string check_pair(std::string_view value);        // OUTSIDE:INSIDE, two interfaces
[[nodiscard]] std::string check_reload(std::string_view value);      // TIME=RULES

}  // namespace lockstep
