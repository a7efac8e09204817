#include "engine/cli/commands.hpp"

#include <cstdio>
#include <vector>

#include <fmt/format.h>

#include "engine/cli/help.hpp"
#include "engine/options/suggest.hpp"

namespace lockstep {
namespace {

constexpr CommandRow table[] = {
    {Command::replay, "replay", "run captures through the engine",
     "Reads captures (pcap, pcapng; files, directories, - for standard input) and decides each packet as the "
     "inline "
     "engine would. Time is the capture's own. Without rules nothing is matched; without -l no log files are "
     "written. --explain prints a line a packet, --write-passed writes what would have left the device. A "
     "summary "
     "stands at the end.",
     run_replay},
    {Command::run, "run", "be a wire between two interfaces, and inspect what passes",
     "Sits between the two interfaces of each pair: what comes in by one leaves by the other, but for what "
     "is "
     "stopped. The interfaces need no addresses; they are made promiscuous, and silent. SIGTERM and SIGINT "
     "end "
     "it: with AF_PACKET the interfaces are put back, with AF_XDP the kernel goes on as wire.fail says, "
     "until "
     "the next run or lockstep detach (see wire.exit). SIGHUP and SIGUSR2 read settings and rules anew, "
     "SIGUSR1 "
     "opens the log files anew. Once it is set up it gives up what the rest of a run does not need, see "
     "security in lockstep.toml(5). To systemd it is a service of Type=notify: ready once packets are "
     "inspected, and with WatchdogSec alive as long as every worker goes on.",
     run_inline},
    {Command::detach, "detach", "remove what a run left on its interfaces",
     "Removes the kernel's part of a pair's wire, and puts the interfaces back as they were before the run "
     "that "
     "made it, or that was killed. A run that is under way is not disturbed.",
     run_detach},
    {Command::doctor, "doctor", "say what this kernel and these interfaces offer, and what is wrong",
     "Looks at the kernel, and with --pair at both interfaces: driver mode, zero-copy, jumbo frames, queues, "
     "offloads, MTU, link. Says how a run would take packets, what stands in its way and how to mend it. "
     "Changes nothing, but with --gap, which attaches the kernel's part of the wire and removes it again to "
     "measure for how long that cuts the link. Exit 1: a run would refuse to start.",
     run_doctor},
    {Command::check, "check", "load rules and settings, say what is wrong with them",
     "Loads the rules as a run would and prints the whole account: rules that failed with file, line and "
     "column, "
     "rules that were skipped with the keyword that is missing (-v lists each), warnings. The last line is "
     "\"N rules loaded, N failed, N skipped\". With -c or --dump-config it also prints every setting with "
     "its value "
     "and where that comes from.",
     run_check},
    {Command::ctl, "ctl", "speak to the running engine",
     "Sends one command over the control socket and prints the answer: counters, flows, rule sets, reload "
     "with "
     "--dry-run, rollback, block and allow, and those of Suricata's socket under their names. Without a "
     "command "
     "it lists them. Exit 1: the engine refused, or is not there.",
     run_ctl},
    {Command::version, "version", "print the version", "Prints the program's version.", run_version},
    {Command::help, "help", "print help on a command or on the settings",
     "Prints help on a command. The topic config lists the keys of lockstep.toml.", run_help},
};

}  // namespace

std::span<const CommandRow> command_table() {
  return table;
}

const CommandRow* find_command(std::string_view name) {
  for (const CommandRow& row : table) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

int run_version(const Configuration&) {
  fmt::print("Lockstep {}\n", LOCKSTEP_VERSION);
  return exit_ok;
}

int run_help(const Configuration& configuration) {
  const std::string& topic = configuration.invocation.help_topic;
  if (topic.empty()) {
    fmt::print("{}", program_help());
  } else if (topic == "config") {
    fmt::print("{}", config_help());
  } else if (const CommandRow* row = find_command(topic)) {
    fmt::print("{}", command_help(*row));
  } else {
    std::vector<std::string_view> names{"config"};
    for (const CommandRow& command : table) names.push_back(command.name);
    fmt::print(stderr, "lockstep: no help on '{}'{}\n", topic, did_you_mean(topic, names));
    return exit_usage;
  }
  return exit_ok;
}

}  // namespace lockstep
