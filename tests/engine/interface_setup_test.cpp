// What a run sets on its interfaces, and that it goes away again, also after a run that was killed.
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <net/if.h>
#include <unistd.h>

#include "engine/interface/setup.hpp"
#include "tests/engine/interface_support.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep;
using lockstep::test::in_new_namespace;
using lockstep::test::shell;

namespace {

// Tests of this file may run beside each other.
std::string record() {
  return fmt::format("{}/lockstep-setup-{}", std::filesystem::temp_directory_path().string(), ::getpid());
}

bool says(const std::string& words) {
  return shell("ip -d link show wire0 | grep -q '" + words + "'");
}

std::vector<InterfaceChange> changes() {
  const unsigned index = ::if_nametoindex("wire0");
  auto list = wire_changes("wire0", index);
  list.push_back({"wire0", index, InterfaceChange::What::feature, "rx-gro", false});
  return list;
}

void make_wire() {
  std::filesystem::remove(record());
  REQUIRE(shell("ip link add wire0 type veth peer name wire1"));
  REQUIRE(shell("ethtool -K wire0 gro on"));
}

}  // namespace

TEST_CASE("interfaces are set for a wire and put back", "[interface][threads]") {
  in_new_namespace([] {
    make_wire();
    auto setup = InterfaceSetup::apply(record(), changes());
    REQUIRE(setup);
    CHECK(says("NOARP"));
    CHECK(says("PROMISC"));
    CHECK(says("ALLMULTI"));
    CHECK(says("UP"));
    CHECK(shell("grep -q 1 /proc/sys/net/ipv6/conf/wire0/disable_ipv6"));
    CHECK(shell("ethtool -k wire0 | grep -q 'generic-receive-offload: off'"));
    REQUIRE(setup->restore());
    CHECK_FALSE(says("NOARP"));
    CHECK_FALSE(says("PROMISC"));
    CHECK_FALSE(says("[<,]UP"));
    CHECK(shell("grep -q 0 /proc/sys/net/ipv6/conf/wire0/disable_ipv6"));
    CHECK(shell("ethtool -k wire0 | grep -q 'generic-receive-offload: on'"));
    CHECK_FALSE(std::filesystem::exists(record()));
  });
}

TEST_CASE("a run that was killed has left a record, and how it was before still counts",
          "[interface][threads]") {
  in_new_namespace([] {
    make_wire();
    REQUIRE(InterfaceSetup::apply(record(), changes()));  // and forgotten
    auto again = InterfaceSetup::apply(record(), changes());
    REQUIRE(again);
    REQUIRE(again->restore());
    CHECK_FALSE(says("PROMISC"));
    CHECK(shell("ethtool -k wire0 | grep -q 'generic-receive-offload: on'"));
  });
}

TEST_CASE("another interface of the same name is left alone", "[interface][threads]") {
  in_new_namespace([] {
    make_wire();
    REQUIRE(InterfaceSetup::apply(record(), changes()));
    REQUIRE(shell("ip link del wire0"));
    REQUIRE(shell("ip link add wire0 type veth peer name wire1"));
    REQUIRE(shell("ip link set wire0 promisc on"));
    auto setup = InterfaceSetup::read(record());
    REQUIRE(setup);
    CHECK(setup->empty());
    REQUIRE(setup->restore());
    CHECK(says("PROMISC"));
  });
}

TEST_CASE("a change that can't be made undoes those before it", "[interface][threads]") {
  in_new_namespace([] {
    make_wire();
    auto list = changes();
    list.push_back({"nowhere", 0, InterfaceChange::What::flag, "promisc", true});
    const auto setup = InterfaceSetup::apply(record(), list);
    REQUIRE_FALSE(setup);
    CHECK(setup.error().find("nowhere") != std::string::npos);
    CHECK_FALSE(says("PROMISC"));
    CHECK_FALSE(std::filesystem::exists(record()));
  });
}

TEST_CASE("a file that is no record is refused", "[interface]") {
  std::ofstream(record()) << "what is this\n";
  CHECK_FALSE(InterfaceSetup::read(record()));
  std::filesystem::remove(record());
}
