// Small readers over pieces of a line. A piece always points into the line that it came from, so an error can
// say where: nothing here copies text, and nothing looks beyond its piece.
#pragma once
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

namespace lockstep::signatures {

// Why a text was refused. `where` points into the text that was given; messages are fragments without a full
// stop.
struct SyntaxError {
  std::string_view where;
  std::string message;
  std::string remedy;  // empty where there is no better advice than the message
};

using Parsed = tl::expected<void, SyntaxError>;

[[nodiscard]] inline tl::unexpected<SyntaxError> refused(std::string_view where, std::string message,
                                                         std::string remedy = {}) {
  return tl::unexpected<SyntaxError>(SyntaxError{where, std::move(message), std::move(remedy)});
}

[[nodiscard]] constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}
[[nodiscard]] constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
[[nodiscard]] constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
[[nodiscard]] constexpr bool is_letter(char c) {
  return lower(c) >= 'a' && lower(c) <= 'z';
}

[[nodiscard]] std::string_view trimmed(std::string_view text);
[[nodiscard]] bool same_word(std::string_view a, std::string_view b);  // ASCII case aside

// Takes `prefix` off the front of `text`, if it is there.
[[nodiscard]] bool take(std::string_view& text, std::string_view prefix);

// The trimmed pieces between the separators; always at least one, which may be empty. Pieces beyond `limit`
// stay joined in the last one.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator,
                                                  std::size_t limit = 1024);

// The first word of a piece and the rest behind it, both trimmed.
[[nodiscard]] std::pair<std::string_view, std::string_view> word_and_rest(std::string_view text);

// The whole piece as a number of the type; base 0: 0x… is hexadecimal, all else decimal.
template <typename Integer>
[[nodiscard]] std::optional<Integer> number(std::string_view text, int base = 10) {
  if (base == 0) {
    const bool hex = text.size() > 2 && text[0] == '0' && lower(text[1]) == 'x';
    if (hex) text.remove_prefix(2);
    base = hex ? 16 : 10;
  }
  if (text.size() > 1 && text.front() == '+' && is_digit(text[1])) text.remove_prefix(1);
  Integer value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

// `text` without backslashes before `"`, `;`, `\` and `:`, as messages are written.
[[nodiscard]] std::string unescaped(std::string_view text);

}  // namespace lockstep::signatures
