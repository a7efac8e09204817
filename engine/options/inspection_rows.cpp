// The rows of what is inspected and how: rules, flows, streams, fragments.
#include "engine/options/rows.hpp"
#include "reassembly/overlap.hpp"

namespace lockstep {
namespace {

constexpr std::array<std::string_view, 2> modes{"enforce", "observe"};
constexpr std::array<std::string_view, 2> reset_handlings{"forward", "probe"};
constexpr std::array<std::string_view, 6> midstream_policies{"auto",   "ignore",    "pass-flow",
                                                             "bypass", "drop-flow", "reject"};
constexpr std::array<std::string_view, 2> encryption_handlings{"full", "bypass"};
constexpr std::array<std::string_view, 2> checksum_validations{"all", "none"};

constexpr Option inspection_options[] = {
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
    {.key = "rules.watch",
     .kind = Kind::boolean,
     .target = AT(settings.rules.watch),
     .text = "Inline: when rule files, or those named beside them, change, reload as by SIGHUP."},

    {.key = "reload.memory",
     .argument = "SIZE",
     .kind = Kind::size,
     .range = {0, 1024 * gib},
     .target = AT(settings.reload.memory),
     .text = "How much the process may grow while rules are compiled beside those in force; a reload that "
             "takes more is given up and changes nothing. 0: no limit."},

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

    {.key = "replay.inside",
     .flags = "--inside",
     .argument = "PREFIX[,PREFIX...]",
     .commands = replays,
     .kind = Kind::texts,
     .comma_separated = true,
     .target = AT(settings.replay.inside),
     .check = check_prefix,
     .text =
         "Addresses and prefixes on the protected side of a replayed capture: a packet from one of them came "
         "from inside, as through the inner interface of a pair, unless both of its ends are inside. Empty: "
         "the sides are not known. May be repeated."},
};

}  // namespace

std::span<const Option> inspection_rows() {
  return inspection_options;
}

}  // namespace lockstep
