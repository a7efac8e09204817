#include "engine/doctor/examine.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lockstep {
namespace {

// What a buffer of one AF_XDP frame carries behind the kernel's headroom; drivers refuse programs without
// frags at larger MTUs (veth at 3,506).
constexpr std::uint32_t most_mtu_without_frags = 3498;

struct Harm {
  std::string_view feature;
  bool run_switches = false;  // it is among what `run` sets and restores anyway
  bool behind_xdp = false;    // the kernel does it later than a native XDP program sees the frame
  std::string_view why;
  bool bearable = false;  // where it can't be switched off
};

// They put several segments into one frame that no wire carries, or take from a frame what belongs to it.
constexpr std::array harmful{
    Harm{"rx-gro", true, true, "received segments are merged into frames larger than the MTU"},
    Harm{"rx-gro-list", false, true, "received segments are chained"},
    Harm{"rx-udp-gro-forwarding", false, true, "received datagrams are merged"},
    Harm{"rx-lro", true, false, "the NIC merges received segments, and nobody can take them apart again"},
    Harm{"rx-gro-hw", false, false, "the NIC merges received segments"},
    Harm{"rx-vlan-hw-parse", true, false, "the NIC takes VLAN tags out of the frames"},
    Harm{"rx-vlan-stag-hw-parse", true, false, "the NIC takes service tags out of the frames"},
    Harm{"tx-tcp-segmentation", true, false, "frames beyond the MTU would be cut on their way out", true},
    Harm{"tx-tcp6-segmentation", true, false, "frames beyond the MTU would be cut on their way out", true},
};

class Examiner {
 public:
  Examiner(const HostFacts& host, const PairFacts& pair, Capture wish)
      : host_(host),
        pair_(pair),
        wish_(wish),
        pair_name_(pair.outside.link.name + ":" + pair.inside.link.name) {}

  Examination run() {
    findings_ = examine(host_);
    choose_capture();
    if (pair_.outside.link.index == pair_.inside.link.index)
      add(Severity::obstacle, pair_name_, "both ends are one interface", "name two interfaces");
    for (const PortFacts* port : {&pair_.outside, &pair_.inside}) examine_port(*port);
    examine_mtu();
    examine_queues();
    examine_speed();
    return {plan_, std::move(findings_)};
  }

 private:
  void add(Severity severity, const std::string& subject, std::string text, std::string remedy = {},
           std::vector<Switch> switches = {}) {
    findings_.push_back({severity, subject, std::move(text), std::move(remedy), std::move(switches)});
  }

  [[nodiscard]] bool both(bool (*holds)(const XdpFeatures&)) const {
    const auto& outside = pair_.outside.link.xdp;
    const auto& inside = pair_.inside.link.xdp;
    return outside && inside && holds(*outside) && holds(*inside);
  }

  // Native mode needs that each port takes what the other one redirects. Where the kernel does not tell, it
  // is tried.
  void choose_capture() {
    const bool told = pair_.outside.link.xdp && pair_.inside.link.xdp;
    plan_.afxdp = wish_ != Capture::afpacket && host_.xdp && host_.af_xdp;
    if (plan_.afxdp) {
      plan_.native = !told || both([](const XdpFeatures& xdp) { return xdp.basic && xdp.redirect; });
      plan_.zero_copy = plan_.native && both([](const XdpFeatures& xdp) { return xdp.zero_copy; });
      plan_.frags = plan_.native && both([](const XdpFeatures& xdp) { return xdp.frags; });
    } else if (wish_ == Capture::afxdp) {
      add(Severity::obstacle, "host", "AF_XDP was asked for, and this kernel or process can't have it",
          "use --capture afpacket, or see the findings about this host");
    } else if (wish_ == Capture::automatic) {
      add(Severity::note, pair_name_,
          "AF_XDP can't be had: AF_PACKET carries all packets, and nothing is dropped early");
    }
    plan_.workers =
        plan_.afxdp ? std::min(pair_.outside.link.receive_queues, pair_.inside.link.receive_queues) : 1;
    if (!plan_.afxdp) return;
    if (!host_.bpf_mounted)
      add(Severity::obstacle, "host", fmt::format("no BPF file system is mounted at {}", host_.pins),
          "mount -t bpf bpf /sys/fs/bpf");
    if (!plan_.native)
      add(Severity::note, pair_name_,
          "a driver has no native XDP: the kernel's generic hook is used, at the cost of "
          "a copy of each packet");
    else if (!plan_.zero_copy)
      add(Severity::note, pair_name_, "a driver has no zero-copy AF_XDP: frames are copied");
  }

