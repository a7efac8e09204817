// The rows of what surrounds inspection: outputs, control, metrics, the wire.
#include "engine/options/rows.hpp"

namespace lockstep {
namespace {

constexpr std::array<std::string_view, 2> unseen_policies{"open", "closed"};
constexpr std::array<std::string_view, 2> exit_policies{"stay", "detach"};
constexpr std::array<std::string_view, 3> captures{"auto", "afxdp", "afpacket"};
constexpr std::array<std::string_view, 2> drop_flows{"start", "all"};
constexpr std::array<std::string_view, 4> file_types{"regular", "unix_stream", "unix_dgram", "syslog"};

constexpr Option operation_options[] = {
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
             "much for everything else. Lines beyond it are lost and counted; packets never wait. Exit 1 at "
             "the end if an alert or a drop was lost."},
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

    {.key = "security.drop-capabilities",
     .kind = Kind::boolean,
     .target = AT(settings.security.drop_capabilities),
     .text = "Keep of the superuser's powers only what the rest of a run needs, once it is set up: "
             "CAP_NET_ADMIN, to put the interfaces back; CAP_DAC_OVERRIDE or CAP_DAC_READ_SEARCH where "
             "files are another user's; CAP_NET_BIND_SERVICE for a port of metrics below 1024; "
             "CAP_SYS_ADMIN, CAP_BPF and CAP_PERFMON for wire.exit = \"detach\" beside other XDP programs."},
    {.key = "security.landlock",
     .kind = Kind::boolean,
     .target = AT(settings.security.landlock),
     .text =
         "Let a run reach nothing of the file system but the directories of the files that its settings "
         "name (rules, prefixes, this file), to read, and its directories for logs, cache and records, to "
         "write; and (since Linux 6.7) no TCP port but that of metrics. A reload that names files elsewhere "
         "is refused. "
         "Where the kernel has no Landlock the run says so and goes on."},
    {.key = "security.landlock-read",
     .argument = "PATHS",
     .kind = Kind::paths,
     .target = AT(settings.security.landlock_read),
     .text = "Files and directories that a run may read beside those, for later reloads."},
    {.key = "security.seccomp",
     .kind = Kind::boolean,
     .target = AT(settings.security.seccomp),
     .text = "Refuse system calls that a run does not need, and log them; executing, tracing, mounting and "
             "loading into the kernel end the process."},

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
    {.key = "wire.start",
     .argument = "open|closed",
     .kind = Kind::choice,
     .choices = unseen_policies,
     .target = AT(settings.wire.start),
     .text = "Whether traffic passes while the rules are being compiled; connections are inspected from the "
             "moment on at which they are."},
    {.key = "wire.capture",
     .flags = "--capture",
     .argument = "auto|afxdp|afpacket",
     .commands = wires,
     .kind = Kind::choice,
     .choices = captures,
     .target = AT(settings.wire.capture),
     .text = "How packets are taken: by XDP and AF_XDP, or by AF_PACKET, which every kernel and NIC has. "
             "auto: by "
             "AF_XDP if it can be had."},
    {.key = "wire.fail",
     .argument = "open|closed",
     .kind = Kind::choice,
     .choices = unseen_policies,
     .target = AT(settings.wire.fail),
     .text =
         "With AF_XDP, what the kernel does with packets for an engine that is gone or stands still: forward "
         "them uninspected, or drop them."},
    {.key = "wire.stale-after",
     .argument = "TIME",
     .kind = Kind::time,
     .range = {second / 100, 60 * second},
     .target = AT(settings.wire.stale_after),
     .text = "With AF_XDP, time without a sign of life after which a worker stands still."},
    {.key = "wire.exit",
     .argument = "stay|detach",
     .kind = Kind::choice,
     .choices = exit_policies,
     .target = AT(settings.wire.exit),
     .text =
         "With AF_XDP, what an orderly end leaves: the kernel's part of the wire, which goes on as wire.fail "
         "says until the next run or lockstep detach; or the interfaces as they were before."},
    {.key = "wire.pin-dir",
     .argument = "DIR",
     .kind = Kind::path,
     .target = AT(settings.wire.pin_dir),
     .text = "Directory in a BPF file system below which each pair's program and maps are pinned."},
    {.key = "wire.bypass",
     .kind = Kind::boolean,
     .target = AT(settings.wire.bypass),
     .text = "With AF_XDP, the kernel alone forwards connections that no rule can match or that a rule lets "
             "pass."},
    {.key = "wire.kernel-flows",
     .argument = "COUNT",
     .kind = Kind::count,
     .range = {1, 16'777'216},
     .target = AT(settings.wire.kernel_flows),
     .text = "With AF_XDP, connections of a pair that the kernel can decide alone; about 250 bytes each. "
             "Holds from the "
             "next time on that the kernel's part of the wire is attached."},
    {.key = "wire.syn-rate",
     .argument = "COUNT",
     .kind = Kind::count,
     .range = {0, 100'000'000},
     .target = AT(settings.wire.syn_rate),
     .text = "With AF_XDP, SYNs a second that one source prefix (/24, /64) may send; more are dropped. 0: no "
             "limit."},
    {.key = "wire.block-files",
     .argument = "FILES",
     .kind = Kind::paths,
     .target = AT(settings.wire.block_files),
     .reloads = true,
     .text = "Files of prefixes, one a line, whose packets the kernel drops. With AF_XDP."},
    {.key = "wire.allow-files",
     .argument = "FILES",
     .kind = Kind::paths,
     .target = AT(settings.wire.allow_files),
     .reloads = true,
     .text =
         "Files of prefixes whose packets the kernel forwards uninspected; the longest prefix counts. With "
         "AF_XDP."},
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
};

}  // namespace

std::span<const Option> operation_rows() {
  return operation_options;
}

}  // namespace lockstep
