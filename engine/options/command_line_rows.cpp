// The rows of what stands on the command line only.
#include "engine/options/rows.hpp"

namespace lockstep {
namespace {

constexpr Option command_line_options[] = {
    {.flags = "FILE",
     .argument = "FILE",
     .commands = replays,
     .kind = Kind::paths,
     .target = AT(replay.inputs),
     .text =
         "Captures (pcap, pcapng) or directories of captures, read in the order given; - is standard input."},
    {.flags = "REQUEST",
     .argument = "REQUEST",
     .commands = controls,
     .kind = Kind::texts,
     .target = AT(ctl.words),
     .text =
         "A control command and its arguments, in their order or as NAME=VALUE. Without one the commands are "
         "listed."},
    {.flags = "--json",
     .commands = controls,
     .kind = Kind::boolean,
     .target = AT(ctl.json),
     .text = "Print the engine's answer as it came."},
    {.flags = "--dry-run",
     .commands = controls,
     .kind = Kind::boolean,
     .target = AT(ctl.dry_run),
     .text = "With reload: say what it would change, and change nothing."},
    {.flags = "TOPIC",
     .argument = "TOPIC",
     .commands = on(Command::help),
     .kind = Kind::text,
     .target = AT(help_topic),
     .text = "A command, or config for the keys of lockstep.toml."},
    {.flags = "-c,--config",
     .argument = "FILE",
     .commands = configured,
     .kind = Kind::path,
     .target = AT(config_file),
     .text =
         "Read the settings from this file; lockstep.toml(5) lists the keys. Not given: run, detach, ctl and "
         "doctor read /etc/lockstep/lockstep.toml if it is there."},
    {.flags = "--set",
     .argument = "KEY=VALUE",
     .commands = configured,
     .kind = Kind::texts,
     .target = AT(overrides),
     .text =
         "Set one key of the configuration; stronger than the file, weaker than an option of its own. May be "
         "repeated."},
    {.flags = "--write-passed",
     .argument = "FILE",
     .commands = replays,
     .kind = Kind::path,
     .target = AT(replay.write_passed),
     .text = "Write a capture of what would have left the device, with rewritten bytes and resets."},
    {.flags = "--explain",
     .commands = replays,
     .kind = Kind::boolean,
     .target = AT(replay.explain),
     .text = "Print each packet with its ruling, verdict and reason."},
    {.flags = "--reload-at",
     .argument = "TIME=RULES",
     .commands = replays,
     .kind = Kind::texts,
     .target = AT(replay.reloads),
     .check = check_reload,
     .text =
         "Put the rules of a file, directory or glob in the place of those in force when the capture's clock "
         "comes to TIME: so long behind its first packet (1500ms, 90s), or a date (2026-08-21T10:00:00Z). "
         "Connections that are open go on under the new rules. May be repeated; the first one named makes "
         "generation 2, and so on."},
    {.flags = "--strict",
     .commands = checks,
     .kind = Kind::boolean,
     .target = AT(check.strict),
     .text = "Exit 1 if any rule failed or was skipped."},
    {.flags = "--dump-config",
     .commands = checks,
     .kind = Kind::boolean,
     .target = AT(check.dump_config),
     .text = "Print every setting with its value and where that comes from, in the form of lockstep.toml."},
    {.flags = "-v,--verbose",
     .commands = configured,
     .kind = Kind::repeats,
     .target = AT(verbosity),
     .text = "Say more; -vv more still."},
    {.flags = "-h,--help",
     .commands = everywhere,
     .kind = Kind::boolean,
     .target = AT(help),
     .text = "Print this help."},
    {.flags = "--gap",
     .commands = examines,
     .kind = Kind::boolean,
     .target = AT(doctor.gap),
     .text = "Attach the kernel's part of the wire to the pair, remove it again, and tell for how long that "
             "takes "
             "the link away. Not while a run has the pair."},
    {.flags = "-V,--version",
     .commands = on(Command::program),
     .kind = Kind::boolean,
     .target = AT(version),
     .text = "Print the version."},
};

}  // namespace

std::span<const Option> command_line_rows() {
  return command_line_options;
}

}  // namespace lockstep
