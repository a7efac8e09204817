// The control socket: its protocol, clients that behave badly, and the programs that speak it.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <list>
#include <thread>

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/cli/help.hpp"
#include "engine/cli/tables.hpp"
#include "engine/compile_rules.hpp"
#include "engine/control/client.hpp"
#include "engine/control/connection.hpp"
#include "engine/control/control_server.hpp"
#include "tests/engine/program.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep;
using namespace lockstep::test;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

// An engine that is asked: without packets, with real rules and reloads.
class AskedEngine final : public ControlTarget {
 public:
  explicit AskedEngine(const Directory& dir) : dir_(dir) {
    settings_.rules.files = {dir.write("a.rules", rule(1) + "alert broken\n")};
    first_ = compile_rules(load_rules(settings_).value(), settings_, 1).value();
    board_ = std::make_unique<RuleBoard>(0, first_);
    Reloader::Hooks hooks;
    hooks.settings = [this]() -> tl::expected<Settings, std::vector<std::string>> { return settings_; };
    reloader_ = std::make_unique<Reloader>(settings_, first_, *board_, std::move(hooks));
  }
  static std::string rule(int sid) {
    return "alert tcp any any -> any any (content:\"x\"; sid:" + std::to_string(sid) + ";)\n";
  }

  std::chrono::seconds uptime() const override { return 42s; }
  std::string capture_mode() const override { return "AF_XDP"; }
  std::vector<InterfaceCounts> interfaces() const override { return {{"eth1", 10, 1, 2, 3}, {"eth2"}}; }
  CounterSnapshot counters() const override {
    CounterSnapshot snapshot;
    snapshot.counters.arrived(100);
    snapshot.log.lost = 3;
    return snapshot;
  }
  Settings settings() const override { return settings_; }
  Reloader& reloader() override { return *reloader_; }
  void reopen_logs() override { ++reopened; }
  void shut_down() override { ++shut; }
  PendingAnswer flows(const FlowFilter& filter) override {
    return at_once(json{{"address", filter.address}, {"port", filter.port}, {"limit", filter.limit}});
  }
  PendingAnswer flow(std::uint64_t id) override {
    if (id == 7) return [] { return std::optional<ControlAnswer>(); };  // a worker that does not answer
    return at_once(json{{"flow_id", id}});
  }
  PendingAnswer change_list(ListChange change, const std::string& what,
                            std::optional<std::chrono::seconds> expiry) override {
    return at_once(
        json{{"change", static_cast<int>(change)}, {"what", what}, {"expiry", expiry ? expiry->count() : 0}});
  }

  std::atomic<int> reopened{0}, shut{0};

 private:
  const Directory& dir_;
  Settings settings_;
  std::shared_ptr<const RuleGeneration> first_;
  std::unique_ptr<RuleBoard> board_;
  std::unique_ptr<Reloader> reloader_;
};

struct Served {
  Directory dir;
  AskedEngine target{dir};
  ControlSettings settings{dir.path("control.socket"), ""};
  std::unique_ptr<ControlServer> server =
      std::make_unique<ControlServer>(ControlSocket::make(settings).value(), target, 500ms);

  json ask(const std::string& command, const json& arguments = json::object()) {
    auto connection = ControlConnection::open(settings.socket);
    REQUIRE(connection);
    auto answer = connection->ask({{"command", command}, {"arguments", arguments}});
    REQUIRE(answer);
    return *answer;
  }
};

