// content and what modifies the content before it.
#include <variant>

#include "signatures/language/options.hpp"

namespace lockstep::signatures {
namespace {

constexpr std::int64_t kMaxAbsolute = 65535;                      // offset and depth
constexpr std::int64_t kMaxRelative = std::int64_t{1024} * 1024;  // distance and within

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

// Reads the bytes between two pipes; digits pair up whatever blanks stand between them.
Parsed append_hex(std::string_view hex, std::vector<std::uint8_t>& bytes) {
  int high = -1;
  for (std::size_t i = 0; i < hex.size(); ++i) {
    if (hex[i] == ' ' || hex[i] == ',') continue;
    const int digit = hex_value(hex[i]);
    if (digit < 0) {
      return refused(hex.substr(i, 1), "between pipes stand pairs of hexadecimal digits",
                     "a pipe as a character is written |7C|");
    }
    if (high < 0) {
      high = digit;
    } else {
      bytes.push_back(static_cast<std::uint8_t>(high * 16 + digit));
      high = -1;
    }
  }
  if (high >= 0) return refused(hex, "an odd number of hexadecimal digits");
  return {};
}

tl::expected<std::vector<std::uint8_t>, SyntaxError> parse_pattern(std::string_view text) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '|') {
      const std::size_t end = text.find('|', i + 1);
      if (end == std::string_view::npos) {
        return refused(text.substr(i, 1), "this `|` is never closed",
                       "a pipe as a character is written |7C|");
      }
      if (auto hex = append_hex(text.substr(i + 1, end - i - 1), bytes); !hex)
        return tl::unexpected(hex.error());
      i = end;
    } else if (c == '\\') {
      const char next = i + 1 < text.size() ? text[i + 1] : '\0';
      if (next != ':' && next != ';' && next != '\\' && next != '"') {
        return refused(text.substr(i, 1), "a backslash stands only before `:`, `;`, `\\` and `\"`",
                       "a backslash as a character is written \\\\ or |5C|");
      }
      bytes.push_back(static_cast<std::uint8_t>(next));
      ++i;
    } else if (c == '"') {
      return refused(text.substr(i, 1), "a quote inside a content is written \\\" or |22|");
    } else {
      bytes.push_back(static_cast<std::uint8_t>(c));
    }
  }
  if (bytes.empty()) return refused(text, "an empty content matches nothing");
  if (bytes.size() > kMaxPatternLength) {
    return refused(text, "a content has at most " + std::to_string(kMaxPatternLength) + " bytes");
  }
  return bytes;
}

// The content before this modifier, or why there is none.
tl::expected<Content*, SyntaxError> content_before(Draft& draft, const Option& option) {
  if (draft.modified) {
    if (auto* content = std::get_if<Content>(&draft.rule.payload[*draft.modified])) return content;
  }
  return refused(option.name, std::string(option.name) + " needs a content before it");
}

// The four ways to place a content share what may not be combined with them.
Parsed read_edge(Draft& draft, const Option& option, std::optional<Operand> Content::*edge, std::int64_t low,
                 std::int64_t high) {
  const auto content = content_before(draft, option);
  if (!content) return tl::unexpected(content.error());
  Content& target = **content;
  if ((target.*edge).has_value())
    return refused(option.name, "a content has one " + std::string(option.name));
  if (target.starts_with) {
    return refused(option.name, std::string(option.name) + " can't be combined with startswith");
  }
  const bool relative = edge == &Content::distance || edge == &Content::within;
  if (relative ? (target.offset || target.depth) : target.relative()) {
    return refused(option.name, "offset and depth can't be combined with distance and within on one content");
  }
  const auto operand = parse_operand(draft, option.value, low, high, option.name);
  if (!operand) return tl::unexpected(operand.error());
  const bool bounds_length = edge == &Content::depth || edge == &Content::within;
  if (bounds_length && !operand->is_variable() &&
      operand->value < static_cast<std::int64_t>(target.pattern.size())) {
    return refused(option.value, std::string(option.name) + " is smaller than the content, which is " +
                                     std::to_string(target.pattern.size()) +
                                     " bytes long: it could never match");
  }
  target.*edge = *operand;
  return {};
}

