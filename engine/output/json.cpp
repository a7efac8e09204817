#include "engine/output/json.hpp"

#include <algorithm>
#include <cassert>

#include <fmt/format.h>

namespace lockstep {
namespace {

// Length of the UTF-8 character at the start of `text`, 0 if there is none (RFC 3629 §4: no overlong forms,
// no surrogates, nothing above U+10FFFF).
std::size_t utf8_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto tail = [&](std::size_t i) { return (at(i) & 0xc0U) == 0x80U; };
  const unsigned lead = at(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return tail(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const bool overlong = lead == 0xe0 && at(1) < 0xa0;
    const bool surrogate = lead == 0xed && at(1) > 0x9f;
    return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const bool overlong = lead == 0xf0 && at(1) < 0x90;
    const bool too_large = lead == 0xf4 && at(1) > 0x8f;
    return tail(1) && tail(2) && tail(3) && !overlong && !too_large ? 4 : 0;
  }
  return 0;
}

bool plain(char c) {
  return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

}  // namespace

JsonLine::JsonLine(std::string& out) : out_(out), closing_{'}'}, depth_(1) {
  out_ += '{';
}

void JsonLine::open(std::string_view name) {
  begin(name, '{', '}');
}
void JsonLine::open_list(std::string_view name) {
  begin(name, '[', ']');
}

void JsonLine::open_list_of(std::string_view name) {
  assert(depth_ < deepest);
  separate();
  quote(name);
  out_ += ":[";
  closing_[depth_++] = ']';
}

void JsonLine::open_item() {
  assert(depth_ < deepest);
  separate();
  out_ += '{';
  closing_[depth_++] = '}';
}

void JsonLine::close() {
  assert(depth_ > 1);
  out_ += closing_[--depth_];
}

void JsonLine::finish() {
  while (depth_ > 0) out_ += closing_[--depth_];
  out_ += '\n';
}

void JsonLine::field(std::string_view name, std::string_view value) {
  key(name);
  quote(value);
}

void JsonLine::item(std::string_view value) {
  separate();
  quote(value);
}

void JsonLine::item(std::uint64_t value) {
  separate();
  const fmt::format_int digits(value);
  out_.append(digits.data(), digits.size());
}

void JsonLine::base64(std::string_view name, std::span<const std::uint8_t> bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  key(name);
  out_ += '"';
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = static_cast<std::uint32_t>(bytes[i]) << 16;
    if (count > 1) group |= static_cast<std::uint32_t>(bytes[i + 1]) << 8;
    if (count > 2) group |= bytes[i + 2];
    out_ += digits[group >> 18];
    out_ += digits[(group >> 12) & 63];
    out_ += count > 1 ? digits[(group >> 6) & 63] : '=';
    out_ += count > 2 ? digits[group & 63] : '=';
  }
  out_ += '"';
}

void JsonLine::printable(std::string_view name, std::span<const std::uint8_t> bytes) {
  key(name);
  out_ += '"';
  for (const std::uint8_t byte : bytes) {
    const char c = static_cast<char>(byte);
    if (plain(c)) {
      out_ += c;
    } else if (c == '"' || c == '\\') {
      out_ += '\\';
      out_ += c;
    } else if (c == '\n') {
      out_ += "\\n";
    } else if (c == '\r') {
      out_ += "\\r";
    } else {
      out_ += '.';
    }
  }
  out_ += '"';
}

void JsonLine::separate() {
  if (out_.back() != '{' && out_.back() != '[') out_ += ',';
}

void JsonLine::begin(std::string_view name, char opening, char closing) {
  assert(depth_ < deepest);
  key(name);
  out_ += opening;
  closing_[depth_++] = closing;
}

void JsonLine::key(std::string_view name) {
  separate();
  out_ += '"';
  out_ += name;
  out_ += "\":";
}

void JsonLine::raw(std::string_view name, std::string_view value) {
  key(name);
  out_ += value;
}

void JsonLine::number(std::string_view name, std::uint64_t value) {
  key(name);
  const fmt::format_int digits(value);
  out_.append(digits.data(), digits.size());
}

void JsonLine::quote(std::string_view text) {
  out_ += '"';
  while (!text.empty()) {
    const auto run =
        static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), plain) - text.begin());
    out_ += text.substr(0, run);
    text.remove_prefix(run);
    if (text.empty()) break;
    const char c = text.front();
    const std::size_t length = utf8_length(text);
    if (c == '"' || c == '\\') {
      out_ += '\\';
      out_ += c;
    } else if (length > 1) {
      out_ += text.substr(0, length);
    } else {
      out_ += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    }
    text.remove_prefix(std::max<std::size_t>(1, length));
  }
  out_ += '"';
}

}  // namespace lockstep
