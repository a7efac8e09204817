#include "signatures/fast_literal.hpp"

#include <algorithm>
#include <array>
#include <bitset>
#include <string_view>

#include "signatures/byte_search.hpp"

namespace lockstep::signatures {
namespace {

// The end of a longer literal is as selective, and its state in Hyperscan smaller.
constexpr std::size_t longest_literal = 24;

// Text that nearly every HTTP, SMTP or SMB conversation holds; a literal inside one of these finds
// everything.
constexpr std::array<std::string_view, 16> everyday = {
    "\r\ncontent-type: text/html; charset=utf-8\r\n",
    "\r\ncontent-type: application/x-www-form-urlencoded\r\n",
    "\r\ncontent-length: ",
    "\r\nuser-agent: mozilla/5.0 (windows nt 10.0; win64; x64) applewebkit/537.36 (khtml, like gecko) "
    "chrome/",
    "user-agent: mozilla/4.0 (compatible; msie 6.0; windows nt 5.1",
    "http/1.1 200 ok\r\n",
    "http/1.0\r\nhttp/1.1\r\nhost: ",
    "get / http/1.1\r\n",
    "post / http/1.1\r\n",
    "\r\naccept: */*\r\naccept-encoding: gzip, deflate\r\naccept-language: en-us\r\n",
    "\r\nconnection: keep-alive\r\nconnection: close\r\n\r\n",
    "<html><head><title></title></head><body></body></html><script type=\"text/javascript\"></script>",
    "document.write(function(return this.length",
    "\r\nmime-version: 1.0\r\n",
    ".php?id=.html.aspx.exe.com/index.php",
    "https://www.",
};

bool is_noisy(Bytes literal) {
  if (std::all_of(literal.begin(), literal.end(), [&](std::uint8_t byte) { return byte == literal[0]; }))
    return true;
  const std::string text(literal.begin(), literal.end());
  return std::any_of(everyday.begin(), everyday.end(),
                     [&](std::string_view line) { return line.find(text) != std::string_view::npos; });
}

// Suricata's measure: a byte counts fully when first seen, once when repeated.
unsigned strength(Bytes literal) {
  std::bitset<256> seen;
  unsigned sum = 0;
  for (const std::uint8_t byte : literal) {
    const bool alpha = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
    const bool common = (byte >= 0x20 && byte < 0x7f) || byte <= 1 || byte == 0xff;
    sum += seen[byte] ? 1U : (alpha ? 3U : (common ? 4U : 6U));
    seen.set(byte);
  }
  return sum;
}

FastLiteral literal_of(const Content& content, std::size_t option) {
  FastLiteral literal;
  literal.option = option;
  std::size_t begin = 0;
  std::size_t end = content.pattern.size();
  if (content.fast_pattern == FastPattern::chop) {
    begin = std::min<std::size_t>(content.chop_offset, end);
    end = std::min<std::size_t>(begin + content.chop_length, end);
  }
  if (end - begin > longest_literal) begin = end - longest_literal;
  for (std::size_t i = begin; i < end; ++i) literal.bytes.push_back(to_lower(content.pattern[i]));
  literal.tail = content.pattern.size() - end;

  const auto fixed = [](const std::optional<Operand>& operand) {
    return operand && !operand->is_variable() && operand->value >= 0;
  };
  if (content.relative()) return literal;
  const std::uint64_t offset = fixed(content.offset) ? static_cast<std::uint64_t>(content.offset->value) : 0;
  if (!content.offset || fixed(content.offset)) {
    literal.min_end = offset + end;
    if (content.starts_with) literal.max_end = end;
    if (fixed(content.depth))
      literal.max_end =
          std::max<std::uint64_t>(offset + static_cast<std::uint64_t>(content.depth->value), literal.tail) -
          literal.tail;
  }
  return literal;
}

struct Rank {
  bool usable = false;
  bool chosen = false;  // by the rule
  std::size_t length = 0;
  unsigned strength = 0;
  auto operator<=>(const Rank&) const = default;  // NOLINT(modernize-use-nullptr): of generated code
};

Rank rank(const Content& content, const FastLiteral& literal) {
  Rank rank;
  rank.usable = literal.bytes.size() >= short_literal && !is_noisy(literal.bytes);
  rank.chosen = content.fast_pattern != FastPattern::automatic;
  rank.length = literal.bytes.size();
  rank.strength = strength(literal.bytes);
  return rank;
}

// Whether the cursor only moves forward from option to option: relative, and never by a negative distance or
// a jump.
bool moves_forward(const CompiledOption& option) {
  const auto* content = std::get_if<CompiledContent>(&option);
  if (content == nullptr || !content->relative || content->negated) return false;
  return !content->distance || (!content->distance->is_variable() && content->distance->value >= 0);
}

void gate(CompiledRule& compiled) {
  for (std::size_t i = compiled.literal->option + 1; i-- > 0;) {
    auto* content = std::get_if<CompiledContent>(&compiled.options[i]);
    if (content == nullptr || content->negated) return;
    content->gated = true;
    if (!moves_forward(compiled.options[i])) return;
  }
}

// The literal comes first and everything else is relative to it, forward: nothing before its start is looked
// at.
std::uint64_t lookback_of(const CompiledRule& compiled) {
  const auto& first = std::get<CompiledContent>(compiled.options[compiled.literal->option]);
  const bool forward = compiled.literal->option == 0 &&
                       std::all_of(compiled.options.begin() + 1, compiled.options.end(), moves_forward);
  return forward ? first.bytes.size() : std::numeric_limits<std::uint64_t>::max();
}

}  // namespace

void choose_literal(const Rule& rule, CompiledRule& compiled) {
  Rank best;
  for (std::size_t i = 0; i < rule.payload.size(); ++i) {
    const auto* content = std::get_if<Content>(&rule.payload[i]);
    if (content == nullptr || content->negated) continue;
    FastLiteral literal = literal_of(*content, i);
    if (literal.bytes.empty()) continue;
    const Rank candidate = rank(*content, literal);
    if (compiled.literal && !(candidate > best)) continue;
    best = candidate;
    compiled.literal = std::move(literal);
  }
  if (!compiled.literal) return;
  gate(compiled);
  compiled.lookback = lookback_of(compiled);
}

}  // namespace lockstep::signatures