Parsed read_chop(Content& content, const Option& option) {
  const auto pieces = split(option.value, ',', 3);
  const auto offset = number<std::uint16_t>(pieces[0]);
  const auto length = pieces.size() == 2 ? number<std::uint16_t>(pieces[1]) : std::nullopt;
  if (!offset || !length) return refused(option.value, "fast_pattern takes `only` or `offset,length`");
  if (*length == 0 || std::size_t{*offset} + *length > content.pattern.size()) {
    return refused(option.value, "this part does not lie inside the content, which is " +
                                     std::to_string(content.pattern.size()) + " bytes long");
  }
  content.fast_pattern = FastPattern::chop;
  content.chop_offset = *offset;
  content.chop_length = *length;
  return {};
}

}  // namespace

Parsed read_content(Draft& draft, const Option& option) {
  auto pattern = parse_pattern(option.value);
  if (!pattern) return tl::unexpected(pattern.error());
  Content content;
  content.pattern = std::move(*pattern);
  content.negated = option.negated;
  draft.add_payload(std::move(content), option.value);
  return {};
}

// A content on http.uri: read as one, so that what modifies it can be read too.
Parsed read_uricontent(Draft& draft, const Option& option) {
  draft.lacks(std::string(option.name));
  if (draft.application_buffer.empty()) draft.application_buffer = option.name;
  return read_content(draft, option);
}

Parsed read_nocase(Draft& draft, const Option& option) {
  const auto content = content_before(draft, option);
  if (!content) return tl::unexpected(content.error());
  if ((*content)->nocase) return refused(option.name, "a content has one nocase");
  (*content)->nocase = true;
  return {};
}

Parsed read_rawbytes(Draft& draft, const Option& option) {
  const auto content = content_before(draft, option);
  return content ? Parsed{} : Parsed(tl::unexpected(content.error()));
}

Parsed read_offset(Draft& draft, const Option& option) {
  return read_edge(draft, option, &Content::offset, 0, kMaxAbsolute);
}
Parsed read_depth(Draft& draft, const Option& option) {
  return read_edge(draft, option, &Content::depth, 0, kMaxAbsolute);
}
Parsed read_distance(Draft& draft, const Option& option) {
  return read_edge(draft, option, &Content::distance, -kMaxRelative, kMaxRelative);
}
Parsed read_within(Draft& draft, const Option& option) {
  return read_edge(draft, option, &Content::within, -kMaxRelative, kMaxRelative);
}

Parsed read_startswith(Draft& draft, const Option& option) {
  const auto content = content_before(draft, option);
  if (!content) return tl::unexpected(content.error());
  Content& target = **content;
  if (target.starts_with) return refused(option.name, "a content has one startswith");
  if (target.offset || target.depth || target.relative()) {
    return refused(option.name, "startswith can't be combined with offset, depth, distance or within");
  }
  target.starts_with = true;
  return {};
}

Parsed read_endswith(Draft& draft, const Option& option) {
  const auto content = content_before(draft, option);
  if (!content) return tl::unexpected(content.error());
  (*content)->ends_with = true;
  return {};
}

Parsed read_fast_pattern(Draft& draft, const Option& option) {
  const auto content = content_before(draft, option);
  if (!content) return tl::unexpected(content.error());
  for (const PayloadOption& other : draft.rule.payload) {
    const auto* chosen = std::get_if<Content>(&other);
    if (chosen != nullptr && chosen->fast_pattern != FastPattern::automatic) {
      return refused(option.name, "a rule has one fast_pattern");
    }
  }
  if (option.value.empty()) {
    (*content)->fast_pattern = FastPattern::whole;
  } else if (option.value == "only") {
    (*content)->fast_pattern = FastPattern::only;
  } else {
    return read_chop(**content, option);
  }
  return {};
}

Parsed read_pkt_data(Draft& draft, const Option&) {
  draft.select_tcp_header(false);
  return {};
}

Parsed read_tcp_hdr(Draft& draft, const Option& option) {
  draft.select_tcp_header(true);
  draft.ip_compatible = false;
  if (draft.packet_option.empty()) draft.packet_option = option.name;
  return {};
}

}  // namespace lockstep::signatures
