// The settings in force and where each came from: defaults, then the config file, then --set, then options.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "engine/diagnostic.hpp"
#include "engine/options/option.hpp"

namespace lockstep {

struct Origin {
  enum class Source : std::uint8_t { standard, file, set, option };
  Source source = Source::standard;
  std::string where;  // the file's name or the option's flag
  std::uint32_t line = 0;
};

[[nodiscard]] std::string to_string(const Origin& origin);  // "default", "lockstep.toml:3", "--set", "-S"

struct Configuration {
  Invocation invocation;
  // By config key, entries of Kind::names each by its own ("vars.address-groups.HOME_NET"). Defaults are left
  // out.
  std::map<std::string, Origin, std::less<>> origins;

  // Reads the config file and puts all together once more, for a reload. The error is complete lines.
  std::function<tl::expected<Configuration, std::string>()> again;

  [[nodiscard]] Origin origin(std::string_view key) const;
};

// Reads TOML text over what is there; `file` is its name in messages, and relative paths start at its
// directory. Returns everything that is wrong, in the order of the text; then the configuration is not to be
// used.
[[nodiscard]] std::vector<Diagnostic> read_config(Configuration& configuration, std::string_view text,
                                                  const std::string& file);

// KEY=VALUE; lists are comma-separated. The error names the key.
[[nodiscard]] tl::expected<void, std::string> override_setting(Configuration& configuration,
                                                               std::string_view text);

// All settings with values and origins, one a line, as a valid lockstep.toml.
[[nodiscard]] std::string dump_config(const Configuration& configuration);

}  // namespace lockstep
