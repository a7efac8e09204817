#include "engine/cli/help.hpp"

#include <fmt/format.h>

#include "engine/options/assign.hpp"

namespace lockstep {
namespace {

constexpr std::size_t line_width = 80;

// Words of `text` in lines that start at column `indent`; the cursor already stands at `column`.
std::string wrap(std::string_view text, std::size_t indent, std::size_t column) {
  std::string out;
  while (!text.empty()) {
    const auto end = text.find(' ');
    const std::string_view word = text.substr(0, end);
    if (column > indent && column + 1 + word.size() > line_width) {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out + '\n';
}

std::string entry(const std::string& head, std::string_view text, std::size_t indent) {
  std::string out = "  " + head;
  if (out.size() + 2 > indent) {
    out += '\n' + std::string(indent, ' ');
  } else {
    out.resize(indent, ' ');
  }
  return out + wrap(text, indent, indent);
}

std::string with_bounds(const Option& option) {
  const std::string limits = bounds(option);
  return limits.empty() ? std::string(option.text) : fmt::format("{} ({})", option.text, limits);
}

std::string option_list(Command command) {
  std::string out;
  for (const Option& option : option_table()) {
    if (option.valid_in(command)) out += entry(spelling(option), with_bounds(option), 24);
  }
  return out;
}

}  // namespace

std::string spelling(const Option& option) {
  if (option.operand()) return std::string(option.flags);
  std::string out;
  for (const char c : option.flags) out += c == ',' ? std::string(", ") : std::string(1, c);
  if (option.takes_argument()) out += ' ' + std::string(option.argument);
  return out;
}

std::string bounds(const Option& option) {
  if (option.key.empty()) return {};
  std::string out = "default " + show_default(option);
  const std::string range = show_range(option);
  if (!range.empty()) out += ", " + range;
  return out;
}

std::string_view value_type(const Option& option) {
  return option.kind == Kind::names ? "string" : type_name(option);
}

std::string operands(const CommandRow& command) {
  std::string out;
  for (const Option& option : option_table()) {
    if (!option.operand() || !option.valid_in(command.command)) continue;
    out += option.kind == Kind::paths || option.kind == Kind::texts ? fmt::format("{}... ", option.flags)
                                                                    : fmt::format("[{}] ", option.flags);
  }
  return out + "[options]";
}

std::string program_help() {
  std::string out = wrap("Lockstep: an inline IPS that sees every TCP stream as the end host sees it.", 0, 0);
  out += "\nUsage: lockstep COMMAND [options]\n\nCommands:\n";
  for (const CommandRow& row : command_table()) out += entry(std::string(row.name), row.summary, 12);
  out += "\nOptions:\n" + option_list(Command::program);
  out += "\nlockstep COMMAND --help lists the options of a command, lockstep help config the\nsettings.\n";
  return out;
}

std::string command_help(const CommandRow& command) {
  std::string out = fmt::format("Usage: lockstep {} {}\n\n", command.name, operands(command));
  out += wrap(command.text, 0, 0);
  out += "\nOptions:\n" + option_list(command.command);
  out += "\nExit: 0 ok, 1 bad input, settings or rules, 2 wrong usage.\n";
  return out;
}

std::string config_help() {
  std::string out = wrap(
      "Keys of lockstep.toml, also for --set KEY=VALUE. Sizes are written \"64mb\", times \"30s\".", 0, 0);
  out += '\n';
  for (const Option& option : option_table()) {
    if (option.key.empty()) continue;
    const std::string key =
        option.kind == Kind::names ? fmt::format("{}.NAME", option.key) : std::string(option.key);
    out += entry(fmt::format("{} = {}", key, value_type(option)), with_bounds(option), 6);
  }
  return out;
}

}  // namespace lockstep
