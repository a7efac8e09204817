// The shell's completion, from the tables of commands and options.
#include <fmt/format.h>

#include "engine/cli/help.hpp"
#include "engine/control/commands.hpp"

namespace lockstep {
namespace {

std::string flags_of(Command command) {
  std::string out;
  for (const Option& option : option_table()) {
    if (!option.valid_in(command) || option.operand()) continue;
    for (const char c : option.flags) out += c == ',' ? ' ' : c;
    out += ' ';
  }
  return out;
}

}  // namespace

std::string bash_completion() {
  std::string commands, cases, requests;
  for (const CommandRow& row : command_table()) {
    commands += fmt::format("{} ", row.name);
    cases += fmt::format("    {}) words='{}' ;;\n", row.name, flags_of(row.command));
  }
  for (const ControlCommand& command : control_commands()) requests += fmt::format("{} ", command.name);
  return fmt::format(
      "# bash completion for lockstep(8)\n"
      "_lockstep() {{\n"
      "  local word=${{COMP_WORDS[COMP_CWORD]}} words\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W '{}{}' -- \"$word\")\n"
      "    return\n"
      "  fi\n"
      "  case ${{COMP_WORDS[1]}} in\n{}  esac\n"
      "  if [ \"${{COMP_WORDS[1]}}\" = ctl ] && [ \"$COMP_CWORD\" -eq 2 ]; then words+='{}'; fi\n"
      "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
      "  if [[ $word != -* && ${{COMP_WORDS[1]}} != ctl ]]; then\n"
      "    mapfile -t -O \"${{#COMPREPLY[@]}}\" COMPREPLY < <(compgen -f -- \"$word\")\n"
      "  fi\n"
      "}}\n"
      "complete -o filenames -F _lockstep lockstep\n",
      commands, flags_of(Command::program), cases, requests);
}

}  // namespace lockstep
