#include "signatures/language/draft.hpp"

#include <algorithm>
#include <utility>

namespace lockstep::signatures {
namespace {

using Op = Comparison::Op;

struct OperatorText {
  std::string_view text;
  Op op;
};

// Longer ones first: each is a prefix test.
constexpr OperatorText kOperators[] = {
    {">=", Op::greater_equal}, {"<=", Op::less_equal}, {"!=", Op::not_equal}, {">", Op::greater},
    {"<", Op::less},           {"!", Op::not_equal},   {"=", Op::equal}};

tl::expected<std::uint64_t, SyntaxError> bounded(std::string_view text, std::uint64_t high) {
  const auto value = number<std::uint64_t>(text, 0);
  if (!value) return refused(text, "`" + std::string(text) + "` is not a number");
  if (*value > high) return refused(text, "this number is at most " + std::to_string(high));
  return *value;
}

tl::expected<Comparison, SyntaxError> two(Op op, std::string_view first, std::string_view second,
                                          std::uint64_t high) {
  const auto a = bounded(trimmed(first), high);
  if (!a) return tl::unexpected(a.error());
  const auto b = bounded(trimmed(second), high);
  if (!b) return tl::unexpected(b.error());
  return Comparison{op, *a, *b};
}

tl::expected<Comparison, SyntaxError> between(std::string_view text, std::size_t at, std::size_t width,
                                              std::uint64_t high) {
  auto range = two(Op::between, text.substr(0, at), text.substr(at + width), high);
  if (range && range->b < range->a + 2) {
    return refused(text, "no number lies between these: both ends are excluded");
  }
  return range;
}

}  // namespace

void Draft::add_payload(PayloadOption option, std::string_view place) {
  const bool content = std::holds_alternative<Content>(option);
  rule.payload.push_back(std::move(option));
  payload_places.push_back(place);
  ip_compatible = false;
  if (content) modified = rule.payload.size() - 1;
}

void Draft::select_tcp_header(bool header) {
  modified.reset();
  if (header == in_tcp_header) return;
  in_tcp_header = header;
  std::swap(rule.payload, aside);
  std::swap(payload_places, aside_places);
}

void Draft::add_packet(PacketOption option, std::string_view place) {
  if (!std::holds_alternative<IpProto>(option)) ip_compatible = false;
  rule.packet.push_back(std::move(option));
  if (packet_option.empty()) packet_option = place;
}

void Draft::lacks(std::string what) {
  if (std::find(missing.begin(), missing.end(), what) == missing.end()) missing.push_back(std::move(what));
}

bool Draft::first(Once option) {
  const auto bit = static_cast<std::uint32_t>(option);
  const bool seen = (once & bit) != 0;
  once |= bit;
  return !seen;
}

std::uint32_t Draft::index_of(std::vector<std::string>& list, std::string_view name) {
  const auto it = std::find(list.begin(), list.end(), name);
  if (it != list.end()) return static_cast<std::uint32_t>(it - list.begin());
  list.emplace_back(name);
  return static_cast<std::uint32_t>(list.size() - 1);
}

tl::expected<Operand, SyntaxError> parse_operand(const Draft& draft, std::string_view text, std::int64_t low,
                                                 std::int64_t high, std::string_view what) {
  text = trimmed(text);
  if (!text.empty() && is_letter(text.front())) {
    const auto it = std::find(draft.variables.begin(), draft.variables.end(), text);
    if (it == draft.variables.end()) {
      return refused(text, "the variable `" + std::string(text) + "` is not set before this option",
                     "byte_extract or byte_math sets it, to the left of where it is used");
    }
    return Operand{0, static_cast<std::int16_t>(it - draft.variables.begin())};
  }
  const auto value = number<std::int64_t>(text, 0);
  if (!value || *value < low || *value > high) {
    return refused(text, std::string(what) + " is a number from " + std::to_string(low) + " to " +
                             std::to_string(high) + " or a variable");
  }
  return Operand{*value, -1};
}

tl::expected<Comparison, SyntaxError> parse_comparison(std::string_view text, std::uint64_t high) {
  text = trimmed(text);
  if (const std::size_t at = text.find("<>"); at != std::string_view::npos) return between(text, at, 2, high);
  if (!text.empty() && text.front() == '&') {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) return refused(text, "a mask is written &mask=value");
    return two(Op::masked, text.substr(1, equals - 1), text.substr(equals + 1), high);
  }
  for (const OperatorText& candidate : kOperators) {
    std::string_view rest = text;
    if (!take(rest, candidate.text)) continue;
    const auto value = bounded(trimmed(rest), high);
    if (!value) return tl::unexpected(value.error());
    return Comparison{candidate.op, *value, 0};
  }
  if (const std::size_t at = text.find('-'); at != std::string_view::npos) return between(text, at, 1, high);
  const auto value = bounded(text, high);
  if (!value) return tl::unexpected(value.error());
  return Comparison{Op::equal, *value, 0};
}

}  // namespace lockstep::signatures
