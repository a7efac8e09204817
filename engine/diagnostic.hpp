// Something wrong at a place of a file that a person wrote, and how it is shown.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace lockstep {

struct Diagnostic {
  std::string file;
  std::uint32_t line = 0;    // from 1; 0: the file as a whole
  std::uint32_t column = 0;  // in bytes, from 1; 0: the line as a whole
  std::string message;       // says what is wrong and, where it is known, the remedy
  std::string source;        // the line as written, for the caret; may be empty
};

// "FILE:LINE:COLUMN: message", then the line and a caret under the column. Long lines are shown around the
// column; control bytes are shown as dots.
[[nodiscard]] std::string to_string(const Diagnostic& diagnostic);

// Line `number` (from 1) of a text, without its end; empty if there is none.
[[nodiscard]] std::string_view line_of(std::string_view text, std::uint32_t number);

}  // namespace lockstep
