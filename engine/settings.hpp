// What the engine runs with: plain typed values, filled from the option table (engine/options/table.cpp). The
// initialisers here are the defaults; the table reads them, and adds ranges, units and texts.
#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/output/event_type.hpp"
#include "engine/verdict.hpp"
#include "reassembly/overlap.hpp"

namespace lockstep {

using Nanoseconds = std::chrono::nanoseconds;

enum class Mode : std::uint8_t { enforce, observe };
enum class ChecksumValidation : std::uint8_t { all, none };
enum class DropFlows : std::uint8_t { start, all };
enum class FileType : std::uint8_t { regular, unix_stream, unix_dgram, syslog };

// Names that rules use as $NAME, with their values as written. All names of Suricata's default configuration
// exist.
using NameMap = std::map<std::string, std::string, std::less<>>;

[[nodiscard]] NameMap default_address_groups();
[[nodiscard]] NameMap default_port_groups();

struct VariableSettings {
  NameMap address_groups = default_address_groups();
  NameMap port_groups = default_port_groups();
};

struct RuleSettings {
  std::vector<std::string> files = {};  // files, directories, globs
  std::vector<std::string> drop = {};   // "all", a sid, "classtype:NAME": alert rules that become drop rules
  std::string classification_file = {};
  std::string reference_config_file = {};
  std::string threshold_file = {};
  std::string cache = {};  // directory of compiled pattern sets; empty: none
  bool watch = false;      // inline: a change of the files is followed by a reload
};

struct ReloadSettings {
  std::uint64_t memory = 1ULL << 30;  // bytes by which the process may grow while it compiles; 0: no limit
};

struct TcpTimeouts {
  Nanoseconds fresh = std::chrono::seconds{130};  // key "new": Linux gives up a SYN after 127 s
  Nanoseconds established = std::chrono::hours{120};
  Nanoseconds closed = std::chrono::seconds{60};
};

struct FlowSettings {
  std::uint64_t max_flows = 262'144;
  std::uint64_t max_unestablished = 65'536;
  std::uint64_t max_half_open = 65'536;
  TcpTimeouts tcp;
};

// stream.midstream-policy; `automatic` drops the connection, or ignores it where nothing can be dropped.
enum class MidstreamChoice : std::uint8_t { automatic, ignore, pass_flow, bypass, drop_flow, reject };

enum class ResetHandling : std::uint8_t { forward, probe };

struct StreamSettings {
  ChecksumValidation checksum_validation = ChecksumValidation::all;
  std::uint64_t memory = 256ULL << 20;      // bytes, the piece pool
  std::uint64_t source_share = 25;          // percent of it
  std::uint64_t out_of_order = 4ULL << 20;  // bytes a direction
  std::uint64_t max_holes = 256;            // a direction
  Nanoseconds hole_timeout = std::chrono::seconds{60};
  std::uint64_t inspect_window = 8ULL << 10;  // bytes retained behind the last byte scanned
  std::uint64_t max_readings = 16;            // of one direction, observing
  bool drop_silent = false;
  bool async_oneside = true;
  bool midstream = true;
  MidstreamChoice midstream_policy = MidstreamChoice::automatic;
  ResetHandling rst = ResetHandling::forward;
};

// Which hosts read overlapping data as which kind of host does; lists of addresses and prefixes, by
// reassembly::OverlapPolicy.
using HostPolicySettings = std::array<std::vector<std::string>, reassembly::overlap_policy_count>;

struct DefragSettings {
  std::uint64_t memory = 4ULL << 20;  // bytes
  std::uint64_t max_datagrams = 1024;
  std::uint64_t max_fragments = 256;  // of one datagram
  Nanoseconds timeout = std::chrono::seconds{60};
};

struct EveSettings {
  bool enabled = true;
  FileType filetype = FileType::regular;
  std::string filename = "eve.json";
  std::vector<std::string> types{event_type_names.begin(), event_type_names.end()};
  DropFlows drop_flows = DropFlows::start;
  bool payload = false;
  bool packet = false;
};

struct FastSettings {
  bool enabled = true;
  std::string filename = "fast.log";
};

struct OutputSettings {
  std::string log_dir = {};  // empty: no log files
  EveSettings eve;
  FastSettings fast;
  Nanoseconds stats_interval = std::chrono::seconds{8};
  std::uint64_t queue = 1ULL << 20;  // bytes, of each of a worker's queues
};

struct AppLayerSettings {
  EncryptionHandling tls = EncryptionHandling::full;
};

// The socket for lockstep ctl and Suricata's clients.
struct ControlSettings {
  std::string socket = "/run/lockstep/control.socket";  // empty: none
  std::string group = {};                               // that may use it; empty: ours
};

// For Prometheus.
struct MetricsSettings {
  std::string listen = {};  // host:port; empty: not served
};

// What becomes of traffic that nobody can look at.
enum class UnseenPolicy : std::uint8_t { open, closed };
enum class Capture : std::uint8_t { automatic, afxdp, afpacket };
enum class ExitPolicy : std::uint8_t { stay, detach };

// Inline operation.
struct WireSettings {
  std::vector<std::string> pairs = {};      // "OUTSIDE:INSIDE"
  UnseenPolicy start = UnseenPolicy::open;  // what becomes of traffic while the rules are not compiled yet
  bool fix_offloads = false;
  std::string run_dir = "/run/lockstep";
  Capture capture = Capture::automatic;
  // With AF_XDP only: AF_PACKET forwards nothing without the engine.
  UnseenPolicy fail = UnseenPolicy::open;
  ExitPolicy exit = ExitPolicy::stay;
  Nanoseconds stale_after = std::chrono::seconds{1};  // without a sign of life of a worker
  std::string pin_dir = "/sys/fs/bpf/lockstep";
  std::uint64_t kernel_flows = 262'144;
  bool bypass = true;          // the kernel forwards alone what no rule can match
  std::uint64_t syn_rate = 0;  // a second from one source prefix; 0: no limit
  std::vector<std::string> block_files = {};
  std::vector<std::string> allow_files = {};
};

// What a run gives up once it is set up.
struct SecuritySettings {
  bool drop_capabilities = true;
  bool landlock = true;
  std::vector<std::string> landlock_read = {};  // beside what the settings name
  bool seccomp = true;
};

struct ReplaySettings {
  std::vector<std::string> inside;  // prefixes whose packets come from the protected side
};

struct Settings {
  Mode mode = Mode::enforce;
  VariableSettings vars;
  RuleSettings rules;
  ReloadSettings reload;
  FlowSettings flow;
  StreamSettings stream;
  AppLayerSettings app_layer;
  HostPolicySettings host_os_policy;
  DefragSettings defrag;
  OutputSettings outputs;
  ControlSettings control;
  MetricsSettings metrics;
  WireSettings wire;
  SecuritySettings security;
  ReplaySettings replay;
};

}  // namespace lockstep
