// What may be printed in colour, and where.
#pragma once
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace lockstep {

// A line on stderr that says what went wrong.
void complain(std::string_view error);

[[nodiscard]] bool is_terminal(std::FILE* stream);

// On a terminal that is not dumb, unless NO_COLOR says otherwise (no-color.org).
[[nodiscard]] bool use_colours(std::FILE* stream);

enum class Colour : std::uint8_t { red, green, yellow, bold, dim };

// `text` in a colour, or as it is.
[[nodiscard]] std::string painted(std::string_view text, Colour colour, bool colours);

}  // namespace lockstep
