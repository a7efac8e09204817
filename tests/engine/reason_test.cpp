#include "engine/reason.hpp"

#include <set>

#include "tests/support/catch.hpp"

using namespace lockstep;

TEST_CASE("every reason has one name, a text and a class that Suricata's users know", "[engine][reason]") {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < reason_count; ++i) {
    const auto reason = static_cast<Reason>(i);
    CHECK(names.insert(name(reason)).second);
    CHECK_FALSE(text(reason).empty());
    if (reason != Reason::none) CHECK_FALSE(suricata(reason).empty());
  }
}
