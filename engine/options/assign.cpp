#include "engine/options/assign.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "engine/options/suggest.hpp"
#include "engine/options/value.hpp"

namespace lockstep {
namespace {

using Result = tl::expected<void, std::string>;

template <class T>
T& slot(const Option& option, Invocation& invocation) {
  return std::get<Slot<T>>(option.target)(invocation);
}

Result wrong(const Option& option, std::string_view value) {
  std::string_view example;
  if (option.kind == Kind::size) example = ", as in 64mb";
  if (option.kind == Kind::time) example = ", as in 30s";
  return tl::unexpected(fmt::format("'{}' is not {}{}", value, with_article(option), example));
}

Result in_range(const Option& option, std::uint64_t value, std::string_view text) {
  if (value >= option.range.from && value <= option.range.to) return {};
  return tl::unexpected(fmt::format("{} is out of range {}", text, show_range(option)));
}

Result assign_number(Invocation& invocation, const Option& option, const std::string& text) {
  if (option.kind == Kind::time) {
    const auto time = parse_time(text);
    if (!time) return wrong(option, text);
    auto result = in_range(option, static_cast<std::uint64_t>(time->count()), text);
    if (result) slot<Nanoseconds>(option, invocation) = *time;
    return result;
  }
  const auto number = option.kind == Kind::size ? parse_size(text) : parse_count(text);
  if (!number) return wrong(option, text);
  auto result = in_range(option, *number, text);
  if (result) slot<std::uint64_t>(option, invocation) = *number;
  return result;
}

Result assign_choice(Invocation& invocation, const Option& option, const std::string& text) {
  const auto found = std::find(option.choices.begin(), option.choices.end(), text);
  if (found == option.choices.end()) {
    return tl::unexpected(
        fmt::format("'{}' is not {}{}", text, show_range(option), did_you_mean(text, option.choices)));
  }
  std::get<ChoiceSlot>(option.target)
      .set(invocation, static_cast<std::size_t>(found - option.choices.begin()));
  return {};
}

Result assign_list(Invocation& invocation, const Option& option, std::span<const std::string> values) {
  for (const std::string& value : values) {
    if (value.empty()) return tl::unexpected(std::string("an element of the list is empty"));
    const std::string trouble = option.check != nullptr ? option.check(value) : std::string{};
    if (!trouble.empty()) return tl::unexpected(fmt::format("'{}' {}", value, trouble));
  }
  slot<std::vector<std::string>>(option, invocation).assign(values.begin(), values.end());
  return {};
}

Result assign_name(Invocation& invocation, const Option& option, std::string_view name,
                   const std::string& value) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  if (name.empty() || !std::all_of(name.begin(), name.end(), plain)) {
    return tl::unexpected(fmt::format("'{}' is no name: letters, digits, _ and - only", name));
  }
  if (value.empty()) return tl::unexpected(fmt::format("{} is empty; any means all", name));
  slot<NameMap>(option, invocation)[std::string(name)] = value;
  return {};
}

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string show_list(const std::vector<std::string>& list) {
  std::string out = "[";
  for (const std::string& item : list) out += (out.size() > 1 ? ", " : "") + toml_string(item);
  return out + "]";
}

}  // namespace

tl::expected<void, std::string> assign(Invocation& invocation, const Option& option,
                                       std::span<const std::string> values, std::string_view name) {
  if (option.kind == Kind::texts || option.kind == Kind::paths)
    return assign_list(invocation, option, values);
  if (values.size() != 1) return tl::unexpected(std::string("takes one value"));
  const std::string& value = values.front();
  switch (option.kind) {
    case Kind::boolean: {
      const auto boolean = parse_boolean(value);
      if (!boolean) return wrong(option, value);
      slot<bool>(option, invocation) = *boolean;
      return {};
    }
    case Kind::repeats:
    case Kind::count:
    case Kind::size:
    case Kind::time:
      return assign_number(invocation, option, value);
    case Kind::choice:
      return assign_choice(invocation, option, value);
    case Kind::names:
      return assign_name(invocation, option, name, value);
    default:
      slot<std::string>(option, invocation) = value;
      return {};
  }
}

std::string show_range(const Option& option) {
  constexpr auto unbounded = std::numeric_limits<std::uint64_t>::max();
  const auto between = [&](auto show) {
    if (option.range.from == 0 && option.range.to == unbounded) return std::string{};
    return fmt::format("{}..{}", show(option.range.from), show(option.range.to));
  };
  switch (option.kind) {
    case Kind::count:
      return between([](std::uint64_t n) { return fmt::format("{}", n); });
    case Kind::size:
      return between(show_size);
    case Kind::time:
      return between(
          [](std::uint64_t n) { return show_time(Nanoseconds{static_cast<Nanoseconds::rep>(n)}); });
    case Kind::choice:
      return fmt::format("{}", fmt::join(option.choices, " or "));
    default:
      return {};
  }
}

std::string_view type_name(const Option& option) {
  switch (option.kind) {
    case Kind::boolean:
      return "boolean";
    case Kind::repeats:
    case Kind::count:
      return "integer";
    case Kind::size:
      return "size";
    case Kind::time:
      return "time";
    case Kind::path:
      return "path";
    case Kind::texts:
      return "list of strings";
    case Kind::paths:
      return "list of paths";
    case Kind::names:
      return "table of strings";
    case Kind::text:
    case Kind::choice:
      break;
  }
  return "string";
}

std::string with_article(const Option& option) {
  const std::string_view type = type_name(option);
  return fmt::format("{} {}", type.front() == 'i' ? "an" : "a", type);
}

std::string show_value(const Invocation& invocation, const Option& option, std::string_view name) {
  Invocation copy = invocation;
  switch (option.kind) {
    case Kind::boolean:
      return slot<bool>(option, copy) ? "true" : "false";
    case Kind::repeats:
    case Kind::count:
      return fmt::format("{}", slot<std::uint64_t>(option, copy));
    case Kind::size:
      return toml_string(show_size(slot<std::uint64_t>(option, copy)));
    case Kind::time:
      return toml_string(show_time(slot<Nanoseconds>(option, copy)));
    case Kind::choice:
      return toml_string(option.choices[std::get<ChoiceSlot>(option.target).get(copy)]);
    case Kind::names: {
      const NameMap& names = slot<NameMap>(option, copy);
      const auto found = names.find(name);
      return toml_string(found == names.end() ? std::string_view{} : std::string_view{found->second});
    }
    case Kind::texts:
    case Kind::paths:
      return show_list(slot<std::vector<std::string>>(option, copy));
    case Kind::text:
    case Kind::path:
      break;
  }
  return toml_string(slot<std::string>(option, copy));
}

std::string show_default(const Option& option) {
  if (option.kind == Kind::names) return "the names of Suricata's default configuration";
  std::string shown = show_value(Invocation{}, option);
  if (shown == "\"\"" || shown == "[]") return "none";
  return shown;
}

}  // namespace lockstep
