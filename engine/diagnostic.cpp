#include "engine/diagnostic.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace lockstep {
namespace {

constexpr std::size_t width = 110;  // bytes of a source line that are shown

std::string show_source(std::string_view source, std::size_t column) {
  const std::size_t caret = std::min(column == 0 ? 0 : column - 1, source.size());
  const std::size_t from = caret > width - 20 ? caret - (width - 20) : 0;
  const std::string_view part = source.substr(from, width);
  std::string out = "  ";
  if (from > 0) out += "...";
  const std::size_t indent = out.size();
  for (const char c : part)
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? (c == '\t' ? ' ' : '.') : c;
  if (from + part.size() < source.size()) out += "...";
  out += '\n';
  if (column > 0) out += std::string(indent + caret - from, ' ') + "^\n";
  return out;
}

}  // namespace

std::string to_string(const Diagnostic& diagnostic) {
  std::string out = diagnostic.file;
  if (diagnostic.line > 0) out += fmt::format(":{}", diagnostic.line);
  if (diagnostic.line > 0 && diagnostic.column > 0) out += fmt::format(":{}", diagnostic.column);
  if (!out.empty()) out += ": ";
  out += diagnostic.message;
  out += '\n';
  if (!diagnostic.source.empty()) out += show_source(diagnostic.source, diagnostic.column);
  return out;
}

std::string_view line_of(std::string_view text, std::uint32_t number) {
  for (std::uint32_t line = 1; !text.empty(); ++line) {
    const auto end = text.find('\n');
    if (line == number) {
      std::string_view found = text.substr(0, end);
      if (!found.empty() && found.back() == '\r') found.remove_suffix(1);
      return found;
    }
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return {};
}

}  // namespace lockstep
