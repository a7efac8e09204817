// Our own rules on the two captures made for them (tools/make-rule-captures), through the whole program.
#include <map>
#include <set>
#include <sstream>
#include <tuple>

#include <nlohmann/json.hpp>

#include "tests/engine/program.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep::test;

namespace {

constexpr std::uint32_t first_sid = 9000001, last_sid = 9000021;

// Client address, client port, server address, server port.
using Ends = std::tuple<std::string, int, std::string, int>;

struct Seen {
  std::multimap<std::uint32_t, Ends> alerts;
  std::set<Ends> closed;  // flows that ended as they should
  std::size_t flows = 0;
};

Ends ends(const nlohmann::json& of) {
  return {of.at("src_ip"), of.at("src_port"), of.at("dest_ip"), of.at("dest_port")};
}

Seen replayed(const std::string& capture, const std::vector<std::string>& more) {
  const Directory dir;
  std::vector<std::string> words{"replay", capture, "-S", "signatures/rules", "-l", dir.path("log")};
  words.insert(words.end(), more.begin(), more.end());
  const auto outcome = run_lockstep(words);
  INFO(outcome.out << outcome.err);
  REQUIRE(outcome.code == 0);
  Seen seen;
  std::istringstream log(dir.read("log/eve.json"));
  for (std::string line; std::getline(log, line);) {
    const auto event = nlohmann::json::parse(line);
    if (event.at("event_type") == "alert") {
      seen.alerts.emplace(event.at("alert").at("signature_id"), ends(event.at("flow")));
    }
    if (event.at("event_type") != "flow") continue;
    ++seen.flows;
    if (event.at("flow").at("state") == "closed") seen.closed.insert(ends(event));
  }
  return seen;
}

// The captures' connection of a rule: its port and the last part of both addresses are the sid's last digits.
void check_belongs(std::uint32_t sid, const Ends& flow) {
  const auto& [client, client_port, server, server_port] = flow;
  INFO(sid << ": " << client << ":" << client_port << " > " << server << ":" << server_port);
  const auto number = sid - 9000000;
  const auto outside = "198.51.100." + std::to_string(number), inside = "10.9.8." + std::to_string(number);
  CHECK(client_port == static_cast<int>(40000 + number));
  CHECK(std::set{client, server} == std::set{outside, inside});
}

const std::vector<std::vector<std::string>> ways{{},
                                                 {"--mode", "observe"},
                                                 {"--set", "vars.address-groups.HOME_NET=10.0.0.0/8", "--set",
                                                  "vars.address-groups.EXTERNAL_NET=!$HOME_NET"}};

}  // namespace

TEST_CASE("each of our own rules alerts once, on its own connection, and on no other",
          "[program][rules][captures]") {
  const auto& way = GENERATE(from_range(ways));
  const auto seen = replayed("tests/pcaps/own-rules-fire.pcap", way);
  CHECK(seen.alerts.size() == last_sid - first_sid + 1);
  for (auto sid = first_sid; sid <= last_sid; ++sid) {
    INFO(sid);
    REQUIRE(seen.alerts.count(sid) == 1);
    const auto& flow = seen.alerts.find(sid)->second;
    check_belongs(sid, flow);
    CHECK(seen.closed.count(flow) == 1);
  }
  // The eleventh SSH connection within a minute is the one that is too many.
  CHECK(seen.flows == last_sid - first_sid + 1 + 10);
}

TEST_CASE("none of our own rules alerts on the connections that only come close",
          "[program][rules][captures]") {
  const auto& way = GENERATE(from_range(ways));
  const auto seen = replayed("tests/pcaps/own-rules-quiet.pcap", way);
  CHECK(seen.alerts.empty());
  CHECK(seen.flows == last_sid - first_sid + 1 + 9);
  CHECK(seen.closed.size() == seen.flows);
  // Nothing is quiet for want of a connection: what fires in the other capture is here, on the same ends.
  for (const auto& [sid, flow] : replayed("tests/pcaps/own-rules-fire.pcap", way).alerts) {
    INFO(sid);
    CHECK(seen.closed.count(flow) == 1);
  }
}
