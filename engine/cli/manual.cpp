#include <fmt/format.h>

#include "engine/cli/help.hpp"
#include "engine/control/commands.hpp"
#include "engine/options/assign.hpp"
#include "engine/reason.hpp"

namespace lockstep {
namespace {

// man(7): backslashes and leading dots mean something, and a hyphen in an option must stay a minus.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) {
      out += "\\&";
      out += c;
    } else {
      out += c;
    }
  }
  return out;
}

std::string heading(std::string_view name, int section, std::string_view summary) {
  return fmt::format(".TH {} {} \"\" \"Lockstep {}\" \"Lockstep\"\n.SH NAME\n{} \\- {}\n", roff(name),
                     section, LOCKSTEP_VERSION, roff(name), roff(summary));
}

std::string item(std::string_view head, std::string_view text) {
  return fmt::format(".TP\n.B {}\n{}\n", roff(head), roff(text));
}

std::string option_items(Command command) {
  std::string out;
  for (const Option& option : option_table()) {
    if (!option.valid_in(command)) continue;
    std::string text(option.text);
    if (!option.key.empty()) text += fmt::format(" Key: {} ({}).", option.key, bounds(option));
    out += item(spelling(option), text);
  }
  return out;
}

}  // namespace

std::string program_manual() {
  std::string out =
      heading("lockstep", 8, "an inline IPS that sees every TCP stream as the end host sees it");
  out += ".SH SYNOPSIS\n";
  for (const CommandRow& row : command_table()) {
    out += fmt::format(".B lockstep {}\n{}\n.br\n", roff(row.name), roff(operands(row)));
  }
  out += ".SH DESCRIPTION\n";
  out += roff(
      "Lockstep reassembles every TCP connection as the host at its end does, scans the streams with rules "
      "in "
      "Suricata's language, and decides each packet. Whatever is not forwarded unchanged has exactly one "
      "named "
      "reason.\n");
  out += ".SH COMMANDS\n";
  for (const CommandRow& row : command_table()) {
    out += fmt::format(".SS {}\n{}\n{}", roff(row.name), roff(row.text), option_items(row.command));
  }
  out += ".SH CONTROL COMMANDS\n";
  out += roff("What lockstep ctl can ask of the running engine. Suricata's clients can send the same.\n");
  for (const ControlCommand& command : control_commands()) {
    std::string head(command.name);
    for (const ControlArgument& argument : command.arguments)
      head += argument.required ? fmt::format(" {}", argument.name) : fmt::format(" [{}]", argument.name);
    out += item(head, fmt::format("{}.", command.text));
  }
  out += ".SH OPTIONS\n" + option_items(Command::program);
  out += ".SH EXIT STATUS\n";
  out += item("0", "All is well.") +
         item("1", "Input, settings or rules are bad, or output could not be written.") +
         item("2", "The command line is wrong.");
  out += ".SH REASONS\n";
  out += roff(
      "Why a packet was not forwarded unchanged. The name stands in the field lockstep.reason of events and "
      "is the "
      "counter; the class in parentheses is drop.reason, as Suricata's users know it.\n");
  for (std::size_t i = 1; i < reason_count; ++i) {
    const auto reason = static_cast<Reason>(i);
    out += item(name(reason), fmt::format("{} ({}).", text(reason), suricata(reason)));
  }
  out += ".SH ENVIRONMENT\n" + item("NO_COLOR", "If set and not empty, nothing is printed in colour.");
  out += ".SH SEE ALSO\n.BR lockstep.toml (5)\n";
  return out;
}

std::string config_manual() {
  std::string out = heading("lockstep.toml", 5, "settings of lockstep");
  out += ".SH DESCRIPTION\n";
  out += roff(
      "One file in TOML, named with -c. Every key may be left out. An unknown key, a wrong type and a value "
      "out of "
      "range are errors that name line and column. The same keys are for --set KEY=VALUE, which is stronger "
      "than the "
      "file; an option of its own is stronger still. lockstep check -c FILE prints the values in force and "
      "where "
      "each comes from.\n");
  out += ".PP\n";
  out += roff(
      "Sizes are strings such as \"64mb\" (b, kb, mb, gb, tb, in steps of 1024) or a number of bytes. Times "
      "are "
      "strings such as \"30s\" (ns, us, ms, s, m, h, d) or a number of seconds. Relative paths start at the "
      "directory of the file.\n");
  out += ".SH KEYS\n";
  for (const Option& option : option_table()) {
    if (option.key.empty()) continue;
    const std::string key =
        option.kind == Kind::names ? fmt::format("{}.NAME", option.key) : std::string(option.key);
    out += item(fmt::format("{} = {}", key, value_type(option)),
                fmt::format("{} ({}).{}", option.text, bounds(option),
                            option.reloads ? " A reload takes it along." : ""));
  }
  out += ".SH EXAMPLE\n.nf\n";
  out += roff(
      "mode = \"enforce\"\n\n[vars.address-groups]\nHOME_NET = \"10.0.0.0/8\"\nEXTERNAL_NET = "
      "\"!$HOME_NET\"\n\n"
      "[rules]\nfiles = [\"rules/*.rules\"]\ndrop = [\"classtype:trojan-activity\", 2008983]\n\n"
      "[outputs]\nlog-dir = \"/var/log/lockstep\"\n");
  out += ".fi\n.SH SEE ALSO\n.BR lockstep (8)\n";
  return out;
}

}  // namespace lockstep
