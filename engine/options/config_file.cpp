#include <algorithm>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "engine/files.hpp"
#include "engine/options/assign.hpp"
#include "engine/options/configuration.hpp"
#include "engine/options/suggest.hpp"

namespace lockstep {
namespace {

std::string_view toml_type(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "a boolean";
    default:
      return "a date or time";
  }
}

// The text of a scalar; nothing for what has none here.
std::optional<std::string> scalar(const toml::node& node) {
  if (auto text = node.value_exact<std::string>()) return text;
  if (const auto number = node.value_exact<std::int64_t>()) return fmt::format("{}", *number);
  if (const auto boolean = node.value_exact<bool>()) return *boolean ? "true" : "false";
  return std::nullopt;
}

bool fits(Kind kind, const toml::node& node) {
  switch (kind) {
    case Kind::boolean:
      return node.is_boolean();
    case Kind::count:
      return node.is_integer();
    case Kind::size:
    case Kind::time:
    case Kind::names:
    case Kind::texts:
    case Kind::paths:
      return node.is_string() || node.is_integer();
    default:
      return node.is_string();
  }
}

class Reader {
 public:
  Reader(Configuration& configuration, std::string_view text, const std::string& file)
      : configuration_(configuration), text_(text), file_(file) {}

  void read(const toml::table& table, const std::string& prefix) {
    for (const auto& [key, node] : table) {
      const std::string path =
          prefix.empty() ? std::string(key.str()) : prefix + "." + std::string(key.str());
      const Option* option = find_option(path);
      if (option != nullptr && option->key == path && option->kind != Kind::names) {
        read_value(*option, path, node);
      } else if (option != nullptr && option->key == path) {
        read_names(*option, node);
      } else if (node.is_table() && is_section(path)) {
        read(*node.as_table(), path);
      } else {
        unknown(path, key.source());
      }
    }
  }

  std::vector<Diagnostic> finish() {
    const auto place = [](const Diagnostic& d) { return std::pair(d.line, d.column); };
    std::stable_sort(found_.begin(), found_.end(),
                     [&](const Diagnostic& a, const Diagnostic& b) { return place(a) < place(b); });
    return std::move(found_);
  }

 private:
  static bool is_section(std::string_view path) {
    return std::any_of(option_table().begin(), option_table().end(), [&](const Option& option) {
      return option.key.size() > path.size() && option.key.starts_with(path) &&
             option.key[path.size()] == '.';
    });
  }

  void report(const toml::source_region& place, std::string message) {
    Diagnostic diagnostic{.file = file_,
                          .line = place.begin.line,
                          .column = place.begin.column,
                          .message = std::move(message),
                          .source = {}};
    diagnostic.source = line_of(text_, diagnostic.line);
    found_.push_back(std::move(diagnostic));
  }

  void unknown(const std::string& path, const toml::source_region& place) {
    std::vector<std::string_view> keys;
    for (const Option& option : option_table()) {
      if (!option.key.empty()) keys.push_back(option.key);
      for (auto dot = option.key.find('.'); dot != std::string_view::npos;
           dot = option.key.find('.', dot + 1)) {
        keys.push_back(option.key.substr(0, dot));
      }
    }
    report(place, fmt::format("unknown key '{}'{}", path, did_you_mean(path, keys)));
  }

  void wrong_type(const Option& option, const std::string& path, const toml::node& node) {
    report(node.source(), fmt::format("{} is {}, not {}", path, with_article(option), toml_type(node)));
  }

  // A list may be one string.
  void read_value(const Option& option, const std::string& path, const toml::node& node) {
    const bool list = option.kind == Kind::texts || option.kind == Kind::paths;
    std::vector<std::string> values;
    if (const toml::array* array = node.as_array(); list && array != nullptr) {
      for (const toml::node& item : *array) {
        if (!fits(option.kind, item)) return wrong_type(option, path, item);
        // One by one, so that a message stands at the element that is wrong.
        const std::array<std::string, 1> one{scalar(item).value_or("")};
        Invocation scratch = configuration_.invocation;
        if (const auto result = assign(scratch, option, one); !result) {
          return report(item.source(), fmt::format("{}: {}", path, result.error()));
        }
        values.push_back(located(option, one.front()));
      }
    } else if (fits(option.kind, node)) {
      values.push_back(located(option, scalar(node).value_or("")));
    } else {
      return wrong_type(option, path, node);
    }
    if (const auto result = assign(configuration_.invocation, option, values); !result) {
      return report(node.source(), fmt::format("{}: {}", path, result.error()));
    }
    remember(path, node);
  }

  void read_names(const Option& option, const toml::node& node) {
    const toml::table* table = node.as_table();
    if (table == nullptr) return wrong_type(option, std::string(option.key), node);
    for (const auto& [name, value] : *table) {
      const std::string path = fmt::format("{}.{}", option.key, name.str());
      std::string text;
      if (const toml::array* array = value.as_array()) {
        for (const toml::node& item : *array) {
          if (!fits(option.kind, item)) return wrong_type(option, path, item);
          text += (text.empty() ? "[" : ",") + scalar(item).value_or("");
        }
        text += text.empty() ? "" : "]";
      } else if (fits(option.kind, value)) {
        text = scalar(value).value_or("");
      } else {
        report(value.source(),
               fmt::format("{} is a string or a list of strings, not {}", path, toml_type(value)));
        continue;
      }
      const std::array<std::string, 1> one{text};
      if (const auto result = assign(configuration_.invocation, option, one, name.str()); !result) {
        report(name.source(), fmt::format("{}: {}", path, result.error()));
        continue;
      }
      remember(path, value);
    }
  }

  [[nodiscard]] std::string located(const Option& option, const std::string& value) const {
    return option.kind == Kind::path || option.kind == Kind::paths ? beside(file_, value) : value;
  }

  void remember(const std::string& path, const toml::node& node) {
    configuration_.origins[path] = {
        .source = Origin::Source::file, .where = file_, .line = node.source().begin.line};
  }

  Configuration& configuration_;
  std::string_view text_;
  const std::string& file_;
  std::vector<Diagnostic> found_;
};

}  // namespace

std::vector<Diagnostic> read_config(Configuration& configuration, std::string_view text,
                                    const std::string& file) {
  try {
    const toml::table table = toml::parse(text, file);
    Reader reader(configuration, text, file);
    reader.read(table, {});
    return reader.finish();
  } catch (const toml::parse_error& error) {
    const auto place = error.source().begin;
    return {{.file = file,
             .line = place.line,
             .column = place.column,
             .message = std::string(error.description()),
             .source = std::string(line_of(text, place.line))}};
  }
}

}  // namespace lockstep
