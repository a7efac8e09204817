// A value for an option: from text to the typed field, and back to text.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "engine/options/option.hpp"

namespace lockstep {

// Replaces the option's value. `values` has one element except for lists; for Kind::names `name` is the entry
// to set. The error says what is wrong with the value, without naming the option. On error nothing has
// changed.
[[nodiscard]] tl::expected<void, std::string> assign(Invocation& invocation, const Option& option,
                                                     std::span<const std::string> values,
                                                     std::string_view name = {});

// "1..65535", "enforce or observe", "1s..365d"; empty when anything goes.
[[nodiscard]] std::string show_range(const Option& option);

// What a value of this option is: "integer", "size", "time", "boolean", "string", "list of strings", ...
[[nodiscard]] std::string_view type_name(const Option& option);
[[nodiscard]] std::string with_article(const Option& option);  // "an integer", "a size"

// The present value as lockstep.toml would have it; `name` as in assign.
[[nodiscard]] std::string show_value(const Invocation& invocation, const Option& option,
                                     std::string_view name = {});

// The value before anything is said; lists and names in a readable form.
[[nodiscard]] std::string show_default(const Option& option);

}  // namespace lockstep
