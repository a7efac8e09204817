#include "engine/wire_pair.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

namespace lockstep {
namespace {

std::string file_of(const WireSettings& settings, const std::string& outside, const std::string& inside,
                    std::string_view what) {
  return fmt::format("{}/{}-{}.{}", settings.run_dir, outside, inside, what);
}

tl::expected<Descriptor, std::string> lock(const WireSettings& settings, const std::string& outside,
                                           const std::string& inside) {
  std::error_code error;
  std::filesystem::create_directories(settings.run_dir, error);
  const std::string path = file_of(settings, outside, inside, "lock");
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file)
    return tl::unexpected(
        fmt::format("{}: {}", path, std::strerror(errno)));  // NOLINT(concurrency-mt-unsafe)
  if (::flock(file.get(), LOCK_EX | LOCK_NB) < 0)
    return tl::unexpected(fmt::format("{}:{}: another run has it", outside, inside));
  return file;
}

std::string line(const Finding& finding) {
  std::string text = fmt::format("{}: {}", finding.subject, finding.text);
  return finding.remedy.empty() ? text : fmt::format("{}: {}", text, finding.remedy);
}

// What stands in the way and is not to be mended; the features that are to be switched are added to
// `changes`.
std::vector<std::string> obstacles(const Examination& examination, const PairFacts& facts, bool fix,
                                   std::vector<InterfaceChange>& changes) {
  std::vector<std::string> lines;
  for (const Finding& finding : examination.findings) {
    const bool stands = finding.severity == Severity::obstacle && !(fix && !finding.switches.empty());
    if (stands) lines.push_back(line(finding));
    for (const Switch& change : finding.switches) {
      const Link& link = (change.interface == facts.outside.link.name ? facts.outside : facts.inside).link;
      changes.push_back({link.name, link.index, InterfaceChange::What::feature, change.feature, change.on});
    }
  }
  return lines;
}

}  // namespace

std::pair<std::string, std::string> pair_names(std::string_view pair) {
  const auto colon = pair.find(':');
  return {std::string(pair.substr(0, colon)), std::string(pair.substr(colon + 1))};
}

tl::expected<WirePair, std::vector<std::string>> WirePair::take(const WireSettings& settings,
                                                                std::string_view pair) {
  using Errors = std::vector<std::string>;
  const auto [outside, inside] = pair_names(pair);
  auto taken = take_over(settings, pair);
  if (!taken) return tl::unexpected(Errors{taken.error()});
  const auto gathered = gather_pair(outside, inside);
  if (!gathered) return tl::unexpected(Errors{gathered.error()});
  const PairFacts& facts = *gathered;
  Examination examination = examine(gather_host(settings.pin_dir), facts, settings.capture);
  std::vector<InterfaceChange> changes;
  auto lines = obstacles(examination, facts, settings.fix_offloads, changes);
  if (!lines.empty()) return tl::unexpected(std::move(lines));
  for (const PortFacts* port : {&facts.outside, &facts.inside}) {
    const auto more = wire_changes(port->link.name, port->link.index);
    changes.insert(changes.end(), more.begin(), more.end());
  }
  auto setup = InterfaceSetup::apply(file_of(settings, outside, inside, "interfaces"), changes);
  if (!setup) return tl::unexpected(Errors{setup.error()});
  taken->setup_ = std::move(*setup);
  taken->plan_ = examination.plan;
  taken->queues_ = {facts.outside.link.receive_queues, facts.inside.link.receive_queues};
  taken->mtu_ = std::max(facts.outside.link.mtu, facts.inside.link.mtu);
  taken->findings_ = std::move(examination.findings);
  return std::move(*taken);
}

tl::expected<WirePair, std::string> WirePair::take_over(const WireSettings& settings, std::string_view pair) {
  const auto [outside, inside] = pair_names(pair);
  auto locked = lock(settings, outside, inside);
  if (!locked) return tl::unexpected(locked.error());
  auto setup = InterfaceSetup::read(file_of(settings, outside, inside, "interfaces"));
  if (!setup) return tl::unexpected(setup.error());
  return WirePair(outside, inside, std::move(*locked), std::move(*setup));
}

}  // namespace lockstep
