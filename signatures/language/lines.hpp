// The logical lines of a rule or configuration file: comments and empty lines left out, lines that end in `\`
// joined with the next. A comment is a line whose first visible character is `#`; it never continues.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lockstep::signatures {

// A logical line is valid until the next call of the reader that gave it.
struct LogicalLine {
  std::string_view text;
  std::uint32_t number = 0;  // of the first physical line, from 1
};

// Where a piece of a logical line stands in the file.
struct TextPlace {
  std::uint32_t line = 0;     // from 1
  std::uint32_t column = 0;   // from 1, bytes
  std::string_view physical;  // the whole physical line
};

class LineReader {
 public:
  explicit LineReader(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool next(LogicalLine& line);

  // `piece` points into the text of the line given last (its end counts).
  [[nodiscard]] TextPlace place_of(std::string_view piece) const;

 private:
  struct Segment {
    std::size_t offset;  // in the logical line
    std::uint32_t line;
    std::string_view physical;
  };
  [[nodiscard]] std::string_view next_physical();

  std::string_view rest_;
  std::uint32_t number_ = 0;
  std::string joined_;
  std::string_view current_;
  std::vector<Segment> segments_;
};

}  // namespace lockstep::signatures
