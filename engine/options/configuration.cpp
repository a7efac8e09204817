#include "engine/options/configuration.hpp"

#include <fmt/format.h>

#include "engine/options/assign.hpp"
#include "engine/options/suggest.hpp"

namespace lockstep {
namespace {

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return parts;
}

void dump_line(std::string& out, const Configuration& configuration, const std::string& key,
               const std::string& value) {
  out +=
      fmt::format("{:<60} # {}\n", fmt::format("{} = {}", key, value), to_string(configuration.origin(key)));
}

}  // namespace

std::string to_string(const Origin& origin) {
  if (origin.source == Origin::Source::standard) return "default";
  return origin.line > 0 ? fmt::format("{}:{}", origin.where, origin.line) : origin.where;
}

Origin Configuration::origin(std::string_view key) const {
  const auto found = origins.find(key);
  return found == origins.end() ? Origin{} : found->second;
}

tl::expected<void, std::string> override_setting(Configuration& configuration, std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return tl::unexpected(fmt::format("'{}' is not KEY=VALUE", text));
  }
  const std::string key(text.substr(0, equals));
  const std::string value(text.substr(equals + 1));
  const Option* option = find_option(key);
  if (option == nullptr || (option->kind == Kind::names && option->key == key)) {
    if (option != nullptr) return tl::unexpected(fmt::format("'{}' needs a name: {}.NAME=VALUE", key, key));
    std::vector<std::string_view> keys;
    for (const Option& row : option_table()) {
      if (!row.key.empty()) keys.push_back(row.key);
    }
    return tl::unexpected(fmt::format("unknown key '{}'{}", key, did_you_mean(key, keys)));
  }
  const bool list = option->kind == Kind::texts || option->kind == Kind::paths;
  const std::vector<std::string> values = list ? split(value, ',') : std::vector<std::string>{value};
  const std::string name = option->kind == Kind::names ? key.substr(option->key.size() + 1) : std::string{};
  if (const auto result = assign(configuration.invocation, *option, values, name); !result) {
    return tl::unexpected(fmt::format("{}: {}", key, result.error()));
  }
  configuration.origins[key] = {.source = Origin::Source::set, .where = "--set"};
  return {};
}

std::string dump_config(const Configuration& configuration) {
  std::string out;
  for (const Option& option : option_table()) {
    if (option.key.empty()) continue;
    if (option.kind != Kind::names) {
      dump_line(out, configuration, std::string(option.key), show_value(configuration.invocation, option));
      continue;
    }
    Invocation copy = configuration.invocation;
    for (const auto& entry : std::get<Slot<NameMap>>(option.target)(copy)) {
      dump_line(out, configuration, fmt::format("{}.{}", option.key, entry.first),
                show_value(configuration.invocation, option, entry.first));
    }
  }
  return out;
}

}  // namespace lockstep
