// Rules that look at the packets of a handshake, through the whole program and a capture of a real
// connection.
#include <algorithm>
#include <sstream>

#include "tests/engine/program.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep::test;

namespace {

// The fast.log lines of one HTTP request, each as "sid", in order.
std::vector<std::string> alerts(const std::string& rules) {
  const Directory dir;
  const std::string file = dir.write("a.rules", rules);
  const auto outcome =
      run_lockstep({"replay", "tests/pcaps/http-get-v4.pcap", "-S", file, "-l", dir.path("log")});
  INFO(outcome.out << outcome.err);
  REQUIRE(outcome.code == 0);
  std::istringstream log(dir.read("log/fast.log"));
  std::vector<std::string> sids;
  for (std::string line; std::getline(log, line);) {
    const auto from = line.find("[1:") + 3;
    sids.push_back(line.substr(from, line.find(':', from) - from));
  }
  return sids;
}

using Sids = std::vector<std::string>;

}  // namespace

TEST_CASE("rules see the SYN-ACK that opens a flow", "[engine][pipeline][handshake]") {
  CHECK(alerts("alert tcp any any -> any any (flags:SA; flow:to_client; sid:1;)\n") == Sids{"1"});
  CHECK(alerts("alert tcp any any -> any any (flags:SA; flow:to_server; sid:1;)\n").empty());
}

TEST_CASE("what a rule remembers on the SYN is known in the flow",
          "[engine][pipeline][handshake][flowbits]") {
  CHECK(
      alerts("alert tcp any any -> any any (flags:S; flowbits:set,asked; flowbits:noalert; sid:1;)\n"
             "alert tcp any any -> any any (flow:to_server; flowbits:isset,asked; content:\"GET \"; sid:2;)\n"
             "alert tcp any any -> any any (flow:to_server; flowbits:isnotset,asked; content:\"GET \"; "
             "sid:3;)\n") == Sids{"2"});
}

TEST_CASE("a rule of addresses alone is judged once in each direction, the SYN included",
          "[engine][pipeline][handshake]") {
  CHECK(alerts("alert tcp any any -> any any (msg:\"all\"; sid:1;)\n") == Sids{"1", "1"});
}
