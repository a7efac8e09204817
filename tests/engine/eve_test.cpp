#include "engine/output/eve.hpp"

#include <set>

#include <nlohmann/json.hpp>

#include "engine/output/event_log.hpp"
#include "engine/output/fast.hpp"
#include "tests/engine/program.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep;
using namespace std::chrono_literals;
using Json = nlohmann::ordered_json;
using reassembly::TcpFlag;

namespace {

// What Suricata's schema lets stand in each object; `lockstep` is ours. Names as in its etc/schema.json.
const std::map<std::string, std::vector<std::string>> fields{
    {"header",
     {"timestamp", "flow_id", "parent_id", "pcap_cnt", "event_type", "vlan", "src_ip", "src_port", "dest_ip",
      "dest_port", "proto", "ip_v", "icmp_type", "icmp_code", "pkt_src"}},
    {"alert:top",
     {"alert", "app_proto", "app_proto_ts", "app_proto_tc", "direction", "flow", "payload", "payload_length",
      "payload_printable", "stream", "packet", "packet_info", "verdict", "lockstep"}},
    {"alert",
     {"action", "gid", "signature_id", "rev", "signature", "category", "severity", "source", "target",
      "references", "metadata"}},
    {"alert:flow",
     {"pkts_toserver", "pkts_toclient", "bytes_toserver", "bytes_toclient", "start", "src_ip", "dest_ip",
      "src_port", "dest_port"}},
    {"verdict", {"action", "reject_target", "reject"}},
    {"packet_info", {"linktype", "linktype_name"}},
    {"drop:top", {"direction", "drop", "verdict", "alert", "lockstep"}},
    {"drop",
     {"len", "tos", "ttl", "ipid", "tc",  "hoplimit", "flowlbl", "tcpseq", "tcpack",  "tcpwin",   "syn",
      "ack", "psh", "rst", "urg",  "fin", "tcpres",   "tcpurgp", "udplen", "icmp_id", "icmp_seq", "reason"}},
    {"flow:top", {"app_proto", "app_proto_ts", "app_proto_tc", "flow", "tcp", "lockstep"}},
    {"flow:flow",
     {"pkts_toserver", "pkts_toclient", "bytes_toserver", "bytes_toclient", "bypassed", "start", "end", "age",
      "emergency", "state", "bypass", "reason", "alerted", "wrong_thread", "action", "exception_policy",
      "tx_cnt"}},
    {"bypassed", {"pkts_toserver", "pkts_toclient", "bytes_toserver", "bytes_toclient"}},
    {"tcp",
     {"tcp_flags", "tcp_flags_ts", "tcp_flags_tc", "syn", "fin", "rst", "psh", "ack", "urg", "ecn", "cwr",
      "state", "ts_gap", "tc_gap", "ts_max_regions", "tc_max_regions"}},
    {"anomaly:top", {"anomaly", "lockstep"}},
    {"anomaly", {"type", "event", "code"}},
    {"stats:top", {"stats"}},
    {"stats",
     {"uptime", "capture", "decoder", "tcp", "flow", "flow_bypassed", "defrag", "detect", "ips",
      "exception_policy", "memcap", "app_layer", "lockstep"}},
    {"stats:decoder",
     {"pkts", "bytes", "invalid", "ipv4", "ipv6", "ethernet", "arp", "tcp", "udp", "sctp", "icmpv4", "icmpv6",
      "vlan", "vlan_qinq", "avg_pkt_size", "max_pkt_size"}},
    {"stats:tcp",
     {"active_sessions", "sessions", "ssn_memcap_drop", "pseudo", "invalid_checksum", "no_flow", "syn",
      "synack", "rst", "urg", "midstream_pickups", "stream_depth_reached", "reassembly_gap", "overlap",
      "overlap_diff_data"}},
    {"stats:flow", {"active", "total", "tcp", "udp", "tcp_reuse", "memcap"}},
    {"stats:detect", {"engines", "alert", "alert_queue_overflow", "alerts_suppressed"}},
    {"stats:ips", {"accepted", "blocked", "rejected", "replaced", "drop_reason"}},
    {"lockstep",
     {"reason", "offset", "generation", "expected", "got", "state", "stage", "rule", "adopted", "early",
      "would", "diverged", "capture_gap"}},
};

// Every key is one that readers know, in the order in which Suricata writes it.
void check_fields(const Json& object, std::vector<std::string> allowed) {
  auto next = allowed.begin();
  for (const auto& [key, value] : object.items()) {
    INFO(key << " in " << object.dump());
    next = std::find(next, allowed.end(), key);
    REQUIRE(next != allowed.end());
  }
}

void check_event(const Json& event) {
  const std::string type = event.at("event_type");
  std::vector<std::string> top = fields.at("header");
  const auto& own = fields.at(type + ":top");
  top.insert(top.end(), own.begin(), own.end());
  check_fields(event, top);
  for (const auto& [key, value] : event.items()) {
    if (!value.is_object()) continue;
    const auto named = fields.find(type + ":" + key);
    check_fields(value, named != fields.end() ? named->second : fields.at(key));
  }
}

const Timestamp noon = Timestamp{} + 1'786'000'000s + 42us + 999ns;  // 2026-08-06 07:06:40

signatures::Rule rule() {
  signatures::Rule r;
  r.id = {1, 2008983, 7};
  r.message = "A \"quoted\" \\ message";
  r.category = "A Network Trojan was detected";
  r.priority = 1;
  r.action = signatures::Action::drop;
  r.references = {{"cve", "2020-1", "https://cve.mitre.org/2020-1"}, {"odd", "x", ""}};
  r.metadata = {{"tag", "a"}, {"created_at", "2020"}, {"tag", "b"}};
  r.target = signatures::Rule::Target::destination;
  return r;
}

Endpoint v4(std::uint8_t last, std::uint16_t port) {
  return {{{192, 0, 2, last}, 4}, port};
}

EventHeader header() {
  EventHeader h;
  h.time = noon;
  h.flow_id = flow_id(noon, 0xdeadbeef);
  h.packet_number = 7;
  h.vlan = {{100, 200, 0}, 2};
  h.source = v4(1, 1024);
  h.destination = v4(2, 80);
  return h;
}

FlowFields flow() {
  return {{{3, 300}, {2, 200}}, noon, v4(1, 1024), v4(2, 80)};
}

template <class Event>
Json written(const Event& event, EveSettings settings = {}) {
  EveWriter writer(settings);
  std::string out;
  writer.write(out, event);
  REQUIRE(out.back() == '\n');
  REQUIRE(out.find('\n') == out.size() - 1);
  Json json = Json::parse(out);
  check_event(json);
  return json;
}

}  // namespace

