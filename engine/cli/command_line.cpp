#include "engine/cli/command_line.hpp"

#include <algorithm>
#include <filesystem>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "engine/files.hpp"
#include "engine/options/assign.hpp"
#include "engine/options/rows.hpp"
#include "engine/options/suggest.hpp"

namespace lockstep {
namespace {

using Row = std::pair<const Option*, CLI::Option*>;

std::vector<Row> declare(CLI::App& app, Command command) {
  std::vector<Row> rows;
  app.set_help_flag();
  app.allow_extras();
  for (const Option& option : option_table()) {
    if (!option.valid_in(command)) continue;
    const std::string flags(option.flags);
    CLI::Option* row = nullptr;
    if (!option.takes_argument()) {
      row = app.add_flag(flags);
    } else if (option.operand()) {
      row = app.add_option(flags, "");
      if (option.kind == Kind::paths || option.kind == Kind::texts) row->expected(1, -1)->allow_extra_args();
    } else {
      row = app.add_option(flags, "");
      // A list takes one argument each time it is given; what is given twice without being a list is found
      // below.
      row->allow_extra_args(false)->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
      if (option.comma_separated) row->delimiter(',');
    }
    rows.emplace_back(&option, row);
  }
  return rows;
}

std::string unexpected_argument(const std::string& argument, Command command) {
  if (argument.empty() || argument.front() != '-') return fmt::format("unexpected argument '{}'", argument);
  std::vector<std::string> flags;
  for (const Option& option : option_table()) {
    if (!option.valid_in(command) || option.operand()) continue;
    const auto comma = option.flags.find(',');
    flags.emplace_back(comma == std::string_view::npos ? option.flags : option.flags.substr(comma + 1));
  }
  const std::vector<std::string_view> views(flags.begin(), flags.end());
  const std::string name = argument.substr(0, argument.find('='));
  return fmt::format("unknown option '{}'{}", name, name.starts_with("--") ? did_you_mean(name, views) : "");
}

const CommandRow* command_of(const std::vector<std::string>& arguments) {
  return arguments.empty() || arguments.front().starts_with('-') ? nullptr : find_command(arguments.front());
}

std::string flag_of(const Option& option) {
  return std::string(option.flags.substr(0, option.flags.find(',')));
}

}  // namespace

tl::expected<CommandLine, std::string> parse_command_line(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return tl::unexpected(std::string("no command"));
  CommandLine result{.command = command_of(arguments), .given = {}};
  if (result.command == nullptr && !arguments.front().starts_with('-')) {
    std::vector<std::string_view> names;
    for (const CommandRow& row : command_table()) names.push_back(row.name);
    return tl::unexpected(
        fmt::format("unknown command '{}'{}", arguments.front(), did_you_mean(arguments.front(), names)));
  }
  const Command command = result.command == nullptr ? Command::program : result.command->command;
  // CLI11 wants the arguments last first.
  std::vector<std::string> rest(arguments.begin() + (result.command == nullptr ? 0 : 1), arguments.end());
  std::reverse(rest.begin(), rest.end());
  CLI::App app;
  const std::vector<Row> rows = declare(app, command);
  try {
    app.parse(rest);
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string message = error.what();
    return tl::unexpected(message.substr(0, message.find(':')) + ": needs an argument");
  } catch (const CLI::ParseError& error) {
    return tl::unexpected(std::string(error.what()));
  }
  const std::vector<std::string> extras = app.remaining();
  if (!extras.empty()) return tl::unexpected(unexpected_argument(extras.front(), command));
  for (const auto& [option, row] : rows) {
    if (row->count() == 0) continue;
    const bool list = option->kind == Kind::texts || option->kind == Kind::paths;
    if (option->takes_argument() && !list && row->count() > 1) {
      return tl::unexpected(flag_of(*option) + ": given more than once");
    }
    if (option->takes_argument()) {
      result.given.push_back({option, row->results()});
    } else {
      result.given.push_back(
          {option, {option->kind == Kind::boolean ? "true" : fmt::format("{}", row->count())}});
    }
  }
  return result;
}

namespace {

// Which file is read, also by each reload: empty: none.
std::string file_to_read(const CommandLine& command_line, const Invocation& said,
                         const std::string& standard) {
  constexpr std::uint16_t of_a_run = on(Command::run, Command::detach, Command::ctl, Command::doctor);
  if (!said.config_file.empty()) return said.config_file;
  const CommandRow* row = command_line.command;
  const bool looks = row != nullptr && !said.help && (of_a_run & static_cast<unsigned>(row->command)) != 0;
  std::error_code ignored;
  return looks && std::filesystem::exists(standard, ignored) ? standard : std::string();
}

tl::expected<void, Refusal> read_file(Configuration& configuration, const std::string& file) {
  const auto text = read_text(file);
  if (!text) return tl::unexpected(Refusal{exit_bad_input, fmt::format("lockstep: {}\n", text.error())});
  const auto troubles = read_config(configuration, *text, file);
  if (troubles.empty()) return {};
  Refusal refusal{exit_bad_input, {}};
  for (const Diagnostic& trouble : troubles) refusal.text += to_string(trouble);
  return tl::unexpected(refusal);
}

}  // namespace

tl::expected<Configuration, Refusal> configure(const CommandLine& command_line, const std::string& standard) {
  Configuration configuration;
  Invocation said;  // only to learn about -c and --set before the rest is applied
  for (const Given& given : command_line.given) {
    if (const auto result = assign(said, *given.option, given.values); !result) {
      return tl::unexpected(
          Refusal{exit_usage, fmt::format("lockstep: {}: {}\n", flag_of(*given.option), result.error())});
    }
  }
  const std::string file = file_to_read(command_line, said, standard);
  if (!file.empty()) {
    if (const auto read = read_file(configuration, file); !read) return tl::unexpected(read.error());
  }
  for (const std::string& text : said.overrides) {
    if (const auto result = override_setting(configuration, text); !result) {
      return tl::unexpected(Refusal{exit_usage, fmt::format("lockstep: --set: {}\n", result.error())});
    }
  }
  for (const Given& given : command_line.given) {
    // It was assigned above without an error.
    static_cast<void>(assign(configuration.invocation, *given.option, given.values));
    if (given.option->key.empty()) continue;
    configuration.origins[std::string(given.option->key)] = {.source = Origin::Source::option,
                                                             .where = flag_of(*given.option)};
  }
  configuration.invocation.config_file = file;
  configuration.again = [command_line, file]() -> tl::expected<Configuration, std::string> {
    auto result = configure(command_line, file);
    if (!result) return tl::unexpected(result.error().text);
    return std::move(*result);
  };
  return configuration;
}

}  // namespace lockstep
