#include "engine/options/checks.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/options/value.hpp"
#include "engine/output/event_type.hpp"

namespace lockstep {

std::string check_drop(std::string_view value) {
  if (value == "all") return {};
  constexpr std::string_view classtype = "classtype:";
  if (value.starts_with(classtype) && value.size() > classtype.size()) return {};
  const auto sid = parse_count(value);
  if (sid && *sid > 0 && *sid <= std::numeric_limits<std::uint32_t>::max()) return {};
  return "is not all, a sid or classtype:NAME";
}

std::string check_pair(std::string_view value) {
  const auto colon = value.find(':');
  if (colon == 0 || colon == std::string_view::npos || colon + 1 == value.size()) return "is not A:B";
  if (value.substr(0, colon) == value.substr(colon + 1)) return "names one interface twice";
  return {};
}

std::string check_reload(std::string_view value) {
  const auto equals = value.find('=');
  if (equals == std::string_view::npos || equals + 1 == value.size()) return "is not TIME=RULES";
  if (!parse_moment(value.substr(0, equals)))
    return "names no time: write 90s, behind the first packet, or 2026-08-21T10:00:00Z";
  return {};
}

std::string check_event_type(std::string_view value) {
  const auto& names = event_type_names;
  if (std::find(names.begin(), names.end(), value) != names.end()) return {};
  return fmt::format("is not one of {}", fmt::join(names, ", "));
}

std::string check_prefix(std::string_view value) {
  return parse_prefix(value) ? std::string{} : "is not an address or prefix";
}

}  // namespace lockstep
