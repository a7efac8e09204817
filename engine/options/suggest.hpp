// Did you mean ...?
#pragma once
#include <span>
#include <string>
#include <string_view>

namespace lockstep {

// The candidate that `word` most likely stands for; empty if none is near. A dotted key also counts as near
// when its last part is what was written.
[[nodiscard]] std::string_view suggest(std::string_view word, std::span<const std::string_view> candidates);

// "; did you mean 'X'?" or nothing.
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace lockstep
