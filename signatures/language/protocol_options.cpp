// Options about what a connection speaks.
#include <algorithm>

#include "signatures/language/keywords.hpp"
#include "signatures/language/options.hpp"

namespace lockstep::signatures {
namespace {

constexpr std::size_t kMaxProtocols = 64;  // names joined by `|`

using Of = AppLayerProtocol::Of;

struct NamedSide {
  std::string_view name;
  Of of;
};
constexpr NamedSide kSides[] = {
    {"direction", Of::direction}, {"final", Of::flow},         {"either", Of::either},
    {"to_server", Of::to_server}, {"toserver", Of::to_server}, {"to_client", Of::to_client},
    {"toclient", Of::to_client},
};

struct Qualifiers {
  Of of = Of::direction;
  bool exact = false;
};

tl::expected<Qualifiers, SyntaxError> read_qualifiers(Draft& draft, std::span<const std::string_view> words) {
  Qualifiers out;
  bool sided = false;
  for (const std::string_view word : words) {
    if (word == "exact") {
      out.exact = true;
      continue;
    }
    const auto* known = std::find_if(std::begin(kSides), std::end(kSides),
                                     [&](const NamedSide& row) { return row.name == word; });
    // What a connection spoke before it changed its protocol.
    if (word == "original") {
      draft.lacks("app-layer-protocol:original");
    } else if (known == std::end(kSides)) {
      return refused(word, "`" + std::string(word) + "` is no qualifier of app-layer-protocol",
                     "they are direction, final, either, to_server, to_client, original and exact");
    } else {
      out.of = known->of;
    }
    if (sided) return refused(word, "app-layer-protocol looks at one side or at both, not at several");
    sided = true;
  }
  return out;
}

}  // namespace

Parsed read_app_layer_protocol(Draft& draft, const Option& option) {
  const auto pieces = split(option.value, ',', 4);
  const auto qualifiers = read_qualifiers(draft, std::span(pieces).subspan(1));
  if (!qualifiers) return tl::unexpected(qualifiers.error());
  AppLayerProtocol out;
  out.negated = option.negated;
  out.of = qualifiers->of;
  const auto names = split(pieces[0], '|', kMaxProtocols + 1);
  if (names.size() > kMaxProtocols) return refused(pieces[0], "at most 64 protocols are joined by `|`");
  for (const std::string_view name : names) {
    if (const auto known = protocols_named(name, qualifiers->exact)) {
      if (out.negated && name == "unknown")
        return refused(name, "a negation never holds while the protocol is unknown");
      // DNS over HTTP/2 is both and taken for HTTP/2 here: what is not one of them can't be told.
      if (out.negated && !qualifiers->exact && (name == "dns" || name == "http2"))
        draft.lacks("protocol doh2");
      out.protocols |= *known;
    } else if (is_application_protocol(name)) {
      draft.lacks("protocol " + std::string(name));
    } else {
      return refused(name, "`" + std::string(name) + "` is no application protocol");
    }
  }
  draft.rule.protocols.push_back(out);
  draft.ip_compatible = false;
  return {};
}

}  // namespace lockstep::signatures
