#include <array>

#include "engine/options/checks.hpp"
#include "engine/options/option.hpp"
#include "reassembly/overlap.hpp"

namespace lockstep {
namespace {

template <class F>
constexpr Target at(F) {
  using T = std::remove_reference_t<std::invoke_result_t<F, Invocation&>>;
  if constexpr (std::is_enum_v<T>) {
    return ChoiceSlot{[](Invocation& i) { return static_cast<std::size_t>(F{}(i)); },
                      [](Invocation& i, std::size_t value) { F{}(i) = static_cast<T>(value); }};
  } else {
    return Slot<T>{[](Invocation& i) -> T& { return F{}(i); }};
  }
}
#define AT(field) at([](Invocation & i) -> auto& { return i.field; })

template <class... C>
constexpr std::uint16_t on(C... commands) {
  return static_cast<std::uint16_t>((static_cast<unsigned>(commands) | ...));
}
constexpr std::uint16_t loads =
    on(Command::replay, Command::check, Command::run);  // commands that load settings and rules
constexpr std::uint16_t runs = on(Command::run);
constexpr std::uint16_t wires = on(Command::run, Command::detach);
constexpr std::uint16_t logs = on(Command::replay, Command::run);
constexpr std::uint16_t controls = on(Command::ctl);
constexpr std::uint16_t configured =
    on(Command::replay, Command::check, Command::run, Command::detach, Command::ctl);
constexpr std::uint16_t replays = on(Command::replay);
constexpr std::uint16_t checks = on(Command::check);
constexpr std::uint16_t everywhere = on(Command::program, Command::replay, Command::check, Command::version,
                                        Command::help, Command::run, Command::detach, Command::ctl);

constexpr std::array<std::string_view, 2> modes{"enforce", "observe"};
constexpr std::array<std::string_view, 2> reset_handlings{"forward", "probe"};
constexpr std::array<std::string_view, 6> midstream_policies{"auto",   "ignore",    "pass-flow",
                                                             "bypass", "drop-flow", "reject"};
constexpr std::array<std::string_view, 2> encryption_handlings{"full", "bypass"};
constexpr std::array<std::string_view, 2> checksum_validations{"all", "none"};
constexpr std::array<std::string_view, 3> captures{"auto", "afxdp", "afpacket"};
constexpr std::array<std::string_view, 2> fail_policies{"open", "closed"};
constexpr std::array<std::string_view, 2> drop_flows{"start", "all"};
constexpr std::array<std::string_view, 4> file_types{"regular", "unix_stream", "unix_dgram", "syslog"};

constexpr std::uint64_t mib = 1ULL << 20;
constexpr std::uint64_t gib = 1ULL << 30;
constexpr std::uint64_t second = 1'000'000'000;
constexpr std::uint64_t year = 365ULL * 86'400 * second;

constexpr Option table[] = {
    {.key = "mode",
     .flags = "--mode",
     .argument = "MODE",
     .commands = loads,
     .kind = Kind::choice,
     .choices = modes,
     .target = AT(settings.mode),
     .text =
         "enforce: decide each packet as the inline engine would. observe: nothing can be dropped; decide as "
         "the captured hosts did, with their own answers as evidence."},

    {.key = "vars.address-groups",
     .argument = "ADDRESSES",
     .kind = Kind::names,
     .target = AT(settings.vars.address_groups),
     .reloads = true,
     .text = "Addresses that rules name as $NAME: any, an address, a prefix, a range, a list in brackets, ! "
             "for all "
             "but these. Every name of Suricata's default configuration exists; HOME_NET and EXTERNAL_NET "
             "are any."},
    {.key = "vars.port-groups",
     .argument = "PORTS",
     .kind = Kind::names,
     .target = AT(settings.vars.port_groups),
     .reloads = true,
     .text = "Ports that rules name as $NAME: any, a port, a range 1024:2048, a list in brackets, ! for all "
             "but these."},

    {.key = "rules.files",
     .flags = "-S,--rules",
     .argument = "PATH",
     .commands = loads,
     .kind = Kind::paths,
     .target = AT(settings.rules.files),
     .reloads = true,
     .text = "Rule files, directories (all *.rules in them) and globs. May be repeated; given on the command "
             "line "
             "it replaces what the configuration lists."},
    {.key = "rules.drop",
     .flags = "--drop",
     .argument = "all|SID,...",
     .commands = loads,
     .kind = Kind::texts,
     .comma_separated = true,
     .target = AT(settings.rules.drop),
     .check = check_drop,
     .reloads = true,
     .text = "Alert rules to turn into drop rules: all, a sid, or classtype:NAME."},
    {.key = "rules.classification-file",
     .argument = "PATH",
     .kind = Kind::path,
     .target = AT(settings.rules.classification_file),
     .reloads = true,
     .text =
         "classification.config: descriptions and priorities of class types. Not given: the one that stands "
         "beside the first rule file, if any."},
    {.key = "rules.reference-config-file",
     .argument = "PATH",
     .kind = Kind::path,
     .target = AT(settings.rules.reference_config_file),
     .reloads = true,
     .text =
         "reference.config: address prefixes of reference types. Not given: the one that stands beside the "
         "first rule file, if any."},
    {.key = "rules.threshold-file",
     .argument = "PATH",
     .kind = Kind::path,
     .target = AT(settings.rules.threshold_file),
     .reloads = true,
     .text = "threshold.config: suppress, threshold and rate_filter lines. Not given: none."},
    {.key = "rules.cache",
     .argument = "PATH",
     .kind = Kind::path,
     .target = AT(settings.rules.cache),
     .text =
         "Directory of compiled pattern sets, found again by a hash of their content. Empty: none is kept."},

    {.key = "flow.max-flows",
     .argument = "N",
     .kind = Kind::count,
     .range = {16, 64 * mib},
     .target = AT(settings.flow.max_flows),
     .text =
         "Established connections tracked at once. A full table gives up the longest-idle flow of the source "
         "prefix (/24, /64) that holds most, reset at both ends."},
    {.key = "flow.max-unestablished",
     .argument = "N",
     .kind = Kind::count,
     .range = {16, 64 * mib},
     .target = AT(settings.flow.max_unestablished),
     .text = "Connections beside them whose handshake is not complete, or of which one direction only was "
             "seen. When there are as many the longest idle of them is forgotten; they never push out an "
             "established one."},
    {.key = "flow.max-half-open",
     .argument = "N",
     .kind = Kind::count,
     .range = {16, 64 * mib},
     .target = AT(settings.flow.max_half_open),
     .text = "Connections of which only the SYN was seen, in a table of their own. When it is full SYNs pass "
             "statelessly and the SYN-ACK creates the flow."},
    {.key = "flow.timeouts.tcp.new",
     .argument = "TIME",
     .kind = Kind::time,
     .range = {second, year},
     .target = AT(settings.flow.tcp.fresh),
     .text = "Idle time after which a handshake is given up."},
    {.key = "flow.timeouts.tcp.established",
     .argument = "TIME",
     .kind = Kind::time,
     .range = {second, year},
     .target = AT(settings.flow.tcp.established),
     .text = "Idle time after which an open connection is given up and reset at both ends."},
    {.key = "flow.timeouts.tcp.closed",
     .argument = "TIME",
     .kind = Kind::time,
     .range = {second, year},
     .target = AT(settings.flow.tcp.closed),
     .text = "Idle time after which a closed connection is forgotten."},

    {.key = "stream.checksum-validation",
     .flags = "-k,--checksums",
     .argument = "all|none",
     .commands = replays,
     .kind = Kind::choice,
     .choices = checksum_validations,
     .target = AT(settings.stream.checksum_validation),
     .text = "none takes packets with wrong checksums as they are: for captures made on a host that leaves "
             "checksums to its network card."},
    {.key = "stream.memory",
     .argument = "SIZE",
     .kind = Kind::size,
     .range = {mib, 1024 * gib},
     .target = AT(settings.stream.memory),
     .text =
         "The pool of pieces: copies of data that was forwarded and not acknowledged, or that waits for "
         "a hole. "
         "A quarter is reserved for data in order. When it is full, data in order makes the source prefix "
         "that holds most give up the longest-idle flow that holds any, reset at both ends."},
    {.key = "stream.source-share",
     .argument = "PERCENT",
     .kind = Kind::count,
     .range = {1, 100},
     .target = AT(settings.stream.source_share),
     .text =
         "Part of stream.memory that one source prefix may hold when no room is left for out-of-order "
         "data; of a source over its share flows are reset, otherwise the data is dropped, and its sender "
         "repeats it."},
    {.key = "stream.out-of-order",
     .argument = "SIZE",
     .kind = Kind::size,
     .range = {0, gib},
     .target = AT(settings.stream.out_of_order),
     .text = "Data that one direction of a flow may hold ahead of a hole; more is dropped, and its sender "
             "repeats it."},
    {.key = "stream.max-holes",
     .argument = "N",
     .kind = Kind::count,
     .range = {1, 65'535},
     .target = AT(settings.stream.max_holes),
     .text = "Holes in one direction of a flow; data that would open another is dropped, and its sender "
             "repeats it."},
    {.key = "stream.hole-timeout",
     .argument = "TIME",
     .kind = Kind::time,
     .range = {second, year},
     .target = AT(settings.stream.hole_timeout),
     .text = "Time without progress at a hole after which its flow is reset at both ends."},
    {.key = "stream.inspect-window",
     .argument = "SIZE",
     .kind = Kind::size,
     .range = {256, mib},
     .target = AT(settings.stream.inspect_window),
     .text = "Bytes that are retained behind the last one scanned, for the parts of a rule that look back."},
    {.key = "stream.max-readings",
     .argument = "N",
     .kind = Kind::count,
     .range = {1, 64},
     .target = AT(settings.stream.max_readings),
     .text = "Observing: ways of reading one direction, where copies of its bytes differed, that are scanned "
             "side by side. Beyond it the event stream.ambiguous tells that some are not."},
    {.key = "stream.drop-silent",
     .kind = Kind::boolean,
     .target = AT(settings.stream.drop_silent),
     .text =
         "Do not reset the protected host when its connection is dropped; it stays open there until it times "
         "out."},
    {.key = "stream.rst",
     .argument = "forward|probe",
     .kind = Kind::choice,
     .choices = reset_handlings,
     .target = AT(settings.stream.rst),
     .text =
         "An exact RST is forwarded, or held until its claimed sender has answered a bare ACK: a host that "
         "closed "
         "answers with a RST, which then goes out; one that lives with an ACK, which proves the RST forged."},
    {.key = "stream.async-oneside",
     .kind = Kind::boolean,
     .target = AT(settings.stream.async_oneside),
     .text = "Follow connections of which only one direction comes this way, with the event "
             "stream.one_direction; "
             "otherwise they are refused."},
    {.key = "stream.midstream",
     .kind = Kind::boolean,
     .target = AT(settings.stream.midstream),
     .text = "Adopt connections that are met in their middle, and inspect them; otherwise "
             "stream.midstream-policy "
             "says what becomes of them."},
    {.key = "stream.midstream-policy",
     .argument = "POLICY",
     .kind = Kind::choice,
     .choices = midstream_policies,
     .target = AT(settings.stream.midstream_policy),
     .text =
         "With stream.midstream = false: ignore (packets are judged one by one, streams are not inspected), "
         "pass-flow and bypass (nothing is inspected), drop-flow, reject, or auto: drop-flow, and ignore "
         "when "
         "only observing. Counted under exception_policy.tcp.midstream."},
    {.key = "app-layer.protocols.tls.encryption-handling",
     .argument = "full|bypass",
     .kind = Kind::choice,
     .choices = encryption_handlings,
     .target = AT(settings.app_layer.tls),
     .text =
         "What is done with a TLS connection once both directions send application data: it is inspected as "
         "any other, or not any more, counted as bypass_encrypted."},

#define X(policy, label)                                                                                     \
  {.key = "host-os-policy." label,                                                                           \
   .argument = "ADDRESSES",                                                                                  \
   .kind = Kind::texts,                                                                                      \
   .comma_separated = true,                                                                                  \
   .target = AT(settings.host_os_policy[static_cast<std::size_t>(reassembly::OverlapPolicy::policy)]),       \
   .check = check_prefix,                                                                                    \
   .text = "Observing: addresses and prefixes of hosts that read overlapping data as " label                 \
           " does. The longest prefix counts. Of a host that no list holds, every kind's way of reading is " \
           "scanned, that of linux first."},
    LOCKSTEP_OVERLAP_POLICIES(X)
#undef X

        {.key = "defrag.memory",
         .argument = "SIZE",
         .kind = Kind::size,
         .range = {mib, 64 * gib},
         .target = AT(settings.defrag.memory),
         .text = "Fragments held; when it is full new ones are dropped."},
    {.key = "defrag.max-datagrams",
     .argument = "N",
     .kind = Kind::count,
     .range = {1, 16 * mib},
     .target = AT(settings.defrag.max_datagrams),
     .text = "Datagrams of which fragments are held; when there are as many, the oldest gives way."},
    {.key = "defrag.max-fragments",
     .argument = "N",
     .kind = Kind::count,
     .range = {2, 8192},
     .target = AT(settings.defrag.max_fragments),
     .text = "Fragments of one datagram; more are dropped."},
    {.key = "defrag.timeout",
     .argument = "TIME",
     .kind = Kind::time,
     .range = {second, 3600 * second},
     .target = AT(settings.defrag.timeout),
     .text = "Time in which a datagram must be complete."},

    {.key = "outputs.log-dir",
     .flags = "-l,--log-dir",
     .argument = "DIR",
     .commands = logs,
     .kind = Kind::path,
     .target = AT(settings.outputs.log_dir),
     .text = "Directory of the log files. Not given: none are written."},
    {.key = "outputs.eve-log.enabled",
     .kind = Kind::boolean,
     .target = AT(settings.outputs.eve.enabled),
     .text = "Write events as EVE JSON, one object a line."},
    {.key = "outputs.eve-log.filetype",
     .argument = "TYPE",
     .kind = Kind::choice,
     .choices = file_types,
     .target = AT(settings.outputs.eve.filetype),
     .text = "A file, a Unix socket that somebody reads (a stream, or a datagram a line), or syslog. A "
             "socket may come "
             "and go; lines that can't be written are counted. A replay writes files."},
    {.key = "outputs.eve-log.filename",
     .argument = "NAME",
     .kind = Kind::text,
     .target = AT(settings.outputs.eve.filename),
     .text = "File or socket in the log directory."},
    {.key = "outputs.eve-log.types",
     .argument = "TYPES",
     .kind = Kind::texts,
     .comma_separated = true,
     .target = AT(settings.outputs.eve.types),
     .check = check_event_type,
     .reloads = true,
     .text = "Events to write: alert, drop, flow, anomaly, stats."},
    {.key = "outputs.eve-log.drop-flows",
     .argument = "start|all",
     .kind = Kind::choice,
     .choices = drop_flows,
     .target = AT(settings.outputs.eve.drop_flows),
     .reloads = true,
     .text = "start: for a flow that was dropped as a whole, a drop event for the first packet of each "
             "direction. "
             "all: for every packet."},
    {.key = "outputs.eve-log.payload",
     .kind = Kind::boolean,
     .target = AT(settings.outputs.eve.payload),
     .reloads = true,
     .text = "Add what a rule was matched against to alerts: payload (base64) and payload_printable."},
    {.key = "outputs.eve-log.packet",
     .kind = Kind::boolean,
     .target = AT(settings.outputs.eve.packet),
     .reloads = true,
     .text = "Add the packet (base64) to alerts."},
    {.key = "outputs.fast.enabled",
     .kind = Kind::boolean,
     .target = AT(settings.outputs.fast.enabled),
     .text = "Write alerts as lines of text."},
    {.key = "outputs.fast.filename",
     .argument = "NAME",
     .kind = Kind::text,
     .target = AT(settings.outputs.fast.filename),
     .text = "File in the log directory."},
    {.key = "outputs.queue",
     .argument = "SIZE",
     .kind = Kind::size,
     .range = {64 * 1024, gib},
     .target = AT(settings.outputs.queue),
     .text = "Room for lines on their way from a worker to the writer of a log: so much for alerts and "
             "drops, and so "
             "much for everything else. Lines beyond it are lost and counted; packets never wait."},
    {.key = "outputs.stats-interval",
     .argument = "TIME",
     .kind = Kind::time,
     .range = {second, 86'400 * second},
     .target = AT(settings.outputs.stats_interval),
     .text = "Time between two stats events; in a replay, of the capture's clock."},

    {.key = "control.socket",
     .flags = "--socket",
     .argument = "PATH",
     .commands = controls,
     .kind = Kind::path,
     .target = AT(settings.control.socket),
     .text = "Unix socket on which the running engine takes commands. Empty: none."},
    {.key = "control.group",
     .argument = "NAME",
     .kind = Kind::text,
     .target = AT(settings.control.group),
     .text = "Group whose members may use the socket, besides root. Empty: the engine's own."},

    {.key = "metrics.listen",
     .argument = "HOST:PORT",
     .kind = Kind::text,
     .target = AT(settings.metrics.listen),
     .text = "Serve metrics for Prometheus at http://HOST:PORT/metrics. Whoever reaches it reads them: name "
             "a loopback "
             "address unless that is meant. Empty: not served."},

    {.key = "wire.pairs",
     .flags = "--pair",
     .argument = "A:B",
     .commands = wires,
     .kind = Kind::texts,
     .comma_separated = true,
     .target = AT(settings.wire.pairs),
     .check = check_pair,
     .text = "Two interfaces between which the engine is a wire: the one towards the outside, then the one "
             "towards the protected hosts."},
    {.key = "wire.capture",
     .flags = "--capture",
     .argument = "HOW",
     .commands = runs,
     .kind = Kind::choice,
     .choices = captures,
     .target = AT(settings.wire.capture),
     .text = "How packets are taken and sent: afxdp; afpacket, which every kernel has; auto: the best that "
             "both interfaces offer."},
    {.key = "wire.fail",
     .argument = "open|closed",
     .kind = Kind::choice,
     .choices = fail_policies,
     .target = AT(settings.wire.fail),
     .text = "Whether traffic passes while no engine is alive. With afpacket nothing passes then."},
    {.key = "wire.start",
     .argument = "open|closed",
     .kind = Kind::choice,
     .choices = fail_policies,
     .target = AT(settings.wire.start),
     .text = "Whether traffic passes while the rules are being compiled; connections are inspected from the "
             "moment on at which they are."},
    {.key = "wire.fix-offloads",
     .flags = "--fix-offloads",
     .commands = runs,
     .kind = Kind::boolean,
     .target = AT(settings.wire.fix_offloads),
     .text = "Switch off what offloads of the interfaces stand in the way, and on again at the end."},
    {.key = "wire.run-dir",
     .argument = "DIR",
     .kind = Kind::path,
     .target = AT(settings.wire.run_dir),
     .text = "Directory of what must be known of a run after its end: what was set on the interfaces."},
    {.key = "wire.pin-dir",
     .argument = "DIR",
     .kind = Kind::path,
     .target = AT(settings.wire.pin_dir),
     .text = "Directory of a BPF file system, for the program that passes traffic while no engine is alive."},

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
     .text = "Read the settings from this file; lockstep.toml(5) lists the keys."},
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
    {.flags = "-V,--version",
     .commands = on(Command::program),
     .kind = Kind::boolean,
     .target = AT(version),
     .text = "Print the version."},
};

}  // namespace

std::span<const Option> option_table() {
  return table;
}

const Option* find_option(std::string_view key) {
  for (const Option& option : table) {
    if (option.key.empty()) continue;
    if (option.key == key) return &option;
    if (option.kind == Kind::names && key.size() > option.key.size() + 1 && key.starts_with(option.key) &&
        key[option.key.size()] == '.') {
      return &option;
    }
  }
  return nullptr;
}

}  // namespace lockstep
