#include "signatures/language/lines.hpp"

#include "signatures/language/text.hpp"

namespace lockstep::signatures {
namespace {

// The line without its continuation mark and what blanks stand behind it; nothing if it does not continue.
std::optional<std::string_view> continued(std::string_view line) {
  while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
  if (line.empty() || line.back() != '\\') return std::nullopt;
  return line.substr(0, line.size() - 1);
}

}  // namespace

std::string_view LineReader::next_physical() {
  const std::size_t end = rest_.find('\n');
  std::string_view line = rest_.substr(0, end);
  rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
  ++number_;
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

bool LineReader::next(LogicalLine& line) {
  while (!rest_.empty()) {
    std::string_view physical = next_physical();
    const std::string_view visible = trimmed(physical);
    if (visible.empty() || visible.front() == '#') continue;
    segments_.assign(1, {0, number_, physical});
    line.number = number_;
    auto head = continued(physical);
    if (!head) {
      current_ = line.text = physical;
      return true;
    }
    joined_.assign(*head);
    while (head && !rest_.empty()) {
      physical = next_physical();
      segments_.push_back({joined_.size(), number_, physical});
      head = continued(physical);
      joined_.append(head ? *head : physical);
    }
    current_ = line.text = joined_;
    return true;
  }
  return false;
}

TextPlace LineReader::place_of(std::string_view piece) const {
  const auto offset = static_cast<std::size_t>(piece.data() - current_.data());
  const Segment* segment = &segments_.front();
  for (const Segment& candidate : segments_) {
    if (candidate.offset <= offset) segment = &candidate;
  }
  return {segment->line, static_cast<std::uint32_t>(offset - segment->offset + 1), segment->physical};
}

}  // namespace lockstep::signatures
