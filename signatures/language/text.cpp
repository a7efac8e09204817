#include "signatures/language/text.hpp"

#include <algorithm>

namespace lockstep::signatures {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool take(std::string_view& text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::vector<std::string_view> split(std::string_view text, char separator, std::size_t limit) {
  std::vector<std::string_view> pieces;
  while (pieces.size() + 1 < limit) {
    const std::size_t at = text.find(separator);
    if (at == std::string_view::npos) break;
    pieces.push_back(trimmed(text.substr(0, at)));
    text.remove_prefix(at + 1);
  }
  pieces.push_back(trimmed(text));
  return pieces;
}

std::pair<std::string_view, std::string_view> word_and_rest(std::string_view text) {
  text = trimmed(text);
  const auto blank = std::find_if(text.begin(), text.end(), is_blank);
  const auto length = static_cast<std::size_t>(blank - text.begin());
  return {text.substr(0, length), trimmed(text.substr(length))};
}

std::string unescaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out.push_back(text[i]);
  }
  return out;
}

}  // namespace lockstep::signatures