// A client that sends what it likes.
class Raw {
 public:
  explicit Raw(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), address.sun_path);
    REQUIRE(::connect(file_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  ~Raw() { ::close(file_); }
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;
  bool send(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t count = ::send(file_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count < 0) return false;
      text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  // Up to a newline, or the end; empty: nothing within two seconds.
  std::string line() const {
    std::string text;
    timeval patience{2, 0};
    ::setsockopt(file_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    for (char c = 0; c != '\n' && ::recv(file_, &c, 1, 0) == 1;) text += c;
    return text;
  }
  bool closed() const {
    timeval patience{5, 0};
    ::setsockopt(file_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    char bytes[4096];
    for (;;) {
      const ssize_t count = ::recv(file_, bytes, sizeof bytes, 0);
      if (count == 0 || (count < 0 && errno == ECONNRESET)) return true;
      if (count < 0) return false;
    }
  }

 private:
  int file_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

}  // namespace

TEST_CASE("the protocol, as a client of Suricata speaks it", "[engine][control][threads]") {
  Served served;
  const Raw client(served.settings.socket);
  // Its first message has no newline.
  CHECK(client.send(R"({"version": "0.2"})"));
  CHECK(client.line() == "{\"return\":\"OK\"}\n");
  const auto ask = [&](const std::string& text) {
    CHECK(client.send(text + "\n"));
    return client.line();
  };
  CHECK(ask(R"({"command": "uptime"})") == "{\"message\":42,\"return\":\"OK\"}\n");
  CHECK(ask(R"({"command": "running-mode"})") == "{\"message\":\"workers\",\"return\":\"OK\"}\n");
  CHECK(ask(R"({"command": "iface-list"})") ==
        "{\"message\":{\"count\":2,\"ifaces\":[\"eth1\",\"eth2\"]},\"return\":\"OK\"}\n");
  CHECK(ask(R"({"command": "iface-stat", "arguments": {"iface": "eth1"}})") ==
        "{\"message\":{\"bypassed\":2,\"drop\":1,\"invalid-checksums\":3,\"pkts\":10},\"return\":\"OK\"}\n");
  CHECK(ask(R"({"command": "iface-stat"})").find("\"NOK\"") != std::string::npos);
  CHECK(ask(R"({"command": "no-such"})") == "{\"message\":\"Unknown command\",\"return\":\"NOK\"}\n");
  CHECK(ask(R"({"command": "reload-rules"})") == "{\"message\":\"done\",\"return\":\"OK\"}\n");
  CHECK(ask(R"({"command": "ruleset-stats"})") ==
        "{\"message\":[{\"id\":0,\"rules_failed\":1,\"rules_loaded\":1,\"rules_skipped\":0}],\"return\":"
        "\"OK\"}\n");
  CHECK(ask(R"({"command": "reopen-log-files"})") == "{\"message\":\"done\",\"return\":\"OK\"}\n");
  CHECK(served.target.reopened == 1);
  // Two in one piece are answered in their order.
  CHECK(client.send("{\"command\":\"uptime\"}\n{\"command\":\"capture-mode\"}\n"));
  CHECK(client.line() == "{\"message\":42,\"return\":\"OK\"}\n");
  CHECK(client.line() == "{\"message\":\"AF_XDP\",\"return\":\"OK\"}\n");
  CHECK(ask(R"({"command": "shutdown"})").find("OK") != std::string::npos);
  CHECK(served.target.shut == 1);
}

TEST_CASE("what the commands answer", "[engine][control][threads]") {
  Served served;
  const auto listed = served.ask("command-list")["message"];
  CHECK(listed["count"] == control_commands().size());
  const auto failed = served.ask("ruleset-failed-rules")["message"];
  REQUIRE(failed.size() == 1);
  CHECK(failed[0]["line"] == 2);
  CHECK(failed[0]["rule"] == "alert broken");
  CHECK(failed[0]["filename"] == served.dir.path("a.rules"));
  const auto counters = served.ask("dump-counters")["message"];
  CHECK(counters["uptime"] == 42);
  CHECK(counters["decoder"]["pkts"] == 1);
  CHECK(counters["lockstep"]["log"]["lost"] == 3);
  CHECK(counters["lockstep"]["generation"] == 1);
  CHECK(served.ask("ruleset-reload-time")["message"][0]["last_reload"].get<std::string>().size() > 20);
  CHECK(served.ask("conf-get", {{"variable", "stream.memory"}})["message"] == "256mb");
  CHECK(served.ask("conf-get", {{"variable", "vars.address-groups.HOME_NET"}})["message"] == "any");
  CHECK(served.ask("conf-get", {{"variable", "no.such"}})["return"] == "NOK");

  served.dir.write("a.rules", AskedEngine::rule(2) + AskedEngine::rule(3));
  const auto would = served.ask("compare")["message"];
  CHECK(would["added"].size() == 2);
  CHECK(would["generation"] == 2);
  CHECK(served.ask("generations")["message"].size() == 1);
  const auto report = served.ask("reload")["message"];
  CHECK(report["removed"] == json::array({{{"gid", 1}, {"sid", 1}, {"rev", 0}}}));
  CHECK(report["rules"]["loaded"] == 2);
  CHECK(report["memory"]["after"] > 0);
  CHECK(served.ask("rollback")["message"]["generation"] == 1);
  const auto path = served.dir.write("new.rules", AskedEngine::rule(9));
  CHECK(served.ask("shadow", {{"path", path}})["message"]["shadows"] == 1);
  CHECK(served.ask("promote")["message"]["added"][0]["sid"] == 9);
  CHECK(served.ask("shadow", {{"path", served.dir.path("none")}})["return"] == "NOK");

  CHECK(served.ask("flows", {{"address", "10.0.0.0/8"}, {"port", 80}})["message"]["port"] == 80);
  CHECK(served.ask("flows", {{"address", "nowhere"}})["return"] == "NOK");
  CHECK(served.ask("flow", {{"flow_id", 5}})["message"]["flow_id"] == 5);
  CHECK(served.ask("flow", {{"flow_id", "x"}})["return"] == "NOK");
  const auto blocked = served.ask("block", {{"what", "192.0.2.0/24"}, {"expiry", "5m"}})["message"];
  CHECK(blocked["expiry"] == 300);
  CHECK(served.ask("block", {{"what", "192.0.2.0/24"}, {"expiry", "soon"}})["return"] == "NOK");
  CHECK(served.ask("unblock", {{"what", "192.0.2.0/24"}})["return"] == "OK");
  CHECK(served.ask("allow", {{"what", "2001:db8::/32"}})["return"] == "OK");
  CHECK(served.ask("log-level", {{"level", "loud"}})["return"] == "NOK");
  CHECK(served.ask("log-level")["return"] == "OK");
}

TEST_CASE("clients that behave badly are cut off, and hold nobody up", "[engine][control][threads]") {
  Served served;
  const Raw silent(served.settings.socket);
  const Raw no_greeting(served.settings.socket);
  CHECK(no_greeting.send("{\"command\":\"uptime\"}\n"));
  CHECK(no_greeting.line().find("NOK") != std::string::npos);
  CHECK(no_greeting.closed());
  const Raw old(served.settings.socket);
  CHECK(old.send("{\"version\":\"9.9\"}"));
  CHECK(old.closed());
  const Raw noise(served.settings.socket);
  CHECK(noise.send("GET / HTTP/1.1\r\n\r\n"));
  CHECK(noise.closed());
  const Raw torn(served.settings.socket);
  CHECK(torn.send("{\"version\":\"0.2\"}"));
  CHECK(torn.line().find("OK") != std::string::npos);
  CHECK(torn.send("{\"command\":}"));
  CHECK(torn.closed());
  const Raw endless(served.settings.socket);
  CHECK(endless.send("{\"version\":\"0.2\"}"));
  static_cast<void>(endless.send("{\"command\":\"" + std::string(200'000, 'x')));
  CHECK(endless.closed());
  // Asks and never reads: its answers pile up to a bound, then it goes.
  const Raw greedy(served.settings.socket);
  CHECK(greedy.send("{\"version\":\"0.2\"}"));
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 400'000 && greedy.send("{\"command\":\"command-list\"}"); ++i) {
  }
  // Waits for a worker that does not answer.
  const Raw waiting(served.settings.socket);
  CHECK(waiting.send("{\"version\":\"0.2\"}"));
  CHECK(waiting.line().find("OK") != std::string::npos);
  CHECK(waiting.send("{\"command\":\"flow\",\"arguments\":{\"flow_id\":7}}"));
  for (int i = 0; i < 5; ++i) CHECK(served.ask("uptime")["message"] == 42);
  CHECK(std::chrono::steady_clock::now() - start < 30s);
  CHECK(silent.closed());
}

TEST_CASE("more clients than there is room for wait; the server ends with clients there",
          "[engine][control][threads]") {
  Served served;
  std::list<Raw> many;
  for (std::size_t i = 0; i < ControlServer::most_clients; ++i) {
    many.emplace_back(served.settings.socket);
    CHECK(many.back().send("{\"version\":\"0.2\"}"));
    CHECK(many.back().line().find("OK") != std::string::npos);
  }
  const Raw next(served.settings.socket);
  CHECK(next.send("{\"version\":\"0.2\"}"));
  many.pop_front();
  CHECK(next.line().find("OK") != std::string::npos);
  served.server.reset();
  CHECK_FALSE(std::filesystem::exists(served.settings.socket));
  CHECK(next.closed());
}

TEST_CASE("the socket: who may use it, and what stands in its place", "[engine][control][threads]") {
  Served served;
  struct stat there {};
  REQUIRE(::stat(served.settings.socket.c_str(), &there) == 0);
  CHECK((there.st_mode & 0777) == 0660);
  CHECK_FALSE(ControlSocket::make(served.settings));  // it is served
  CHECK_FALSE(ControlSocket::make({served.dir.path("a.rules"), ""}));
  CHECK(std::filesystem::exists(served.dir.path("a.rules")));
  CHECK_FALSE(ControlSocket::make({served.dir.path("x"), "no-such-group"}));
  {
    const auto left = served.dir.path("left");
    std::filesystem::create_directory(served.dir.path("d"));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(left.begin(), left.end(), address.sun_path);
    const int file = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::bind(file, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ::close(file);
    CHECK(ControlSocket::make({left, ""}));  // nobody serves it any more
  }
  if (geteuid() != 0) {
    std::cout << "SKIPPED: not root, so that no other user can be tried\n";
    return;
  }
  // Another user gets through the mode of the file, and is refused by what he is.
  REQUIRE(::chmod(served.settings.socket.c_str(), 0666) == 0);
  REQUIRE(::chmod(served.dir.path().c_str(), 0755) == 0);
  const auto greeted_as = [&](uid_t uid, gid_t gid, std::vector<gid_t> groups) {
    const pid_t child = ::fork();
    if (child == 0) {
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      std::copy(served.settings.socket.begin(), served.settings.socket.end(), address.sun_path);
      if (::setgroups(groups.size(), groups.data()) != 0 || ::setgid(gid) != 0 || ::setuid(uid) != 0)
        _exit(9);
      const int file = ::socket(AF_UNIX, SOCK_STREAM, 0);
      if (::connect(file, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) _exit(8);
      static_cast<void>(::send(file, "{\"version\":\"0.2\"}", 17, MSG_NOSIGNAL));
      char byte = 0;
      _exit(::recv(file, &byte, 1, 0) == 1 ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  };
  CHECK(greeted_as(65'534, 65'534, {}) == 1);
  CHECK(greeted_as(65'534, getegid(), {}) == 0);
  CHECK(greeted_as(65'534, 65'534, {getegid()}) == 0);
}

TEST_CASE("lockstep ctl prints tables, and the answer as it came", "[engine][control][ctl][threads]") {
  Served served;
  const auto ctl = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "ctl");
    words.insert(words.end(), {"--socket", served.settings.socket});
    return run_lockstep(words);
  };
  CHECK(ctl({"uptime"}).out == "42\n");
  CHECK(ctl({"uptime", "--json"}).out == "{\"message\":42,\"return\":\"OK\"}\n");
  CHECK(ctl({"iface-stat", "eth1"}).out ==
        "bypassed           2\ndrop               1\ninvalid-checksums  3\npkts               10\n");
  CHECK(ctl({"flows", "10.0.0.1", "limit=5"}).out == "address  10.0.0.1\nlimit    5\nport     0\n");
  served.dir.write("a.rules", AskedEngine::rule(2));
  const auto compared = ctl({"reload", "--dry-run"});
  CHECK(compared.code == 0);
  CHECK(compared.out.find("1:2:0") != std::string::npos);
  CHECK(served.target.reloader().current()->number() == 1);
  CHECK(ctl({"reload"}).code == 0);
  const auto generations = ctl({"generations"});
  CHECK(generations.out.find("running") != std::string::npos);
  CHECK(generations.out.find("previous") != std::string::npos);
  const auto refused = ctl({"iface-stat", "eth9"});
  CHECK(refused.code == 1);
  CHECK(refused.err == "lockstep: no interface eth9\n");
  CHECK(ctl({"iface-stat"}).code == 2);
  CHECK(ctl({"uptime", "now"}).code == 2);
  CHECK(ctl({"uptme"}).err.find("uptime") != std::string::npos);
  CHECK(ctl({}).out.find("rollback") != std::string::npos);
  served.server.reset();
  CHECK(ctl({"uptime"}).code == 1);
}

TEST_CASE("bash completes commands, options and control commands", "[engine][control][ctl]") {
  const Directory dir;
  const auto complete = [&](const std::string& words, int place) {
    const std::string script = bash_completion() + "COMP_WORDS=(" + words +
                               ")\nCOMP_CWORD=" + std::to_string(place) +
                               "\n_lockstep\necho \"${COMPREPLY[@]}\" > " + dir.path("out") + "\n";
    const std::string line = "bash " + dir.write("complete.bash", script);
    CHECK(std::system(line.c_str()) == 0);
    return dir.read("out");
  };
  CHECK(complete("lockstep rep", 1) == "replay\n");
  CHECK(complete("lockstep ctl roll", 2) == "rollback\n");
  CHECK(complete("lockstep ctl reload --d", 3) == "--dry-run\n");
  CHECK(complete("lockstep replay --reload", 2) == "--reload-at\n");
}

TEST_CASE("JSON for people", "[engine][control][ctl]") {
  CHECK(readable(json::parse(R"([{"a":1,"b":"x"},{"a":22,"c":true}])")) ==
        "a   b  c\n1   x  -\n22  -  true\n");
  CHECK(readable(json::parse(R"({"a":{"b":1},"list":[1,2],"none":[]})")) == "a.b   1\nlist  1 2\nnone  -\n");
  CHECK(readable(json::parse(R"({"n":1,"rows":[{"a":1}]})")) == "n  1\n\nrows\na\n1\n");
  CHECK(readable(json::array()) == "none\n");
  CHECK(readable("one\ntwo") == "one two\n");
}

TEST_CASE("suricatasc speaks to it", "[engine][control][suricatasc][threads]") {
  const char* peers = std::getenv("PEERS_DIR");
  const std::string root = std::string(peers == nullptr ? "/tmp/peers" : peers) + "/trixie";
  const std::string python = root + "/usr/lib/suricata/python";
  if (!std::filesystem::exists(python + "/suricata/sc/suricatasc.py") ||
      !std::filesystem::exists("/usr/bin/python3")) {
    std::cout << "SKIPPED: no suricatasc on this machine\n";
    return;
  }
  Served served;
  const auto ask = [&](const std::string& command) {
    const std::string out = served.dir.path("out");
    const std::string script = served.dir.write(
        "ask.py", "import sys\nsys.path.insert(0, '" + python +
                      "')\nfrom suricata.sc import SuricataSC\nimport json\nsc = SuricataSC('" +
                      served.settings.socket + "')\nsc.connect()\ncmd, args = sc.parse_command('" + command +
                      "')\nprint(json.dumps(sc.send_command(cmd, args)))\n");
    const std::string line = "/usr/bin/python3 " + script + " > " + out + " 2>&1";
    CHECK(std::system(line.c_str()) == 0);
    return served.dir.read("out");
  };
  CHECK(ask("uptime") == "{\"message\": 42, \"return\": \"OK\"}\n");
  CHECK(ask("iface-stat eth1").find("\"pkts\": 10") != std::string::npos);
  CHECK(ask("reload-rules") == "{\"message\": \"done\", \"return\": \"OK\"}\n");
  CHECK(ask("ruleset-stats").find("\"rules_loaded\": 1") != std::string::npos);
  CHECK(ask("dump-counters").find("\"decoder\"") != std::string::npos);
  CHECK(ask("conf-get stream.memory").find("256mb") != std::string::npos);
}
