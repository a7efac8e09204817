// Every option of the rule language, in one table: those that are built name their reader; the others are
// known, and a rule that uses one is skipped by its name. What is in neither list is no keyword.
#pragma once
#include <span>
#include <string_view>

#include "signatures/language/options.hpp"

namespace lockstep::signatures {

struct Keyword {
  enum class Value : std::uint8_t { none, optional, required };
  enum class Quotes : std::uint8_t { never, optional, mandatory };

  std::string_view name;
  Parsed (*read)(Draft&, const Option&) = nullptr;  // nullptr: known, not built
  Value value = Value::optional;
  Quotes quotes = Quotes::optional;
  bool negatable = false;  // a `!` in front of the value belongs to the option

  [[nodiscard]] bool built() const { return read != nullptr; }
};

// Names ignore case. nullptr: no such keyword.
[[nodiscard]] const Keyword* find_keyword(std::string_view name);

[[nodiscard]] std::span<const Keyword> built_keywords();
[[nodiscard]] std::span<const std::string_view> unbuilt_keywords();

// The keyword that most likely was meant, or an empty text.
[[nodiscard]] std::string_view nearest_keyword(std::string_view name);

// Whether a known, unbuilt keyword names bytes of a parsed protocol (http.uri, tls.sni, file.data …).
[[nodiscard]] bool is_application_buffer(std::string_view name);

[[nodiscard]] bool is_stream_event(std::string_view name);          // without the prefix "stream."
[[nodiscard]] bool is_application_protocol(std::string_view name);  // what a rule's protocol field may name

}  // namespace lockstep::signatures
