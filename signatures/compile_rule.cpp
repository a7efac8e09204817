#include <algorithm>
#include <type_traits>

#include "signatures/byte_search.hpp"
#include "signatures/compiled.hpp"

namespace lockstep::signatures {
namespace {

template <typename... Visitors>
struct Overload : Visitors... {
  using Visitors::operator()...;
};
template <typename... Visitors>
Overload(Visitors...) -> Overload<Visitors...>;

CompiledContent compile_content(const Content& content) {
  CompiledContent compiled;
  compiled.bytes = content.pattern;
  compiled.nocase = content.nocase;
  if (content.nocase)
    std::transform(content.pattern.begin(), content.pattern.end(), compiled.bytes.begin(), to_lower);
  compiled.anchor = rarest_byte(compiled.bytes);
  compiled.negated = content.negated;
  compiled.ends_with = content.ends_with;
  compiled.relative = content.relative();
  compiled.offset = content.offset;
  compiled.depth = content.depth;
  compiled.distance = content.distance;
  compiled.within = content.within;
  const auto varies = [](const std::optional<Operand>& operand) { return operand && operand->is_variable(); };
  compiled.independent = !compiled.relative && !varies(content.offset) && !varies(content.depth);
  if (content.starts_with) {
    compiled.offset = Operand{};
    compiled.depth = Operand{static_cast<std::int64_t>(content.pattern.size()), -1};
  }
  return compiled;
}

bool is_relative(const CompiledOption& option) {
  return std::visit(Overload{[](const CompiledContent& content) { return content.relative; },
                             [](const IsDataAt& at) { return at.relative; },
                             [](const CompiledPcre& pcre) { return pcre.relative; },
                             [](const auto& bytes) { return bytes.read.relative; }},
                    option);
}

// Whether it names a position counted from offset 0. A rule whose every option holds anywhere does not.
bool is_absolute(const CompiledOption& option) {
  return std::visit(Overload{[](const CompiledContent& content) {
                               return content.offset.has_value() || content.depth.has_value();
                             },
                             [](const IsDataAt& at) { return !at.relative; },
                             [](const CompiledPcre& pcre) { return pcre.regex.anchored() && !pcre.relative; },
                             [](const ByteJump& jump) {
                               return !jump.read.relative || jump.from == ByteJump::From::beginning;
                             },
                             [](const auto& bytes) { return !bytes.read.relative; }},
                    option);
}

bool moves_cursor(const CompiledOption& option) {
  return std::visit(Overload{[](const CompiledContent& content) { return !content.negated; },
                             [](const CompiledPcre& pcre) { return !pcre.negated; },
                             [](const ByteJump&) { return true; }, [](const ByteExtract&) { return true; },
                             [](const ByteMath&) { return true; }, [](const auto&) { return false; }},
                    option);
}

// Until something moves the cursor it stands at offset 0, so relative options are absolute there.
bool names_position(const std::vector<CompiledOption>& options) {
  bool at_start = true;
  for (const CompiledOption& option : options) {
    if (is_absolute(option) || (at_start && is_relative(option))) return true;
    if (moves_cursor(option)) at_start = false;
  }
  return false;
}

bool waits(const CompiledOption& option) {
  return std::visit(
      Overload{[](const CompiledContent& content) {
                 return content.ends_with || (content.negated && content.bounded());
               },
               [](const IsDataAt& at) { return at.negated; },
               [](const CompiledPcre& pcre) { return pcre.regex.wants_end() || pcre.regex.has_dollar(); },
               [](const auto&) { return false; }},
      option);
}

// A content or pcre that is found sets the cursor anew.
bool sets_cursor(const CompiledOption& option) {
  if (const auto* content = std::get_if<CompiledContent>(&option)) return !content->negated;
  const auto* pcre = std::get_if<CompiledPcre>(&option);
  return pcre != nullptr && !pcre->negated;
}

// A content or pcre is retried if an option up to and including the next one that sets the cursor is
// relative: it then depends on where this one matched. (Suricata looks no further than the next content,
// negated or not.)
void mark_retries(std::vector<CompiledOption>& options) {
  for (std::size_t i = 0; i < options.size(); ++i) {
    bool relative = false;
    for (std::size_t j = i + 1; j < options.size() && !relative; ++j) {
      relative = is_relative(options[j]);
      if (sets_cursor(options[j])) break;
    }
    if (auto* content = std::get_if<CompiledContent>(&options[i])) content->relative_next = relative;
    if (auto* pcre = std::get_if<CompiledPcre>(&options[i])) pcre->relative_next = relative;
  }
}

std::optional<std::size_t> needed_regex(const std::vector<CompiledOption>& options) {
  const auto found = std::find_if(options.begin(), options.end(), [](const CompiledOption& option) {
    const auto* pcre = std::get_if<CompiledPcre>(&option);
    return pcre != nullptr && !pcre->negated && !pcre->relative && pcre->regex.resumes();
  });
  if (found == options.end()) return std::nullopt;
  return static_cast<std::size_t>(found - options.begin());
}

bool reads(BitOp op) {
  return op == BitOp::is_set || op == BitOp::is_not_set;
}
bool reads(Flowint::Op op) {
  return op != Flowint::Op::assign && op != Flowint::Op::add && op != Flowint::Op::subtract;
}

void note_state(const StateOption& option, CompiledRule& compiled) {
  const bool is_read = std::visit(
      Overload{[](const Flowbits& bits) { return reads(bits.op); },
               [](const Xbits& bits) { return reads(bits.op); },
               [](const Flowint& integer) { return reads(integer.op); }, [](const auto&) { return true; }},
      option);
  (is_read ? compiled.reads_state : compiled.writes_state) = true;
}

bool blocks(Action action) {
  return action != Action::pass && action != Action::alert;
}

tl::expected<std::vector<CompiledOption>, std::string> compile_options(
    const std::vector<PayloadOption>& options) {
  std::vector<CompiledOption> compiled;
  for (const PayloadOption& option : options) {
    if (const auto* content = std::get_if<Content>(&option)) {
      if (content->pattern.empty()) return tl::make_unexpected(std::string("content: empty"));
      compiled.emplace_back(compile_content(*content));
    } else if (const auto* pcre = std::get_if<Pcre>(&option)) {
      auto regex = Regex::compile(*pcre);
      if (!regex) return tl::make_unexpected(regex.error());
      compiled.emplace_back(CompiledPcre{std::move(*regex), pcre->negated, pcre->relative, false});
    } else {
      std::visit(
          [&](const auto& other) {
            using Option = std::decay_t<decltype(other)>;
            if constexpr (!std::is_same_v<Option, Content> && !std::is_same_v<Option, Pcre>)
              compiled.emplace_back(other);
          },
          option);
    }
  }
  mark_retries(compiled);
  return compiled;
}

}  // namespace

tl::expected<CompiledRule, std::string> compile_rule(const Rule& rule) {
  CompiledRule compiled;
  auto options = compile_options(rule.payload);
  if (!options) return tl::make_unexpected(options.error());
  compiled.options = std::move(*options);
  if (!rule.tcp_header.empty()) {
    auto of_header = compile_options(rule.tcp_header);
    if (!of_header) return tl::make_unexpected(of_header.error());
    CompiledRule header;
    header.options = std::move(*of_header);
    header.variables = rule.variables;
    compiled.tcp_header = std::make_shared<const CompiledRule>(std::move(header));
  }
  compiled.needed_regex = needed_regex(compiled.options);
  compiled.absolute = names_position(compiled.options);
  compiled.may_wait = std::any_of(compiled.options.begin(), compiled.options.end(), waits);
  compiled.variables = rule.variables;
  compiled.early = blocks(rule.action);
  compiled.asks_for_protocol = rule.asks_for_protocol();
  for (const StateOption& option : rule.state) note_state(option, compiled);
  return compiled;
}

}  // namespace lockstep::signatures