TEST_CASE("a flow's id is its start over its hash in 51 bits", "[engine][eve]") {
  CHECK(flow_id(Timestamp{}, 0xffffffff) == 0xffffffff);
  CHECK(flow_id(Timestamp{} + 1s + 2us, 3) == (1ULL << 48 | 2ULL << 32 | 3));
  CHECK(flow_id(Timestamp{} + 0x7ffffs + 999'999us, 0xffffffff) <= 0x7'ffff'ffff'ffffULL);
}

TEST_CASE("an alert holds what Suricata's users read, in its order", "[engine][eve]") {
  const signatures::Rule r = rule();
  const std::vector<std::uint8_t> payload{'G', 'E', 'T', 0, '\r', '\n', 0xff};
  AlertEvent event;
  event.header = header();
  event.rule = &r;
  event.action = r.action;
  event.blocked = true;
  event.direction = Direction::to_server;
  using P = signatures::AppProtocol;
  event.app_proto = {P::http1, P::http1, P::failed};
  event.flow = flow();
  event.payload = payload;
  event.stream = true;
  event.packet = payload;
  event.verdict = {Action::drop_flow, Reason::signature};
  event.own.offset = {10, 20};
  event.own.generation = 1;
  const Json plain = written(event);
  CHECK_FALSE(plain.contains("payload"));
  CHECK_FALSE(plain.contains("packet"));
  EveSettings settings;
  settings.payload = settings.packet = true;
  const Json json = written(event, settings);
  CHECK(json["timestamp"] == "2026-08-06T07:06:40.000042+0000");
  CHECK(json["flow_id"] == event.header.flow_id);
  CHECK(json["pcap_cnt"] == 7);
  CHECK(json["event_type"] == "alert");
  CHECK(json["vlan"] == Json({100, 200}));
  CHECK(json["src_ip"] == "192.0.2.1");
  CHECK(json["dest_port"] == 80);
  CHECK(json["proto"] == "TCP");
  CHECK(json["ip_v"] == 4);
  CHECK(json["pkt_src"] == "wire/pcap");
  const Json& alert = json["alert"];
  CHECK(alert["action"] == "blocked");
  CHECK((alert["gid"] == 1 && alert["signature_id"] == 2008983 && alert["rev"] == 7));
  CHECK(alert["signature"] == r.message);
  CHECK(alert["category"] == r.category);
  CHECK(alert["severity"] == 1);
  CHECK(alert["source"] == Json({{"ip", "192.0.2.1"}, {"port", 1024}}));
  CHECK(alert["target"] == Json({{"ip", "192.0.2.2"}, {"port", 80}}));
  CHECK(alert["references"] == Json({"https://cve.mitre.org/2020-1", "odd:x"}));
  CHECK(alert["metadata"] == Json({{"tag", {"a", "b"}}, {"created_at", {"2020"}}}));
  CHECK(json["app_proto"] == "http");
  CHECK((json["app_proto_tc"] == "failed" && !json.contains("app_proto_ts")));
  CHECK(json["direction"] == "to_server");
  CHECK(json["flow"]["pkts_toserver"] == 3);
  CHECK(json["flow"]["bytes_toclient"] == 200);
  CHECK(json["flow"]["start"] == json["timestamp"]);
  CHECK(json["payload"] == "R0VUAA0K/w==");
  CHECK(json["payload_length"] == 7);
  CHECK(json["payload_printable"] == "GET.\r\n.");
  CHECK(json["stream"] == 1);
  CHECK(json["packet_info"] == Json({{"linktype", 1}, {"linktype_name", "EN10MB"}}));
  CHECK(json["verdict"] == Json({{"action", "drop"}}));
  CHECK(json["lockstep"]["reason"] == "signature");
  CHECK(json["lockstep"]["offset"] == Json({10, 20}));
  CHECK(json["lockstep"]["stage"] == "engine");
}

TEST_CASE("a verdict says who is reset and how", "[engine][eve]") {
  const signatures::Rule r = rule();
  AlertEvent event;
  event.header = header();
  event.rule = &r;
  event.verdict = {Action::reject, Reason::signature_reject};
  using Rule = signatures::Action;
  for (const auto& [action, target] :
       {std::pair{Rule::reject, "to_client"}, std::pair{Rule::reject_dst, "to_server"},
        std::pair{Rule::reject_both, "both"}}) {
    event.action = action;
    const Json json = written(event);
    CHECK(json["verdict"]["action"] == "drop");
    CHECK(json["verdict"]["reject_target"] == target);
    CHECK(json["verdict"]["reject"] == Json::array({"tcp-reset"}));
    CHECK(json["alert"]["action"] == "allowed");
  }
  event.verdict = {};
  event.action = Rule::alert;
  CHECK(written(event)["verdict"] == Json({{"action", "alert"}}));
  event.action = Rule::pass;
  CHECK(written(event)["verdict"] == Json({{"action", "pass"}}));
}

TEST_CASE("a drop shows the packet's numbers and the reason in Suricata's words and ours", "[engine][eve]") {
  reassembly::Segment segment;
  segment.seq = reassembly::Seq(4'000'000'000);
  segment.ack = reassembly::Seq(5);
  segment.window = 512;
  segment.flags.bits = TcpFlag::rst | TcpFlag::ack;
  segment.ip.ttl = 64;
  segment.ip.id = 9;
  segment.ip.total_length = 40;
  DropEvent event;
  event.header = header();
  event.verdict.reason = Reason::rst_not_at_rcv_nxt;
  event.own.expected = {4'000'000'100, 4'000'065'636};
  event.own.got = 4'000'000'000;
  event.own.state = "established";
  event.direction = Direction::to_client;
  event.segment = &segment;
  const Json json = written(event);
  const Json& drop = json["drop"];
  CHECK(drop["len"] == 40);
  CHECK(drop["tos"] == 0);
  CHECK(drop["ttl"] == 64);
  CHECK(drop["ipid"] == 9);
  CHECK(drop["tcpseq"] == 4'000'000'000);
  CHECK(drop["tcpack"] == 5);
  CHECK(drop["tcpwin"] == 512);
  CHECK(drop["rst"] == true);
  CHECK(drop["syn"] == false);
  CHECK(drop["tcpres"] == 0);
  CHECK(drop["tcpurgp"] == 0);
  CHECK(drop["reason"] == "stream error");
  CHECK(json["direction"] == "to_client");
  CHECK(json["verdict"]["action"] == "drop");
  CHECK(json["lockstep"]["reason"] == "rst_not_at_rcv_nxt");
  CHECK(json["lockstep"]["expected"] == Json({{"seq_lo", 4'000'000'100}, {"seq_hi", 4'000'065'636}}));
  CHECK(json["lockstep"]["got"]["seq"] == 4'000'000'000);
  CHECK(json["lockstep"]["state"] == "established");

  const signatures::Rule r = rule();
  AlertEvent alert;
  alert.rule = &r;
  alert.blocked = true;
  event.alert = &alert;
  segment.ip.version = 6;
  segment.ip.flow_label = 77;
  event.own = {};
  event.verdict.reason = Reason::rate_filter;
  const Json six = written(event);
  CHECK(six["drop"]["flowlbl"] == 77);
  CHECK(six["drop"]["hoplimit"] == 64);
  CHECK_FALSE(six["drop"].contains("ttl"));
  CHECK(six["drop"]["reason"] == "threshold detection_filter");
  CHECK(six["alert"]["signature_id"] == 2008983);
}

TEST_CASE("a malformed packet's drop says what could be read of it", "[engine][eve]") {
  DropEvent event;
  event.header = {
      .time = noon, .packet_number = 3, .vlan = {}, .addressed = false, .source = {}, .destination = {}};
  event.verdict.reason = Reason::truncated_frame;
  const Json json = written(event);
  CHECK_FALSE(json.contains("src_ip"));
  CHECK_FALSE(json.contains("flow_id"));
  CHECK(json["drop"] == Json({{"reason", "decode error"}}));
}

TEST_CASE("a flow tells its life and how TCP went", "[engine][eve]") {
  FlowEvent event;
  event.header = header();
  event.header.packet_number = 0;
  event.header.packet_source.reset();
  event.header.source.address = {{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 6};
  event.header.destination.address = event.header.source.address;
  event.amounts = {{10, 1000}, {9, 90000}};
  event.bypassed = {{1, 60}, {0, 0}};
  event.start = noon;
  event.end = noon + 61s + 500ms;
  event.state = FlowState::closed;
  event.end_reason = "shutdown";
  event.alerted = true;
  event.action = FlowAction::drop;
  event.to_server = {TcpFlag::syn | TcpFlag::ack | TcpFlag::psh, true, 3};
  event.to_client = {TcpFlag::syn | TcpFlag::ack | TcpFlag::fin, false, 1};
  event.tcp_state = reassembly::TcpState::fin_wait_2;
  event.diverged = true;
  const Json json = written(event);
  CHECK_FALSE((json.contains("app_proto") || json.contains("pcap_cnt")));
  CHECK(json["src_ip"] == "2001:0db8:0000:0000:0000:0000:0000:0001");
  CHECK(json["ip_v"] == 6);
  const Json& flow = json["flow"];
  CHECK(flow["pkts_toserver"] == 10);
  CHECK(flow["bytes_toclient"] == 90000);
  CHECK(flow["bypassed"]["bytes_toserver"] == 60);
  CHECK(flow["start"] == "2026-08-06T07:06:40.000042+0000");
  CHECK(flow["end"] == "2026-08-06T07:07:41.500042+0000");
  CHECK(flow["age"] == 61);
  CHECK(flow["state"] == "closed");
  CHECK(flow["reason"] == "shutdown");
  CHECK(flow["alerted"] == true);
  CHECK(flow["action"] == "drop");
  const Json& tcp = json["tcp"];
  CHECK(tcp["tcp_flags"] == "1b");
  CHECK(tcp["tcp_flags_ts"] == "1a");
  CHECK(tcp["tcp_flags_tc"] == "13");
  CHECK(tcp["fin"] == true);
  CHECK_FALSE(tcp.contains("rst"));
  CHECK(tcp["state"] == "fin_wait2");
  CHECK(tcp["ts_gap"] == true);
  CHECK_FALSE(tcp.contains("tc_gap"));
  CHECK(tcp["ts_max_regions"] == 3);
  CHECK(json["lockstep"] == Json({{"diverged", true}}));
  event.diverged = false;
  event.state = FlowState::bypassed;
  const Json bypassed = written(event);
  CHECK(bypassed["flow"]["bypass"] == "local");
  CHECK_FALSE(bypassed.contains("lockstep"));
}

TEST_CASE("an anomaly names its event", "[engine][eve]") {
  AnomalyEvent event;
  event.header = header();
  event.event = "stream.suspected_rst_inject";
  const Json json = written(event);
  CHECK(json["anomaly"] == Json({{"type", "stream"}, {"event", "stream.suspected_rst_inject"}}));
  event.type = AnomalyEvent::Type::decode;
  CHECK(written(event)["anomaly"]["type"] == "decode");
}

TEST_CASE("stats hold every reason by its name, and their classes add up", "[engine][eve][L7]") {
  Counters counters;
  const auto packet = [&](Action action, Reason reason, std::uint64_t bytes, std::uint8_t version) {
    counters.arrived(bytes);
    counters.decided(
        {.kind = PacketKind::tcp, .ip_version = version, .verdict = {action, reason}, .bytes = bytes});
  };
  packet(Action::forward, Reason::none, 100, 4);
  packet(Action::drop, Reason::paws_old, 60, 6);
  packet(Action::reject, Reason::signature_reject, 60, 4);
  packet(Action::rewrite, Reason::fin_cleared, 60, 4);
  counters.matched({1, 5, 1});
  StatsEvent event;
  event.time = noon;
  event.uptime = 8;
  event.counters = &counters;
  event.rules = {10, 2, 1};
  const Json json = written(event);
  const Json& stats = json["stats"];
  for (const std::string part : {"decoder", "tcp", "flow", "detect", "ips"}) {
    check_fields(stats[part], fields.at("stats:" + part));
  }
  CHECK(stats["uptime"] == 8);
  CHECK(stats["decoder"]["pkts"] == 4);
  CHECK(stats["decoder"]["bytes"] == 280);
  CHECK(stats["decoder"]["ipv6"] == 1);
  CHECK(stats["decoder"]["avg_pkt_size"] == 70);
  CHECK(stats["detect"]["engines"][0]["rules_loaded"] == 10);
  CHECK(stats["detect"]["alert"] == 1);
  CHECK(stats["ips"]["accepted"] == 1);
  CHECK(stats["ips"]["blocked"] == 1);
  CHECK(stats["ips"]["rejected"] == 1);
  CHECK(stats["ips"]["replaced"] == 1);
  CHECK(stats["ips"]["drop_reason"]["stream_error"] == 1);
  CHECK(stats["ips"]["drop_reason"]["rules"] == 1);
  for (std::size_t i = 1; i < reason_count; ++i) {
    const auto reason = static_cast<Reason>(i);
    CHECK(stats["lockstep"]["reason"].at(std::string(name(reason))) == counters.reason(reason).packets);
  }
}

TEST_CASE("a line of fast.log is Suricata's", "[engine][fast]") {
  signatures::Rule r = rule();
  r.message = "two\nlines";
  AlertEvent event;
  event.header = header();
  event.rule = &r;
  FastWriter writer;
  const auto line = [&] {
    std::string out;
    writer.write(out, event);
    return out;
  };
  CHECK(line() ==
        "08/06/2026-07:06:40.000042  [**] [1:2008983:7] two lines [**] [Classification: A Network Trojan was "
        "detected] "
        "[Priority: 1] {TCP} 192.0.2.1:1024 -> 192.0.2.2:80\n");
  event.action = signatures::Action::drop;
  CHECK_THAT(line(), Catch::Contains("000042  [wDrop] [**]"));
  event.blocked = true;
  CHECK_THAT(line(), Catch::Contains("000042  [Drop] [**]"));
  r.category.clear();
  event.header.protocol = 1;
  event.header.icmp_type = 8;
  event.header.icmp_code = 3;
  CHECK_THAT(line(), Catch::Contains("[Classification: (null)]") &&
                         Catch::Contains("{ICMP} 192.0.2.1:8 -> 192.0.2.2:3\n"));
  event.header.protocol = 47;
  CHECK_THAT(line(), Catch::Contains("{PROTO:047}"));
}

TEST_CASE("events go to the files that the settings name, and to no other", "[engine][event-log]") {
  const test::Directory dir;
  const signatures::Rule r = rule();
  AlertEvent alert;
  alert.header = header();
  alert.rule = &r;
  DropEvent drop;
  drop.header = header();
  drop.verdict.reason = Reason::flow_dropped;
  DropEvent repeated = drop;
  repeated.repeated = true;
  const auto run = [&](OutputSettings settings) {
    auto log = EventLog::open(settings);
    REQUIRE(log);
    log->write(alert);
    log->write(drop);
    log->write(repeated);
    CHECK(log->finish());
  };
  const auto lines = [&](const std::string& name) {
    const std::string text = dir.read(name);
    return std::count(text.begin(), text.end(), '\n');
  };
  OutputSettings settings;
  settings.log_dir = dir.path("made/for/it");
  run(settings);
  CHECK(lines("made/for/it/eve.json") == 2);
  CHECK(lines("made/for/it/fast.log") == 1);
  run(settings);
  CHECK(lines("made/for/it/eve.json") == 2);

  settings.log_dir = dir.path("b");
  settings.eve.drop_flows = DropFlows::all;
  settings.eve.types = {"drop"};
  settings.fast.enabled = false;
  run(settings);
  CHECK(lines("b/eve.json") == 2);
  CHECK_FALSE(std::filesystem::exists(dir.path("b/fast.log")));

  settings.log_dir.clear();
  auto none = EventLog::open(settings);
  REQUIRE(none);
  CHECK_FALSE(none->wants(EventType::drop));
  run(settings);
}

TEST_CASE("a log that can't be written is an error, and a full disk is told at the end",
          "[engine][event-log]") {
  const test::Directory dir;
  OutputSettings settings;
  settings.log_dir = dir.write("file", "in the way") + "/logs";
  CHECK_FALSE(EventLog::open(settings));
  settings.log_dir = dir.path();
  std::filesystem::create_directory(dir.path("eve.json"));
  const auto log = EventLog::open(settings);
  REQUIRE_FALSE(log);
  CHECK_THAT(log.error(), Catch::Contains("eve.json: can't be written: Is a directory"));

  const test::Directory full;
  std::filesystem::create_symlink("/dev/full", full.path("eve.json"));
  settings.log_dir = full.path();
  auto lost = EventLog::open(settings);
  REQUIRE(lost);
  const signatures::Rule r = rule();
  AlertEvent alert;
  alert.rule = &r;
  for (int i = 0; i < 5000; ++i) lost->write(alert);
  CHECK_FALSE(lost->finish());
  const std::string fast = full.read("fast.log");
  CHECK(std::count(fast.begin(), fast.end(), '\n') == 5000);
}
