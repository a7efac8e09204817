#include "engine/cli/terminal.hpp"

#include <cstdlib>

#include <fmt/format.h>
#include <unistd.h>

namespace lockstep {

void complain(std::string_view error) {
  fmt::print(stderr, "lockstep: {}\n", error);
}

bool is_terminal(std::FILE* stream) {
  return isatty(fileno(stream)) == 1;
}

bool use_colours(std::FILE* stream) {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* kind = std::getenv("TERM");
  if (no_colour != nullptr && *no_colour != '\0') return false;
  return is_terminal(stream) && kind != nullptr && std::string_view(kind) != "dumb";
}

std::string painted(std::string_view text, Colour colour, bool colours) {
  if (!colours) return std::string(text);
  constexpr int codes[] = {31, 32, 33, 1, 2};
  return fmt::format("\x1b[{}m{}\x1b[0m", codes[static_cast<std::size_t>(colour)], text);
}

}  // namespace lockstep