  void examine_port(const PortFacts& port) {
    const Link& link = port.link;
    if (link.loopback || !link.ethernet) {
      add(Severity::obstacle, link.name, "it is no Ethernet interface", "name an Ethernet interface");
      return;
    }
    if (!link.master.empty())
      add(Severity::obstacle, link.name,
          fmt::format("it is a part of {}, which takes its packets", link.master),
          fmt::format("ip link set {} nomaster", link.name));
    if (!link.addresses.empty())
      add(Severity::warning, link.name,
          fmt::format("it has addresses ({}): the host answers on the wire, which is then not transparent",
                      fmt::join(link.addresses, ", ")),
          fmt::format("ip addr flush dev {}", link.name));
    if (!link.up)
      add(Severity::note, link.name, "it is down; run brings it up");
    else if (!link.carrier)
      add(Severity::warning, link.name, "it has no carrier", "plug the cable in, or bring the other end up");
    examine_features(port);
    if (link.kind == "veth")
      add(Severity::warning, link.name,
          "its other end may hand over unfinished checksums, which can't be told from wrong ones",
          "ethtool -K PEER tx off, in the peer's namespace");
  }

  void examine_features(const PortFacts& port) {
    for (const Harm& harm : harmful) {
      const Feature* feature = port.feature(harm.feature);
      if (feature == nullptr || !feature->on) continue;
      if (harm.behind_xdp && plan_.afxdp && plan_.native) continue;
      if (harm.bearable && feature->fixed) continue;
      examine_harm(port.link.name, harm, *feature);
    }
  }

  void examine_harm(const std::string& interface, const Harm& harm, const Feature& feature) {
    std::vector<Switch> switches{{interface, feature.name, false}};
    if (feature.fixed)
      add(Severity::obstacle, interface, fmt::format("{} can't be switched off: {}", harm.feature, harm.why),
          "use another NIC or driver");
    else if (harm.run_switches)
      add(Severity::fine, interface,
          fmt::format("{} is on ({}): run switches it off, and on again at its end", harm.feature, harm.why),
          {}, std::move(switches));
    else
      add(Severity::obstacle, interface, fmt::format("{} is on: {}", harm.feature, harm.why),
          fmt::format("ethtool -K {} {} off, or run with --fix-offloads", interface, harm.feature),
          std::move(switches));
  }

  void examine_mtu() {
    const std::uint32_t outside = pair_.outside.link.mtu;
    const std::uint32_t inside = pair_.inside.link.mtu;
    if (outside != inside) {
      const Link& small = outside < inside ? pair_.outside.link : pair_.inside.link;
      add(Severity::obstacle, pair_name_,
          fmt::format("MTU {} and {}: frames larger than {} would vanish at {}", outside, inside, small.mtu,
                      small.name),
          fmt::format("ip link set {} mtu {}", small.name, std::max(outside, inside)));
    }
    const std::uint32_t largest = std::max(outside, inside);
    if (plan_.afxdp && plan_.native && largest > most_mtu_without_frags && !plan_.frags &&
        pair_.outside.link.xdp && pair_.inside.link.xdp)
      add(Severity::obstacle, pair_name_,
          fmt::format("MTU {} needs XDP with frames of several buffers, which a driver lacks", largest),
          fmt::format("set the MTU to {} at most, or use --capture afpacket", most_mtu_without_frags));
  }

