// What is made of the facts of machines that we have (veth, recorded here) and of such that we don't.
#include <algorithm>

#include <fmt/format.h>

#include "engine/doctor/examine.hpp"
#include "tests/engine/interface_support.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep;

namespace {

HostFacts host() {
  return {.kernel = "6.1.0",
          .xdp = true,
          .af_xdp = true,
          .af_packet = true,
          .bpf_mounted = true,
          .pins = "/sys/fs/bpf/lockstep",
          .missing_capabilities = {}};
}

// A server NIC as its driver shows it once an operator has prepared it.
PortFacts nic(const std::string& name, unsigned index) {
  PortFacts port;
  port.link = {.index = index,
               .name = name,
               .kind = "",
               .mtu = 1500,
               .receive_queues = 8,
               .up = true,
               .carrier = true,
               .loopback = false,
               .ethernet = true,
               .master = "",
               .addresses = {},
               .xdp = XdpFeatures{true, true, true, true, true, true}};
  port.driver = "ice";
  port.features = {{"rx-gro", false, false}, {"rx-lro", false, true}, {"rx-vlan-hw-parse", false, false}};
  port.channels = Channels{8, 8, 64, 64};
  port.hash = ReceiveHash{std::vector<std::uint8_t>(40, 0x6d), false, true};
  port.speed = 25'000;
  return port;
}

PairFacts pair() {
  return {nic("out", 2), nic("in", 3)};
}

struct Row {
  const char* what;
  void (*change)(HostFacts&, PairFacts&);
  Capture wish;
  const char* plan;   // as it is printed
  Severity severity;  // of the finding that the change leads to
  const char* subject;
  const char* text;  // a part of that finding
  bool obstructed;
};

const Row rows[] = {
    {"a driver without zero-copy copies",
     [](HostFacts&, PairFacts& p) { p.inside.link.xdp->zero_copy = false; }, Capture::automatic,
     "AF_XDP, native mode, copy, jumbo frames, 8 workers", Severity::note, "out:in", "frames are copied",
     false},
    {"a driver without XDP takes the generic hook",
     [](HostFacts&, PairFacts& p) { p.outside.link.xdp = XdpFeatures{}; }, Capture::automatic,
     "AF_XDP, generic mode, copy, no jumbo frames, 8 workers", Severity::note, "out:in", "generic hook",
     false},
    {"a kernel that does not tell is tried", [](HostFacts&, PairFacts& p) { p.outside.link.xdp = {}; },
     Capture::automatic, "AF_XDP, native mode, copy, no jumbo frames, 8 workers", Severity::note, "out:in",
     "frames are copied", false},
    {"a kernel without AF_XDP falls back", [](HostFacts& h, PairFacts&) { h.af_xdp = false; },
     Capture::automatic, "AF_PACKET, 1 worker", Severity::note, "out:in", "AF_PACKET carries all packets",
     false},
    {"... but not where AF_XDP was asked for", [](HostFacts& h, PairFacts&) { h.af_xdp = false; },
     Capture::afxdp, "AF_PACKET, 1 worker", Severity::obstacle, "host", "AF_XDP was asked for", true},
    {"... and without AF_PACKET there is nothing",
     [](HostFacts& h, PairFacts&) { h.af_xdp = h.af_packet = false; }, Capture::automatic,
     "AF_PACKET, 1 worker", Severity::obstacle, "host", "no AF_PACKET", true},
    {"a missing capability is named",
     [](HostFacts& h, PairFacts&) {
       h.missing_capabilities = {"CAP_NET_ADMIN", "CAP_BPF"};
     },
     Capture::automatic, "AF_XDP, native mode, zero-copy, jumbo frames, 8 workers", Severity::obstacle,
     "host", "CAP_NET_ADMIN, CAP_BPF", true},
    {"no BPF file system", [](HostFacts& h, PairFacts&) { h.bpf_mounted = false; }, Capture::automatic,
     "AF_XDP, native mode, zero-copy, jumbo frames, 8 workers", Severity::obstacle, "host",
     "/sys/fs/bpf/lockstep", true},
    {"LRO that can be switched off is",
     [](HostFacts&, PairFacts& p) {
       p.inside.features[1] = {"rx-lro", true, false};
     },
     Capture::automatic, "AF_XDP, native mode, zero-copy, jumbo frames, 8 workers", Severity::fine, "in",
     "run switches it off", false},
    {"LRO that can't be",
     [](HostFacts&, PairFacts& p) {
       p.inside.features[1] = {"rx-lro", true, true};
     },
     Capture::automatic, "AF_XDP, native mode, zero-copy, jumbo frames, 8 workers", Severity::obstacle, "in",
     "rx-lro can't be switched off", true},
    {"TSO that can be switched off is",
     [](HostFacts&, PairFacts& p) {
       p.outside.features.push_back({"tx-tcp-segmentation", true, true});
       p.inside.features.push_back({"tx-tcp6-segmentation", true, false});
     },
     Capture::automatic, "AF_XDP, native mode, zero-copy, jumbo frames, 8 workers", Severity::fine, "in",
     "run switches it off", false},
    {"hardware GRO needs the user's word",
     [](HostFacts&, PairFacts& p) {
       p.outside.features.push_back({"rx-gro-hw", true, false});
     },
     Capture::automatic, "AF_XDP, native mode, zero-copy, jumbo frames, 8 workers", Severity::obstacle, "out",
     "rx-gro-hw is on", true},
    {"chained GRO is behind a native program, and before AF_PACKET",
     [](HostFacts&, PairFacts& p) {
       p.outside.features.push_back({"rx-gro-list", true, false});
     },
     Capture::afpacket, "AF_PACKET, 1 worker", Severity::obstacle, "out", "rx-gro-list is on", true},
    {"VLAN stripping that is fixed",
     [](HostFacts&, PairFacts& p) {
       p.inside.features[2] = {"rx-vlan-hw-parse", true, true};
     },
     Capture::automatic, "AF_XDP, native mode, zero-copy, jumbo frames, 8 workers", Severity::obstacle, "in",
     "takes VLAN tags", true},
    {"different MTUs", [](HostFacts&, PairFacts& p) { p.outside.link.mtu = 9000; }, Capture::automatic,
     "AF_XDP, native mode, zero-copy, jumbo frames, 8 workers", Severity::obstacle, "out:in",
     "frames larger than 1500 would vanish at in", true},
    {"jumbo frames without a driver for them",
     [](HostFacts&, PairFacts& p) {
       p.outside.link.mtu = p.inside.link.mtu = 9000;
       p.inside.link.xdp->frags = false;
     },
     Capture::automatic, "AF_XDP, native mode, zero-copy, no jumbo frames, 8 workers", Severity::obstacle,
     "out:in", "MTU 9000 needs", true},
    {"a part of a bridge", [](HostFacts&, PairFacts& p) { p.inside.link.master = "br0"; }, Capture::automatic,
     "AF_XDP, native mode, zero-copy, jumbo frames, 8 workers", Severity::obstacle, "in", "br0", true},
    {"addresses",
     [](HostFacts&, PairFacts& p) {
       p.inside.link.addresses = {"192.0.2.1", "fe80::1"};
     },
     Capture::automatic, "AF_XDP, native mode, zero-copy, jumbo frames, 8 workers", Severity::warning, "in",
     "192.0.2.1, fe80::1", false},
    {"no carrier", [](HostFacts&, PairFacts& p) { p.outside.link.carrier = false; }, Capture::automatic,
     "AF_XDP, native mode, zero-copy, jumbo frames, 8 workers", Severity::warning, "out", "no carrier",
     false},
    {"not Ethernet", [](HostFacts&, PairFacts& p) { p.outside.link.ethernet = false; }, Capture::automatic,
     "AF_XDP, native mode, zero-copy, jumbo frames, 8 workers", Severity::obstacle, "out", "no Ethernet",
     true},
    {"one interface twice", [](HostFacts&, PairFacts& p) { p.inside = p.outside; }, Capture::automatic,
     "AF_XDP, native mode, zero-copy, jumbo frames, 8 workers", Severity::obstacle, "out:out",
     "one interface", true},
    {"fewer queues on one side", [](HostFacts&, PairFacts& p) { p.inside.link.receive_queues = 2; },
     Capture::automatic, "AF_XDP, native mode, zero-copy, jumbo frames, 2 workers", Severity::warning,
     "out:in", "8 and 2 receive queues", false},
    {"a hash that parts directions", [](HostFacts&, PairFacts& p) { p.inside.hash->key[5] = 1; },
     Capture::automatic, "AF_XDP, native mode, zero-copy, jumbo frames, 8 workers", Severity::note, "in",
     "hand frames over", false},
    {"different speeds", [](HostFacts&, PairFacts& p) { p.inside.speed = 10'000; }, Capture::automatic,
     "AF_XDP, native mode, zero-copy, jumbo frames, 8 workers", Severity::warning, "out:in",
     "25000 and 10000 Mbit/s", false},
    {"a veth's unfinished checksums", [](HostFacts&, PairFacts& p) { p.inside.link.kind = "veth"; },
     Capture::automatic, "AF_XDP, native mode, zero-copy, jumbo frames, 8 workers", Severity::warning, "in",
     "unfinished checksums", false},
};

}  // namespace

TEST_CASE("a prepared machine gets all there is, and nothing is found", "[doctor]") {
  const Examination examined = examine(host(), pair(), Capture::automatic);
  CHECK(to_string(examined.plan) == "AF_XDP, native mode, zero-copy, jumbo frames, 8 workers");
  CHECK_FALSE(examined.obstructed());
  for (const Finding& finding : examined.findings) CHECK(finding.severity == Severity::fine);
}

TEST_CASE("each fact that matters is found, and says what to do", "[doctor]") {
  for (const Row& row : rows) {
    DYNAMIC_SECTION(row.what) {
      HostFacts machine = host();
      PairFacts ports = pair();
      row.change(machine, ports);
      const Examination examined = examine(machine, ports, row.wish);
      CHECK(to_string(examined.plan) == row.plan);
      CHECK(examined.obstructed() == row.obstructed);
      const auto found =
          std::find_if(examined.findings.begin(), examined.findings.end(), [&](const Finding& finding) {
            return finding.subject == row.subject && finding.text.find(row.text) != std::string::npos;
          });
      REQUIRE(found != examined.findings.end());
      CHECK(found->severity == row.severity);
      CHECK((found->severity != Severity::obstacle || !found->remedy.empty()));
    }
  }
}

TEST_CASE("what --fix-offloads would switch makes the obstacle go away", "[doctor]") {
  PairFacts ports = pair();
  ports.outside.features.push_back({"rx-gro-hw", true, false});
  const Examination before = examine(host(), ports, Capture::automatic);
  REQUIRE(before.obstructed());
  for (const Finding& finding : before.findings) {
    for (const Switch& change : finding.switches) {
      CHECK(change.interface == "out");
      for (Feature& feature : ports.outside.features)
        if (feature.name == change.feature) feature.on = change.on;
    }
  }
  CHECK_FALSE(examine(host(), ports, Capture::automatic).obstructed());
}

TEST_CASE("the kernel is asked about a real pair", "[doctor][threads]") {
  test::in_new_namespace([] {
    REQUIRE(test::shell("ip link add left mtu 1400 numrxqueues 3 numtxqueues 3 type veth peer name right"));
    REQUIRE(test::shell("ip addr add 192.0.2.7/24 dev left && ip link set left up && ip link set right up"));
    const auto left = gather_port("left");
    REQUIRE(left);
    CHECK(left->driver == "veth");
    CHECK(left->link.kind == "veth");
    CHECK(left->link.mtu == 1400);
    CHECK(left->link.receive_queues == 3);
    CHECK(left->link.up);
    CHECK(left->link.carrier);
    CHECK(left->link.ethernet);
    CHECK(left->link.master.empty());
    REQUIRE_FALSE(left->link.addresses.empty());
    CHECK(left->link.addresses.front() == "192.0.2.7");
    CHECK(left->feature("rx-gro") != nullptr);
    if (left->link.xdp) {  // Linux 6.3 and later
      CHECK(left->link.xdp->basic);
      CHECK_FALSE(left->link.xdp->zero_copy);
    }
    REQUIRE(test::shell("ip link add br0 type bridge && ip link set left master br0"));
    CHECK(gather_port("left").value().link.master == "br0");
    CHECK_FALSE(gather_port("nobody"));

    const HostFacts machine = gather_host("/sys/fs/bpf/lockstep/no-such-pair");
    CHECK_FALSE(machine.kernel.empty());
    CHECK(machine.xdp);
    CHECK(machine.missing_capabilities.empty());
    CHECK_FALSE(gather_host("/tmp").bpf_mounted);
  });
}
