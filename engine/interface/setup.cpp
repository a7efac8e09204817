#include "engine/interface/setup.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "engine/descriptor.hpp"
#include "engine/files.hpp"
#include "engine/interface/ethtool.hpp"

namespace lockstep {
namespace {

using Aspect = InterfaceChange::What;
constexpr std::array<std::string_view, 3> what_names{"feature", "flag", "ipv6"};

struct Flag {
  std::string_view name;
  unsigned bit;
};
constexpr std::array<Flag, 4> flags{
    {{"promisc", IFF_PROMISC}, {"allmulti", IFF_ALLMULTI}, {"noarp", IFF_NOARP}, {"up", IFF_UP}}};

tl::unexpected<std::string> problem(const std::string& interface, std::string_view what) {
  return tl::unexpected(
      fmt::format("{}: {}: {}", interface, what, std::strerror(errno)));  // NOLINT(concurrency-mt-unsafe)
}

// Reads the flags, and writes them if `set` says so.
tl::expected<bool, std::string> flag(const InterfaceChange& change, bool set) {
  const auto row =
      std::find_if(flags.begin(), flags.end(), [&](const Flag& f) { return f.name == change.name; });
  if (row == flags.end())
    return tl::unexpected(fmt::format("{}: no flag is named {}", change.interface, change.name));
  const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strncpy(request.ifr_name, change.interface.c_str(), IFNAMSIZ - 1);
  if (::ioctl(socket.get(), SIOCGIFFLAGS, &request) < 0) return problem(change.interface, "its flags");
  const unsigned before = static_cast<std::uint16_t>(request.ifr_flags);
  const unsigned after = change.on ? before | row->bit : before & ~row->bit;
  if (set && after != before) {
    request.ifr_flags = static_cast<short>(after);
    if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) < 0) return problem(change.interface, change.name);
  }
  return (before & row->bit) != 0;
}

tl::expected<bool, std::string> feature(const InterfaceChange& change, bool set) {
  const auto tool = Ethtool::open(change.interface);
  if (!tool) return tl::unexpected(tool.error());
  const auto features = tool->features();
  if (!features) return tl::unexpected(features.error());
  const auto found = std::find_if(features->begin(), features->end(),
                                  [&](const Feature& f) { return f.name == change.name; });
  if (found == features->end()) return change.on;
  if (set && found->on != change.on) {
    if (auto done = tool->set(change.name, change.on); !done) return tl::unexpected(done.error());
  }
  return found->on;
}

// A kernel without IPv6 has none to switch off.
tl::expected<bool, std::string> ipv6(const InterfaceChange& change, bool set) {
  const std::string path = fmt::format("/proc/sys/net/ipv6/conf/{}/disable_ipv6", change.interface);
  std::ifstream in(path);
  int disabled = 0;
  if (!(in >> disabled)) return change.on;
  const bool before = disabled == 0;
  if (set && before != change.on) {
    std::ofstream out(path);
    out << (change.on ? 0 : 1) << std::flush;
    if (!out) return problem(change.interface, path);
  }
  return before;
}

tl::expected<bool, std::string> ask(const InterfaceChange& change, bool set) {
  switch (change.what) {
    case Aspect::feature:
      return feature(change, set);
    case Aspect::flag:
      return flag(change, set);
    case Aspect::ipv6:
      return ipv6(change, set);
  }
  return false;
}

bool same(const InterfaceChange& a, const InterfaceChange& b) {
  return a.index == b.index && a.what == b.what && a.name == b.name;
}

}  // namespace

std::vector<InterfaceChange> wire_changes(const std::string& interface, unsigned index) {
  return {{interface, index, Aspect::ipv6, "enabled", false},
          {interface, index, Aspect::flag, "noarp", true},
          {interface, index, Aspect::flag, "promisc", true},
          {interface, index, Aspect::flag, "allmulti", true},
          {interface, index, Aspect::flag, "up", true}};
}

tl::expected<InterfaceSetup, std::string> InterfaceSetup::apply(const std::string& record,
                                                                const std::vector<InterfaceChange>& changes) {
  auto setup = read(record);
  if (!setup) return setup;
  const auto undone = [&](const std::string& error) {
    static_cast<void>(setup->restore());
    return tl::unexpected(error);
  };
  for (const InterfaceChange& change : changes) {
    const auto before = ask(change, false);
    if (!before) return undone(before.error());
    if (*before == change.on) continue;
    const bool known = std::any_of(setup->before_.begin(), setup->before_.end(),
                                   [&](const InterfaceChange& other) { return same(change, other); });
    if (!known) {
      setup->before_.push_back(change);
      setup->before_.back().on = *before;
      if (auto written = setup->write(); !written) return undone(written.error());
    }
    if (auto done = ask(change, true); !done) return undone(done.error());
  }
  return setup;
}

tl::expected<InterfaceSetup, std::string> InterfaceSetup::read(const std::string& record) {
  InterfaceSetup setup(record);
  if (!std::filesystem::exists(record)) return setup;
  const auto text = read_text(record);
  if (!text) return tl::unexpected(text.error());
  std::istringstream lines(*text);
  InterfaceChange change;
  std::string what;
  while (lines >> change.interface >> change.index >> what >> change.name >> change.on) {
    const auto found = std::find(what_names.begin(), what_names.end(), what);
    if (found == what_names.end())
      return tl::unexpected(fmt::format("{}: not a record of interfaces", record));
    change.what = static_cast<Aspect>(found - what_names.begin());
    // Another interface of that name is as it was made.
    if (::if_nametoindex(change.interface.c_str()) == change.index) setup.before_.push_back(change);
  }
  if (!lines.eof()) return tl::unexpected(fmt::format("{}: not a record of interfaces", record));
  return setup;
}

tl::expected<void, std::string> InterfaceSetup::write() const {
  const std::string beside = record_ + ".new";
  std::ofstream out(beside, std::ios::trunc);
  for (const InterfaceChange& change : before_)
    out << fmt::format("{} {} {} {} {:d}\n", change.interface, change.index,
                       what_names[static_cast<std::size_t>(change.what)], change.name, change.on);
  out.close();
  std::error_code error;
  if (out) std::filesystem::rename(beside, record_, error);
  if (!out || error) return tl::unexpected(fmt::format("{}: can't be written", record_));
  return {};
}

tl::expected<void, std::string> InterfaceSetup::restore() {
  tl::expected<void, std::string> result;
  std::for_each(before_.rbegin(), before_.rend(), [&](const InterfaceChange& change) {
    if (::if_nametoindex(change.interface.c_str()) != change.index) return;
    if (auto done = ask(change, true); !done && result) result = tl::unexpected(done.error());
  });
  if (!result) return result;
  before_.clear();
  std::error_code error;
  std::filesystem::remove(record_, error);
  return {};
}

}  // namespace lockstep