  void examine_queues() {
    const std::uint32_t outside = pair_.outside.link.receive_queues;
    const std::uint32_t inside = pair_.inside.link.receive_queues;
    if (outside != inside)
      add(Severity::warning, pair_name_,
          fmt::format("{} and {} receive queues: {} workers serve all of them", outside, inside,
                      plan_.workers),
          "give both the same number by ethtool -L");
    if (std::min(outside, inside) < 2) return;
    for (const PortFacts* port : {&pair_.outside, &pair_.inside}) {
      if (port->hash && port->hash->symmetric()) continue;
      add(Severity::note, port->link.name,
          "its receive hash sends the directions of a connection to different queues: workers hand frames "
          "over",
          fmt::format("ethtool -X {} hkey with a key that repeats 6d:5a, or xfrm symmetric-xor",
                      port->link.name));
    }
  }

  void examine_speed() {
    const std::uint32_t outside = pair_.outside.speed;
    const std::uint32_t inside = pair_.inside.speed;
    if (outside != 0 && inside != 0 && outside != inside)
      add(Severity::warning, pair_name_,
          fmt::format("{} and {} Mbit/s: the slower side drops what the faster one brings", outside, inside));
  }

  const HostFacts& host_;
  const PairFacts& pair_;
  Capture wish_;
  std::string pair_name_;
  CapturePlan plan_;
  std::vector<Finding> findings_;
};

}  // namespace

std::string_view name(Severity severity) {
  switch (severity) {
    case Severity::fine:
      return "fine";
    case Severity::note:
      return "note";
    case Severity::warning:
      return "warning";
    case Severity::obstacle:
      return "obstacle";
  }
  return "fine";
}

const Feature* PortFacts::feature(std::string_view name) const {
  const auto found = std::find_if(features.begin(), features.end(),
                                  [&](const Feature& candidate) { return candidate.name == name; });
  return found == features.end() ? nullptr : &*found;
}

bool Examination::obstructed() const {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.severity == Severity::obstacle; });
}

std::vector<Finding> examine(const HostFacts& host) {
  std::vector<Finding> findings;
  const auto add = [&](Severity severity, std::string text, std::string remedy = {}) {
    findings.push_back({severity, "host", std::move(text), std::move(remedy), {}});
  };
  if (!host.missing_capabilities.empty())
    add(Severity::obstacle, fmt::format("this process lacks {}", fmt::join(host.missing_capabilities, ", ")),
        "run as root, or grant them");
  if (!host.xdp)
    add(Severity::note, fmt::format("Linux {} loads no XDP program for this process", host.kernel),
        "a kernel with CONFIG_BPF_SYSCALL, and CAP_BPF");
  if (!host.af_xdp)
    add(Severity::note, fmt::format("Linux {} has no AF_XDP sockets", host.kernel),
        "a kernel with CONFIG_XDP_SOCKETS");
  if (host.xdp && host.af_xdp) add(Severity::fine, fmt::format("Linux {} has XDP and AF_XDP", host.kernel));
  if (!host.af_packet)
    add(host.xdp && host.af_xdp ? Severity::note : Severity::obstacle, "there are no AF_PACKET sockets",
        "CAP_NET_RAW, and a kernel with CONFIG_PACKET");
  return findings;
}

Examination examine(const HostFacts& host, const PairFacts& pair, Capture wish) {
  return Examiner(host, pair, wish).run();
}

std::string to_string(const CapturePlan& plan) {
  if (!plan.afxdp) return "AF_PACKET, 1 worker";
  return fmt::format("AF_XDP, {} mode, {}, {}, {} worker{}", plan.native ? "native" : "generic",
                     plan.zero_copy ? "zero-copy" : "copy", plan.frags ? "jumbo frames" : "no jumbo frames",
                     plan.workers, plan.workers == 1 ? "" : "s");
}

}  // namespace lockstep
