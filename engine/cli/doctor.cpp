// lockstep doctor: what the machine offers, what a run would use, and what stands in its way.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "engine/cli/commands.hpp"
#include "engine/cli/terminal.hpp"
#include "engine/doctor/examine.hpp"
#include "engine/interface/link.hpp"
#include "engine/wire.hpp"

namespace lockstep {
namespace {

Colour colour_of(Severity severity) {
  switch (severity) {
    case Severity::fine:
      return Colour::green;
    case Severity::note:
      return Colour::dim;
    case Severity::warning:
      return Colour::yellow;
    case Severity::obstacle:
      return Colour::red;
  }
  return Colour::dim;
}

void print(const std::vector<Finding>& findings) {
  const bool colours = use_colours(stdout);
  for (const Finding& finding : findings) {
    fmt::print("{}  {}: {}\n",
               painted(fmt::format("{:<8}", name(finding.severity)), colour_of(finding.severity), colours),
               finding.subject, finding.text);
    if (!finding.remedy.empty()) fmt::print("            {}\n", finding.remedy);
  }
}

// For how long neither end of an act had its carrier, at a grain of a millisecond.
class CarrierWatch {
 public:
  explicit CarrierWatch(const WirePair& pair)
      : thread_([this, ports = std::array{pair.outside(), pair.inside()}] { watch(ports); }) {}
  ~CarrierWatch() { stop(); }
  CarrierWatch(const CarrierWatch&) = delete;
  CarrierWatch& operator=(const CarrierWatch&) = delete;

  std::chrono::milliseconds stop() {
    ending_.store(true);
    if (thread_.joinable()) thread_.join();
    return longest_;
  }

 private:
  void watch(const std::array<std::string, 2>& ports) {
    using Clock = std::chrono::steady_clock;
    auto good = Clock::now();
    while (!ending_.load()) {
      const auto up = [](const std::string& port) {
        const auto link = read_link(port);
        return link && link->carrier;
      };
      const auto now = Clock::now();
      if (std::all_of(ports.begin(), ports.end(), up)) good = now;
      longest_ = std::max(longest_, std::chrono::duration_cast<std::chrono::milliseconds>(now - good));
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  std::atomic<bool> ending_{false};
  std::chrono::milliseconds longest_{0};
  std::thread thread_;
};

template <class Act>
bool time_act(const WirePair& pair, std::string_view what, Act act) {
  CarrierWatch watch(pair);
  const auto begin = std::chrono::steady_clock::now();
  const auto done = act();
  const auto took = std::chrono::steady_clock::now() - begin;
  std::this_thread::sleep_for(std::chrono::seconds(3));  // a NIC takes its link down a while later
  const auto longest = watch.stop();
  if (!done) {
    complain(done.error());
    return false;
  }
  fmt::print("{}: the call took {:.1f} ms, the link was away for {} ms\n", what,
             std::chrono::duration<double, std::milli>(took).count(), longest.count());
  return true;
}

int measure_gap(const WireSettings& settings, const std::string& name, const CapturePlan& plan) {
  if (!plan.afxdp) {
    fmt::print("gap: AF_PACKET attaches nothing\n");
    return exit_ok;
  }
  for (const std::string& port : {pair_names(name).first, pair_names(name).second}) {
    const auto link = read_link(port);
    if (link && link->carrier) continue;
    complain(fmt::format("{}: it has no carrier: there is no gap to be measured", port));
    return exit_bad_input;
  }
  const auto pair = WirePair::take_over(settings, name);
  if (!pair) {
    complain(pair.error());
    return exit_bad_input;
  }
  const std::string pins = pins_of(settings, *pair) + "-gap";
  const xdp::AttachWish wish{
      .interfaces = {pair->outside(), pair->inside()}, .pins = pins, .native = plan.native};
  const bool good = time_act(*pair, "attaching", [&] { return xdp::Program::attach(wish); }) &&
                    time_act(*pair, "detaching", [&] { return xdp::Program::detach(pins); });
  return good ? exit_ok : exit_bad_input;
}

int examine_one(const Settings& settings, const std::string& name, bool gap) {
  const auto [outside, inside] = pair_names(name);
  const auto facts = gather_pair(outside, inside);
  if (!facts) {
    complain(facts.error());
    return exit_bad_input;
  }
  const Examination examination = examine(gather_host(settings.wire.pin_dir), *facts, settings.wire.capture);
  print(examination.findings);
  fmt::print("{}: {}\n", name, to_string(examination.plan));
  if (gap && !examination.obstructed()) return measure_gap(settings.wire, name, examination.plan);
  return examination.obstructed() ? exit_bad_input : exit_ok;
}

}  // namespace

int run_doctor(const Configuration& configuration) {
  const Settings& settings = configuration.invocation.settings;
  if (settings.wire.pairs.empty()) {
    const Examination host{{}, examine(gather_host(settings.wire.pin_dir))};
    print(host.findings);
    return host.obstructed() ? exit_bad_input : exit_ok;
  }
  int code = exit_ok;
  for (const std::string& name : settings.wire.pairs)
    code = std::max(code, examine_one(settings, name, configuration.invocation.doctor.gap));
  return code;
}

}  // namespace lockstep
