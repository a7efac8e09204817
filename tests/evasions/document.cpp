#include "tests/evasions/document.hpp"

#include <fmt/format.h>

#include "tests/evasions/overlaps.hpp"
#include "tests/evasions/play_row.hpp"

namespace lockstep::evasions {
namespace {

constexpr std::string_view introduction = R"(# Evasions

Ways to show an inspection engine another stream than the end host gets, or to make it look away, and what comes of
them: alone against a Linux host, and with Lockstep in between. `make evasions` writes this page from a run against
the TCP stack of the kernel that it runs on; the rows stand in `tests/evasions/*.rows`, each is a test
(`build/dev/evasions --row H08`), and a test fails where this page is not what the run gives.

How to read it. One line a packet: its flags, where it starts (`@0` is the first byte of the sender's stream, `isn` its
SYN, `edge` the right edge of the receiver's window, `sack` the end of what it selectively acknowledged), its payload,
and what is odd about it. `ack+5` and `tsval-9` are differences to what an honest sender would put there, `ack=1` counts
from the other side's SYN. *Host* is what the host answers without Lockstep: flags, and the acknowledgment counted from
the sender's SYN; `-` is nothing. *Lockstep* is the verdict on the packet and its reason ([REASONS.md](REASONS.md)),
events with `!`, packets of its own with `+`. Below stands what the application read, and how its connection ended up:
alone, and behind Lockstep; and what Lockstep makes of it where it only looks on: *scanned* means that every byte the
application read was scanned with its value at its place, *ambiguous* that an event told of several readings.
*Signature* means that the rule of these tests fired, which looks for EVIL and drops.

Unless a case says otherwise a client attacks a server behind the device over IPv4, with timestamps, SACK and window
scaling. Each such case is also played over IPv6, across the wrap of the sequence numbers, with the words EVIL and GOOD
exchanged, and, where it starts with an open connection, with a server attacking a client; all end alike.
)";

std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text;
}

// The title, with the options of the case in words.
std::string title_of(const Case& one) {
  const auto brace = one.title.find('{');
  std::string text = one.title.substr(0, brace);
  if (brace != std::string::npos) text.erase(text.find_last_not_of(' ') + 1);
  std::string options;
  const auto add = [&](bool is, std::string_view what) {
    if (is) options += fmt::format("{}{}", options.empty() ? "" : ", ", what);
  };
  const oracle::Scenario& scenario = one.scenario;
  add(scenario.host_connects, "a server attacks a client");
  add(scenario.ipv6, "IPv6");
  add(!scenario.timestamps, "no timestamps");
  add(!scenario.sack, "no SACK");
  add(!scenario.window_scale, "no window scale");
  add(scenario.service == oracle::Service::small_window, "a small window");
  add(scenario.service == oracle::Service::fast_open, "Fast Open without cookie");
  add(scenario.service == oracle::Service::fast_open_cookie, "Fast Open with cookie");
  return options.empty() ? text : fmt::format("{} ({})", text, options);
}

void add_case(const Case& one, std::string& out) {
  out += fmt::format("\n**{}**\n\n| sent | host | Lockstep |\n|---|---|---|\n", title_of(one));
  for (const Line& line : one.lines) {
    out += fmt::format("| `{}` | {} | {} |\n", cell(line.text), cell(line.answers), cell(line.verdict));
  }
  out += fmt::format("| **read** | {} | {}; observing: {} |\n", cell(one.host), cell(one.lockstep),
                     cell(one.observed));
}

void add_row(const Row& row, const Catalogue& catalogue, std::string& out) {
  out += fmt::format("\n### {} {}\n", row.id, row.title);
  if (!row.notes.empty()) out += fmt::format("\n{}\n", fmt::join(row.notes, "\n"));
  for (const Case& one : row.cases) add_case(one, out);
  if (const auto swept = catalogue.swept.find(row.id); swept != catalogue.swept.end())
    out += fmt::format("\n{}\n", swept->second);
  const auto tagged = catalogue.tagged.find(row.id);
  if (tagged == catalogue.tagged.end()) return;
  out += "\nTests:\n\n";
  for (const TaggedTest& test : tagged->second)
    out += fmt::format("- {} (`tests/{}`)\n", test.name, test.file);
}

}  // namespace

std::string markdown(Catalogue& catalogue, oracle::KernelHost& host, oracle::Rules& rules) {
  std::string out(introduction);
  for (SectionRows& section : catalogue.sections) {
    out += fmt::format("\n## {}\n", section.section->title);
    for (Row& row : section.rows) {
      for (Case& one : row.cases) one = measure(one, host, rules).as_measured;
      if (is_swept(row.id)) catalogue.swept[row.id] = play_overlaps(row.id, host, rules).told;
      add_row(row, catalogue, out);
    }
  }
  return out;
}

}  // namespace lockstep::evasions
